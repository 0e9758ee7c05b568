// Values through the guest alone, in JavaScript's own types.

import type { Verbs } from "./script.js";
import { Report } from "./words.js";

export const echo: Verbs = {
  "echo.text": (_, operands) => Report.ok().value(operands.text(0)),
  "echo.bytes": (_, operands) => Report.ok().value(operands.bytes(0)),
  "echo.u64": (_, operands) => Report.ok().word(BigInt.asUintN(64, operands.bigint(0))),
  "echo.s64": (_, operands) => Report.ok().word(BigInt.asIntN(64, operands.bigint(0))),
  "echo.list": (_, operands) => Report.ok().list(operands.texts(0)),
};
