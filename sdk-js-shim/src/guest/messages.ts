// What a `Request` and a `Response` are inside of a component beyond the engine's.

import { engine } from "#engine";
import { define, defineGetter } from "../internal/define.js";
import { fromHeaders } from "../fields.js";
import { withPromisedLength } from "../fixed-length.js";
import type { http } from "../generated/edge.js";
import { branchOf, copyExtra, extra } from "../message.js";
import { givenSignal } from "./signal.js";

/** The fields with which `message` is sent. */
export function fieldsOf(message: Request | Response): http.Field[] {
  const headers = fromHeaders(message.headers);
  const { kind } = engine.madeOf(message);
  if (kind === "none") return headers;
  return withPromisedLength(headers, kind === "stream" ? message.body! : undefined);
}

/** Has messages, and copies of them, be what the host told of them. */
export function installMessages(): void {
  defineGetter(Request.prototype, "signal", (request, own) => givenSignal(request) ?? own());
  defineGetter(Response.prototype, "url", (response) => extra(response).uri ?? "");
  defineGetter(
    Response.prototype,
    "redirected",
    (response) => (extra(response).redirects ?? 0) > 0,
  );
  for (const prototype of [Request.prototype, Response.prototype]) {
    const clone = prototype.clone as (this: Request | Response) => Request | Response;
    define(prototype, "clone", function (this: Request | Response) {
      const { body } = this;
      const copy = clone.call(this);
      copyExtra(this, copy);
      if (body !== null) for (const { body: branch } of [this, copy]) branchOf(body, branch!);
      return copy;
    });
  }
}
