// The headers of a fetched response, and of one that redirects, which by the Fetch standard nobody changes.

import { copyExtra, extra } from "../message.js";
import { own } from "./own.js";

const { URL } = globalThis;

/** What they inherit from in the place of `Headers.prototype`. */
const IMMUTABLE = Object.create(Headers.prototype, {
  append: { value: refusing("added") },
  delete: { value: refusing("deleted") },
  set: { value: refusing("set") },
});

/** The responses whose they are. */
const responses = new WeakMap<Headers, Response>();

/** Middleware of a package may be what changes them, and knows nothing of who fetched the response. */
function refusing(what: string) {
  return function (this: Headers, name: unknown): never {
    const of = described(responses.get(this)!);
    throw new TypeError(
      `\`${String(name)}\` can't be ${what}: the headers of a response ${of} are immutable; those of ` +
        "`new Response(response.body, response)`, a copy, are not",
    );
  };
}

function described(response: Response): string {
  if (response.type === "error") return "that is an error";
  const { uri } = extra(response);
  return uri === undefined ? "of a redirect" : `that was fetched, from ${new URL(uri).origin},`;
}

/** Has changing the headers of `response` be a `TypeError`. */
export function makeImmutable(response: Response): void {
  const { headers } = response;
  Object.setPrototypeOf(headers, IMMUTABLE);
  responses.set(headers, response);
}

/** Has `copy` be as immutable as what it is a copy of. */
export function keepImmutable(message: Request | Response, copy: Request | Response): void {
  if (isImmutable(message)) makeImmutable(copy as Response);
}

function isImmutable(message: Request | Response): boolean {
  return IMMUTABLE.isPrototypeOf(message.headers);
}

/** `response`, or where its headers are immutable, one like it whose are not. */
export function changeable(response: Response): Response {
  if (!isImmutable(response)) return response;
  const copy = new own.Response(response.body, response);
  copyExtra(response, copy);
  return copy;
}
