// The headers of a fetched response, and of one that redirects, which by the Fetch standard nobody changes.

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
    const url = urls.get(this);
    const of =
      url === undefined ? "of a redirect" : `that was fetched, from ${new URL(url).origin},`;
    throw new TypeError(
      `\`${String(name)}\` can't be ${what}: the headers of a response ${of} are immutable; those of ` +
        "`new Response(response.body, response)`, a copy, are not",
    );
  };
}

/** Has changing the headers of `response`, which is from `url` if it was fetched, be a `TypeError`. */
export function makeImmutable(response: Response, url?: string): void {
  const { headers } = response;
  Object.setPrototypeOf(headers, IMMUTABLE);
  if (url !== undefined) urls.set(headers, url);
}

/** Has `copy` be as immutable as what it is a copy of. */
export function keepImmutable(message: Request | Response, copy: Request | Response): void {
  if (isImmutable(message)) makeImmutable(copy as Response, urls.get(message.headers));
}

export function isImmutable(message: Request | Response): boolean {
  return IMMUTABLE.isPrototypeOf(message.headers);
}

/** `response`, or where its headers are immutable, one like it whose are not. */
export function changeable(response: Response): Response {
  if (!isImmutable(response)) return response;
  const copy = new Response(response.body, response);
  copyExtra(response, copy);
  return copy;
}
