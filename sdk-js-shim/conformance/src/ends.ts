import { abort } from "@edgewit/sdk";
import type { Verb, Verbs } from "./script.js";
import { Report } from "./words.js";

/** These report before what they do, as there is nothing after it. */
function announced(end: () => never): Verb {
  return (run) => {
    run.say(Report.ok());
    end();
  };
}

function stop(text: string): never {
  abort(text);
}

export const ends: Verbs = {
  // JavaScript has nothing that can't be caught: an exception is an error of the handler.
  panic: (run, operands) => announced(() => stop(operands.text(0)))(run, operands),
  abort: (run, operands) => announced(() => stop(operands.text(0)))(run, operands),
  spin: announced(() => {
    for (;;);
  }),
  grow(run, operands) {
    run.memory.push(new Uint8Array(operands.number(0)).fill(1));
  },
  recurse: announced(() => {
    throw new Error(`the stack has room for ${depth(0)} calls`);
  }),
};

/** Deeper than any stack. */
function depth(level: number): number {
  return level === Number.MAX_SAFE_INTEGER ? 0 : depth(level + 1) + 1;
}
