// An application called in process, as a host would.

import { ended, inCall } from "#guest";
import type { Env, ExecutionContext } from "../context.js";
import { BodyError } from "../errors.js";
import { toHeaders } from "../fields.js";
import { withLength } from "../fixed-length.js";
import { messagesOf } from "../guest/failure.js";
import { fieldsOf, wholeOf } from "../guest/messages.js";
import { event } from "../log.js";
import { endedWith, extra, trailersDue } from "../message.js";
import { envOf } from "./granted.js";
import { toReturned } from "./returned.js";
import { Work } from "./work.js";

/** What contexts of other platforms have, and ours has not: the types of applications for several may ask for it. */
type Absent = Readonly<Record<"exports" | "passThroughOnException" | "props", never>>;

/** What a host calls of an application. */
export type Fetch = (
  request: Request,
  env: Env,
  ctx: ExecutionContext & Absent,
) => Response | Promise<Response>;

let calls = 0;

export async function callInProcess(
  fetch: Fetch,
  input: string | URL | Request,
  init?: RequestInit,
  env: Env = envOf([], () => undefined),
): Promise<Response> {
  const left = new Work(
    {
      requestId: `test-${++calls}`,
      client: "127.0.0.1",
      attributes: [["network.protocol.version", "1.1"]],
    },
    report,
  );
  const request = await inCall(left, () => arriving(input, init));
  const response = await answer(fetch, request, env, left);
  if (response.body !== null) return new Response(watched(response.body, left), response);
  await inCall(left, () => left.finish(undefined));
  await ended();
  return response;
}

/** The request as it arrives from a client, which tells how long its body is, unless that is a stream of any length. */
async function arriving(input: string | URL | Request, init?: RequestInit): Promise<Request> {
  const from = input instanceof Request ? input : new URL(input, "http://localhost");
  const request = new Request(from, init);
  const { body } = request;
  if (body === null) return request;
  const whole = await wholeOf(request);
  if (whole !== undefined) return announced(new Request(request, { body: whole }), whole.length);
  const length = request.headers.get("content-length");
  if (length === null || !/^\d+$/.test(length)) return request;
  // Handed on as it is, it is as long.
  withLength(body, BigInt(length));
  return announced(request, length);
}

function announced(request: Request, length: number | string): Request {
  extra(request).length = BigInt(length);
  request.headers.set("content-length", String(length));
  return request;
}

async function answer(fetch: Fetch, request: Request, env: Env, ctx: Work): Promise<Response> {
  try {
    return await inCall(ctx, async () => {
      const returned = await fetch(request, env, ctx as Work & Absent);
      return sent(toReturned(returned), request.method);
    });
  } catch (error) {
    // Who runs the test is to see where it was thrown.
    console.error(error);
    report(error);
    return new Response(null, { status: 500, headers: { "content-length": "0" } });
  }
}

/**
 * A response as it arrives at who asked by `method`: what is whole is counted, and of a stream the length is told where
 * it was promised. Rejects as reading the body does.
 */
async function sent(response: Response, method: string): Promise<Response> {
  const { status, statusText } = response;
  const headers = toHeaders(fieldsOf(response));
  const whole = await wholeOf(response);
  if (whole !== undefined) count(headers, whole.length, status, method);
  else if (method === "HEAD") await response.body?.cancel();
  const body = method === "HEAD" || whole?.length === 0 ? null : (whole ?? response.body);
  return new Response(body, { status, statusText, headers });
}

/** A reply without a body may tell the length that another one's has. */
function count(headers: Headers, length: number, status: number, method: string): void {
  if (length > 0) headers.set("content-length", String(length));
  else if (status === 204) headers.delete("content-length");
  else if (status !== 304 && method !== "HEAD") headers.set("content-length", "0");
}

/** A body behind whose end no work is left, and the trailers are known. */
function watched(body: ReadableStream<Uint8Array>, left: Work): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const finish = (error: BodyError | undefined) => inCall(left, () => left.finish(error));
  const source: UnderlyingDefaultSource<Uint8Array> = {
    async pull(controller) {
      const next = await inCall(left, () => reader.read()).catch(async (error: unknown) => {
        report(error);
        await finish(
          error instanceof BodyError
            ? error
            : new BodyError({ tag: "other", val: messagesOf(error) }),
        );
        throw error;
      });
      if (next.done) {
        endedWith(stream, trailersDue(body) ?? new Headers());
        await finish(undefined);
        await ended();
        controller.close();
      } else {
        controller.enqueue(next.value);
      }
    },
    async cancel(reason) {
      await inCall(left, () => reader.cancel(reason));
      await finish(new BodyError({ tag: "closed" }));
    },
  };
  // Nothing is read before somebody wants it.
  const stream = new ReadableStream(source, { highWaterMark: 0 });
  return stream;
}

function report(error: unknown): void {
  event("error", messagesOf(error), { target: "edgewit" });
}
