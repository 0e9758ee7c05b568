// `edge:sdk/handler`: one request through an application.

import { component } from "#engine";
import type { handler, http } from "../generated/edge.js";
import { BodyError } from "../errors.js";
import { toHeaders } from "../fields.js";
import { toReturned } from "../internal/returned.js";
import { Work } from "../internal/work.js";
import type { Handler } from "./application.js";
import { describe, logFailure } from "./failure.js";
import { asReceived, toBody } from "./incoming.js";
import { drive } from "./loop.js";
import { type Reply, toReply } from "./reply.js";
import { arrive } from "./signal.js";
import { Source } from "./source.js";

/** What the component exports. */
export interface Exports {
  BodySource: typeof Source;
  handle(request: http.Request, context: handler.Context): Promise<Reply>;
  afterReply(sent: { tag: "ok" } | { tag: "err"; val: http.BodyError }): Promise<void>;
}

function failed(error: unknown): void {
  logFailure("after the reply", error);
}

function unhandled(error: unknown): void {
  logFailure("a promise that nobody handled", error);
}

/** The exports of a component that is `application`. `begin` is called before each request. */
export function toExports(application: Handler, env: object, begin: () => void): Exports {
  let work: Work | undefined;
  return {
    BodySource: Source,
    async handle(request, from) {
      try {
        begin();
        const ctx = (work = new Work(from, failed));
        return await drive(answer(application, toRequest(request), env, ctx));
      } catch (error) {
        // Thrown as text it is the error case of `handle`; an exception would be a trap.
        throw describe(error);
      }
    },
    async afterReply(sent) {
      const error = sent.tag === "err" ? new BodyError(sent.val) : undefined;
      try {
        if (work?.isDone === false) await drive(work.finish(error));
      } catch (thrown) {
        failed(thrown);
      }
      await component.tellRejections(unhandled);
    },
  };
}

async function answer(
  application: Handler,
  request: Request,
  env: object,
  ctx: Work,
): Promise<Reply> {
  const response = toReturned(await application(request, env, ctx));
  return await toReply(response, (work) => ctx.waitUntil(work));
}

function toRequest(from: http.Request): Request {
  const { method, uri, headers, body } = from;
  const init = { method, headers: toHeaders(headers), body: toBody(body, undefined) };
  const request = component.received(uri, init);
  asReceived(request, body, headers);
  arrive(request);
  return request;
}
