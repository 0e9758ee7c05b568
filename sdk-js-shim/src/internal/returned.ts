import { own } from "./own.js";

/** What a handler returned, as a reply. Throws `TypeError` or `RangeError` where it can't be sent. */
export function toReturned(returned: unknown): Response {
  if (!(returned instanceof own.Response)) {
    throw new TypeError(`the handler returned no Response but ${nameOf(returned)}`);
  }
  if (returned.bodyUsed) {
    throw new TypeError("the body of the returned Response was used already");
  }
  if (returned.status < 200) {
    const error = returned.type === "error" ? ": Response.error() was returned" : "";
    throw new RangeError(
      `the status ${returned.status} is no reply's, which is 200 to 599${error}`,
    );
  }
  return returned;
}

function nameOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    // It has no `toString`, or one that throws.
    return `an ${typeof value}`;
  }
}
