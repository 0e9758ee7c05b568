import { engine } from "#engine";
import { kindOf } from "./kind.js";
import { own } from "./own.js";

/** What to write instead, by what was returned. */
const ADVICE: Readonly<Record<string, string>> = {
  undefined: "; is a `return` missing?",
  "a string": "; `new Response(text)` is one",
  "an object": "; `Response.json(value)` is one",
};

/** What `who` returned, as a response. Throws `TypeError` or `RangeError` where it can't be sent. */
export function toReturned(returned: unknown, who = "the handler"): Response {
  if (!isResponse(returned)) throw noResponse(returned, who);
  if (returned.bodyUsed) {
    throw new TypeError("the body of the returned Response was used already");
  }
  if (engine.isLocked(returned)) {
    throw new TypeError("the body of the returned Response is held by a reader");
  }
  if (returned.status < 200) {
    const error = returned.type === "error" ? ": Response.error() was returned" : "";
    throw new RangeError(
      `the status ${returned.status} is no reply's, which is 200 to 599${error}`,
    );
  }
  return returned;
}

export function isResponse(value: unknown): value is Response {
  return value instanceof own.Response;
}

/** What to throw where `who` returned no response. */
export function noResponse(returned: unknown, who: string): TypeError {
  const kind = kindOf(returned);
  return new TypeError(`${who} returned no Response but ${kind}${ADVICE[kind] ?? ""}`);
}
