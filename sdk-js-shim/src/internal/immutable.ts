// The headers of a fetched response, which by the Fetch standard nobody changes.

import { copyExtra } from "../message.js";

/** What they inherit from in the place of `Headers.prototype`. */
const IMMUTABLE = Object.create(Headers.prototype, {
  append: { value: refuse },
  delete: { value: refuse },
  set: { value: refuse },
});

function refuse(): never {
  throw new TypeError(
    "the headers of a fetched response are immutable; `new Response(body, response)` copies them",
  );
}

/** Has changing the headers of `response` be a `TypeError`. */
export function makeImmutable(response: Response): void {
  Object.setPrototypeOf(response.headers, IMMUTABLE);
}

/** `response`, or where its headers are immutable, one like it whose are not. */
export function changeable(response: Response): Response {
  if (!IMMUTABLE.isPrototypeOf(response.headers)) return response;
  const copy = new Response(response.body, response);
  copyExtra(response, copy);
  return copy;
}
