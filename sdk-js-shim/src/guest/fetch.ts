// `fetch` of the Web, on `edge:sdk/fetch`.

import { engine } from "#engine";
import { fetch as host } from "#host";
import type { fetch as wit, http } from "../generated/edge.js";
import { FetchError, fetchFailed, payload } from "../errors.js";
import { toHeaders } from "../fields.js";
import { extra, toMap, trailersDue } from "../message.js";
import { makeImmutable } from "../internal/immutable.js";
import { kindOf } from "../internal/kind.js";
import { own } from "../internal/own.js";
import { utf8 } from "../internal/text.js";
import type { Upload } from "../upload.js";
import { asReceived, takeHandle, toBody } from "./incoming.js";
import { ready } from "./loop.js";
import { fieldsOf } from "./messages.js";
import { signalOf } from "./signal.js";
import { toWritable } from "./writable.js";

/** The times that a request may be given. */
const TIMEOUTS = new Set(["connectMs", "firstByteMs", "betweenBytesMs", "totalMs"]);

/** The global `fetch`. */
export async function fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const request = asRequest(input, init);
  const signal = signalOf(request);
  signal?.throwIfAborted();
  const made = engine.madeOf(request);
  switch (made.kind) {
    case "none":
      return send(request, { tag: "none" }, signal);
    case "bytes": {
      const bytes = typeof made.bytes === "string" ? utf8(made.bytes) : made.bytes;
      return send(request, { tag: "bytes", val: bytes }, signal);
    }
    case "whole": {
      const bytes = new Uint8Array(await request.arrayBuffer());
      signal?.throwIfAborted();
      return send(request, { tag: "bytes", val: bytes }, signal);
    }
    case "stream": {
      const stream = request.body!;
      const handle = takeHandle(stream);
      if (handle !== undefined) return send(request, { tag: "incoming", val: handle }, signal);
      return sendStream(request, stream, signal);
    }
  }
}

/** What `fetch` is asked for; of a request without a body, which would be taken from it, no other one is made. */
function asRequest(input: RequestInfo | URL, init: RequestInit | undefined): Request {
  const isWhole = init == null && input instanceof own.Request;
  return isWhole && engine.madeOf(input).kind === "none" ? input : new own.Request(input, init);
}

/** Starts a request whose body is written to the stream that is returned. */
export function sendStreaming(
  request: Request,
  trailers: () => Headers | undefined,
  signal: AbortSignal | undefined,
): Upload {
  const [pending, body] = asking(request, () =>
    host.sendStreaming(head(request, { tag: "none" }), options(request)),
  );
  const { writable, fail } = toWritable(body, trailers);
  let response: Promise<Response> | undefined;
  const drop = () => pending[Symbol.dispose]();
  signal?.addEventListener("abort", drop);
  function first(): Promise<Response> {
    signal?.removeEventListener("abort", drop);
    const answered = signal?.aborted
      ? Promise.reject(signal.reason)
      : answer(request, pending, signal);
    // Nobody takes the body of a request that has failed.
    answered.catch(fail);
    return answered;
  }
  return {
    // Whoever never looks at the response is not told what became of it.
    get response() {
      return (response ??= first());
    },
    writable,
  };
}

async function sendStream(
  request: Request,
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<Response> {
  if (stream.locked) throw new TypeError("the request's body is held by a reader");
  const { response, writable } = sendStreaming(request, () => trailersDue(stream), signal);
  let broken: { reason: unknown } | undefined;
  stream.pipeTo(writable).catch((reason: unknown) => (broken = { reason }));
  try {
    return await response;
  } catch (error) {
    // What the stream failed with says more than that the body did not come to its end.
    if (broken === undefined || signal?.aborted) throw error;
    throw new TypeError("the request's body broke off", { cause: broken.reason });
  }
}

function send(
  request: Request,
  body: http.Body,
  signal: AbortSignal | undefined,
): Promise<Response> {
  const pending = asking(request, () => host.send(head(request, body), options(request)));
  return answer(request, pending, signal);
}

/** Waits for the response's head. */
async function answer(
  request: Request,
  pending: wit.Pending,
  signal: AbortSignal | undefined,
): Promise<Response> {
  const arrived = pending.subscribe();
  try {
    await ready(arrived, signal);
  } catch (error) {
    // Dropping it closes its connection or resets its stream.
    pending[Symbol.dispose]();
    throw error;
  } finally {
    arrived[Symbol.dispose]();
  }
  return toResponse(
    asking(request, () => host.wait(pending)),
    signal,
  );
}

function toResponse(from: http.Response, signal: AbortSignal | undefined): Response {
  const { status, headers, body } = from;
  const response = new own.Response(toBody(body, signal), { status, headers: toHeaders(headers) });
  asReceived(response, body, headers);
  makeImmutable(response);
  const of = extra(response);
  of.uri = from.uri;
  of.redirects = from.redirects;
  of.attributes = toMap(from.attributes);
  return response;
}

function head(request: Request, body: http.Body): http.Request {
  const { url } = request;
  const fragment = url.indexOf("#");
  return {
    method: request.method,
    uri: fragment < 0 ? url : url.slice(0, fragment),
    headers: fieldsOf(request),
    body,
  };
}

function options(request: Request): wit.Options {
  const { hints = [], ...timeouts } = engine.askedFor(request, "edge") ?? {};
  for (const [name, ms] of Object.entries(timeouts)) {
    if (!TIMEOUTS.has(name)) throw new TypeError(`\`edge.${name}\` is no option of fetch`);
    if (ms !== undefined && !(Number.isInteger(ms) && ms >= 0 && ms < 2 ** 32)) {
      throw new TypeError(
        `\`edge.${name}\` is a whole number of milliseconds below 2^32, not ${typeof ms === "number" ? ms : kindOf(ms)}`,
      );
    }
  }
  return { redirect: engine.askedFor(request, "redirect") ?? "follow", timeouts, hints };
}

function asking<T>(request: Request, call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    throw fetchFailed(request.url, new FetchError(payload(thrown)));
  }
}
