// The text of an exception's stack.

import { defineGetter } from "../define.js";
import { framesOf } from "../guest/lines.js";
import type { Lack } from "./starlingmonkey.js";

export const lacks: Record<string, Lack> = {
  // As V8 writes it, which Node's formatter and applications that log it take for granted; and with the application's
  // own files and lines.
  "Error.stack begins with the message": {
    isThere: () => new Error("the message").stack?.startsWith("Error: the message") === true,
    install() {
      defineGetter(Error.prototype, "stack", (error, engine) => {
        const stack = engine();
        if (typeof stack !== "string") return stack;
        const frames = framesOf(stack);
        const classes = classesOf(error);
        // An error is made where its class is asked for it, and not within.
        while (frames.length > 1 && classes.has(frames[0]!.split(" (", 1)[0]!)) frames.shift();
        return [String(error), ...frames].join("\n    at ");
      });
    },
  },
};

/** The names of the classes between an error's own and `Error`. */
function classesOf(error: Error): Set<string> {
  const names = new Set<string>();
  let at = Object.getPrototypeOf(error) as Error | null;
  for (; at !== null && at !== Error.prototype; at = Object.getPrototypeOf(at)) {
    names.add(at.constructor?.name);
  }
  return names;
}
