// Calls of the host that it may answer with an error.

import { payload } from "../errors.js";

/** Calls the host. Its error becomes a `TypeError` that says `what`, as the Web's are, whose cause is the SDK's own. */
export function hostCall<Wit, T>(what: string, own: new (error: Wit) => Error, call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    const cause = new own(payload<Wit>(thrown));
    throw new TypeError(`${what}: ${cause.message}`, { cause });
  }
}
