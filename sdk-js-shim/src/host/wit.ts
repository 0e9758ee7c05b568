// The host of a component: the functions that it imports by `edge:sdk`. The engine's build links them.

// @ts-expect-error no package has this name
import * as fetchImports from "edge:sdk/fetch@0.1.0";
// @ts-expect-error no package has this name
import * as kvImports from "edge:sdk/kv@0.1.0";
// @ts-expect-error no package has this name
import * as loggingImports from "edge:sdk/logging@0.1.0";
// @ts-expect-error no package has this name
import * as pollImports from "edge:sdk/poll@0.1.0";
// @ts-expect-error no package has this name
import * as systemImports from "edge:sdk/system@0.1.0";

import type { Imports } from "../generated/edge.js";

export const fetch: Imports["fetch"] = fetchImports;
export const kv: Imports["kv"] = kvImports;
export const logging: Imports["logging"] = loggingImports;
export const poll: Imports["poll"] = pollImports;
export const system: Imports["system"] = systemImports;
