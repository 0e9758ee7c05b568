// Exceptions as lines of the log: their messages, and where in the application they are from.

import { logging } from "#host";
import { inspect } from "node-inspect-extracted";
import { chain } from "../errors.js";

/** The text of an exception and of its causes, and the innermost place of the application that it went through. */
export function describe(error: unknown): string {
  const frame = frameOf(error);
  return frame === undefined ? messagesOf(error) : `${messagesOf(error)} (at ${frame})`;
}

/** The text of an exception and of its causes. */
export function messagesOf(error: unknown): string {
  try {
    return chain(error, tell).toWellFormed();
  } catch {
    // A getter or `toString` of its own threw: what can't be told must not be a trap.
    return "an exception that can't be told as text";
  }
}

/** A value that is no error: an object as `console` shows it, on one line. */
function tell(value: unknown): string {
  const isText = typeof value !== "object" || value === null;
  return isText ? String(value) : inspect(value, { breakLength: Infinity });
}

function frameOf(error: unknown): string | undefined {
  try {
    return error instanceof Error ? /\n    at (.*)/.exec(error.stack ?? "")?.[1] : undefined;
  } catch {
    return undefined;
  }
}

/** Writes what failed and can't be told to anybody as a line of the log. */
export function logFailure(what: string, error: unknown): void {
  logging.log("error", "edgewit", `${what}: ${describe(error)}`, []);
}
