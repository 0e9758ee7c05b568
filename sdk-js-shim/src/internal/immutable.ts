// The headers of a fetched response, which by the Fetch standard nobody changes.

import { copyExtra } from "../message.js";

/** What they inherit from in the place of `Headers.prototype`. */
const IMMUTABLE = Object.create(Headers.prototype, {
  append: { value: refusing("added") },
  delete: { value: refusing("deleted") },
  set: { value: refusing("set") },
});

/** The URLs that they are from. */
const urls = new WeakMap<Headers, string>();

/** Middleware of a package may be what changes them, and knows nothing of who fetched the response. */
function refusing(what: string) {
  return function (this: Headers, name: unknown): never {
    const { origin } = new URL(urls.get(this)!);
    throw new TypeError(
      `\`${String(name)}\` can't be ${what}: the headers of a response that was fetched, from ${origin}, are ` +
        "immutable; those of `new Response(response.body, response)`, a copy, are not",
    );
  };
}

/** Has changing the headers of `response`, which is from `url`, be a `TypeError`. */
export function makeImmutable(response: Response, url: string): void {
  const { headers } = response;
  Object.setPrototypeOf(headers, IMMUTABLE);
  urls.set(headers, url);
}

/** `response`, or where its headers are immutable, one like it whose are not. */
export function changeable(response: Response): Response {
  if (!IMMUTABLE.isPrototypeOf(response.headers)) return response;
  const copy = new Response(response.body, response);
  copyExtra(response, copy);
  return copy;
}
