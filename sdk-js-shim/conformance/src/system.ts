// Logging, clocks, randomness, and a variable of the program.

import { monotonic, now, random } from "@edgewit/sdk";
import * as log from "@edgewit/sdk/log";
import type { Verbs } from "./script.js";
import { Mistake, Report } from "./words.js";

const LEVELS: readonly log.Level[] = ["trace", "debug", "info", "warn", "error"];

let variable = "built";

export const system: Verbs = {
  log(_, operands) {
    const level = LEVELS.find((level) => level === operands.word(0));
    if (level === undefined) throw new Mistake("no level");
    log.event(level, operands.text(1), { target: "guest", fields: operands.pairs(2) });
  },
  "log.min-level": () => Report.ok().value(log.minLevel()),
  "sys.now": () => Report.ok().word(now()),
  "sys.monotonic"() {
    const [first, second] = [monotonic(), monotonic()];
    return Report.ok().word(second >= first ? "ordered" : "unordered");
  },
  "sys.random"(_, operands) {
    const bytes = random(operands.number(0));
    return Report.ok().word(bytes.length).value(bytes);
  },
  "global.set"(_, operands) {
    variable = operands.text(0);
  },
  "global.get": () => Report.ok().value(variable),
};
