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
        const frames = framesOf(stack).map((frame) => `\n    at ${frame}`);
        return `${String(error)}${frames.join("")}`;
      });
    },
  },
};
