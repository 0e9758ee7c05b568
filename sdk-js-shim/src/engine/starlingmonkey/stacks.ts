// The stacks of exceptions.

import { defineGetter } from "../../define.js";
import type { Engine, Frame } from "../engine.js";

/** A line of a stack as the engine writes it, of the bundle's. */
const FRAME = /^(.*)@source\.js:(\d+):(\d+)$/;

export const writeStacks: Engine["writeStacks"] = (write) =>
  defineGetter(Error.prototype, "stack", (error, engine) => {
    const stack = engine();
    return typeof stack === "string" ? write(error, framesOf(stack)) : stack;
  });

function* framesOf(stack: string): Iterable<Frame> {
  for (const text of stack.split("\n")) {
    const [, name, line, column] = FRAME.exec(text) ?? [];
    if (name !== undefined) yield { name, line: Number(line), column: Number(column) };
  }
}
