// Exceptions as lines of the log: their messages, and where in the application they are from.

import { engine } from "#engine";
import { logging } from "#host";
import { inspect } from "node-inspect-extracted";
import { chain } from "../errors.js";
import { isOfPackage } from "./lines.js";

/**
 * The text of an exception and of its causes, and where it was made; where that is in a package, the innermost place of
 * the application's own files as well. Only an `Error` knows.
 */
export function describe(error: unknown): string {
  const frame = frameOf(error);
  return frame === undefined ? messagesOf(error) : `${messagesOf(error)} (at ${frame})`;
}

/** The text of an exception and of its causes, and what to use instead where they missed something. */
export function messagesOf(error: unknown): string {
  try {
    const text = chain(error, tell).toWellFormed();
    return text + engine.insteadOf(text);
  } catch {
    // A getter or `toString` of its own threw: what can't be told must not be a trap.
    return "an exception that can't be told as text";
  }
}

/** A value that is no error: a text as it is, and all else as `console` shows it, on one line. */
function tell(value: unknown): string {
  return typeof value === "string"
    ? value
    : inspect(value, { breakLength: Infinity, compact: true });
}

function frameOf(error: unknown): string | undefined {
  try {
    if (!(error instanceof Error)) return undefined;
    const frames = Array.from(
      String(error.stack).matchAll(/\n    at (.*)/g),
      ([, frame]) => frame!,
    );
    const own = frames.find((frame) => !isOfPackage(frame));
    if (own === undefined || own === frames[0]) return own ?? frames[0];
    return `${frames[0]}, from ${/\((.*)\)$/.exec(own)?.[1] ?? own}`;
  } catch {
    return undefined;
  }
}

/** Writes what failed and can't be told to anybody as a line of the log. */
export function logFailure(what: string, error: unknown): void {
  logging.log("error", "edgewit", `${what}: ${describe(error)}`, []);
}
