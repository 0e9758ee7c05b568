// `edge:sdk/handler`: one request through an application.

import type { handler, http } from "../generated/edge.js";
import type { ExecutionContext } from "../context.js";
import { BodyError } from "../errors.js";
import { toHeaders } from "../fields.js";
import { extra } from "../message.js";
import type { Handler } from "./application.js";
import { describe, logFailure } from "./failure.js";
import { toStream } from "./incoming.js";
import { drive } from "./loop.js";
import { type Reply, Source, toReply } from "./reply.js";
import { arrive } from "./signal.js";

/** What the component exports. */
export interface Exports {
  BodySource: typeof Source;
  handle(request: http.Request, context: handler.Context): Promise<Reply>;
  afterReply(sent: { tag: "ok" } | { tag: "err"; val: http.BodyError }): Promise<void>;
}

/** The context of one request, and what is left to do after it. */
class Context implements ExecutionContext {
  readonly requestId: string;
  readonly client: string | undefined;
  readonly attributes: ReadonlyMap<string, string>;
  readonly #tasks: ((error: BodyError | undefined) => unknown)[] = [];
  readonly #work: Promise<void>[] = [];

  constructor(from: handler.Context) {
    this.requestId = from.requestId;
    this.client = from.client;
    this.attributes = new Map(from.attributes);
  }

  waitUntil(work: PromiseLike<unknown>): void {
    // What fails before anybody waits for it must not count as a rejection that nobody handled.
    this.#work.push(Promise.resolve(work).then(() => undefined, failed));
  }

  afterReply(task: (error: BodyError | undefined) => unknown): void {
    this.#tasks.push(task);
  }

  /** Does what is left, and what that leaves. */
  async finish(error: BodyError | undefined): Promise<void> {
    for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) {
      try {
        await task(error);
      } catch (thrown) {
        failed(thrown);
      }
    }
    for (let work = this.#work.shift(); work !== undefined; work = this.#work.shift()) await work;
    if (this.#tasks.length > 0) await this.finish(error);
  }
}

function failed(error: unknown): void {
  logFailure("after the reply", error);
}

/** The exports of a component that is `application`. `begin` is called once, before its first request. */
export function toExports(application: Handler, env: object, begin: () => void): Exports {
  let context: Context | undefined;
  return {
    BodySource: Source,
    async handle(request, from) {
      try {
        begin();
        const ctx = (context = new Context(from));
        return await drive(answer(application, toRequest(request), env, ctx));
      } catch (error) {
        // Thrown as text it is the error case of `handle`; an exception would be a trap.
        throw describe(error);
      }
    },
    async afterReply(sent) {
      const error = sent.tag === "err" ? new BodyError(sent.val) : undefined;
      try {
        await drive(context?.finish(error) ?? Promise.resolve());
      } catch (thrown) {
        failed(thrown);
      }
    },
  };
}

async function answer(
  application: Handler,
  request: Request,
  env: object,
  ctx: Context,
): Promise<Reply> {
  const response = await application(request, env, ctx);
  return toReply(response, (work) => ctx.waitUntil(work));
}

function toRequest(from: http.Request): Request {
  const { body } = from;
  const init: RequestInit = { method: from.method, headers: toHeaders(from.headers) };
  if (body.tag === "bytes") init.body = body.val as BodyInit;
  if (body.tag === "incoming") init.body = toStream(body.val);
  const request = new Request(from.uri, init);
  arrive(request);
  const length =
    body.tag === "bytes"
      ? BigInt(body.val.length)
      : body.tag === "incoming"
        ? body.val.length()
        : undefined;
  if (length !== undefined) extra(request).length = length;
  return request;
}
