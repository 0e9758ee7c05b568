// The globals of an application in a component.

import { FixedLengthStream } from "../fixed-length.js";
import { extra } from "../message.js";
import { listening, unlistening } from "./application.js";
import { installBody, installClone, rememberingRequest, rememberingResponse } from "./bodies.js";
import { installBuildTime } from "./build-time.js";
import { toConsole } from "./console.js";
import { installConsumed } from "./consumed.js";
import { fetch } from "./fetch.js";
import { givenSignal } from "./signal.js";
import { clear, setInterval, setTimeout, timeout } from "./timers.js";
import { define, defineGetter } from "../define.js";

/** Makes the globals what the SDK says they are. */
export function install(): void {
  define(globalThis, "Request", rememberingRequest(Request));
  define(globalThis, "Response", rememberingResponse(Response));
  define(globalThis, "FixedLengthStream", FixedLengthStream);
  define(globalThis, "fetch", fetch);
  define(globalThis, "setTimeout", setTimeout);
  define(globalThis, "setInterval", setInterval);
  define(globalThis, "clearTimeout", clear);
  define(globalThis, "clearInterval", clear);
  define(globalThis, "addEventListener", listening(globalThis.addEventListener));
  define(globalThis, "removeEventListener", unlistening(globalThis.removeEventListener));
  define(globalThis, "console", toConsole(globalThis.console));
  define(AbortSignal, "timeout", timeout);
  defineGetter(Request.prototype, "signal", (request, engine) => givenSignal(request) ?? engine());
  defineGetter(Response.prototype, "url", (response) => extra(response).uri ?? "");
  defineGetter(
    Response.prototype,
    "redirected",
    (response) => (extra(response).redirects ?? 0) > 0,
  );
  installBody();
  installClone();
  installConsumed();
  installBuildTime();
}
