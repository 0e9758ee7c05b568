// What a message was made of. Once it is built, `new Response("x")` and `new Response(stream)` look alike, and only the
// first may be sent with a length; so the constructors remember it. They stay the engine's own, wrapped.

import { define, defineGetter } from "../define.js";
import { fromHeaders } from "../fields.js";
import { withPromisedLength } from "../fixed-length.js";
import type { http } from "../generated/edge.js";
import { type EdgeInit, copyExtra } from "../message.js";

/** What a message was made of: nothing, bytes or text, something else that is whole, or a stream. */
export type Made =
  | { kind: "none" }
  | { kind: "bytes"; bytes: Uint8Array | string }
  | { kind: "whole" }
  | { kind: "stream" };

/** What a request was asked to be beyond what the engine's `Request` keeps. */
interface Asked {
  init: RequestInit & { edge?: EdgeInit };
  /** What it was made from, if that is a request too. */
  from: Request | undefined;
}

/** Statuses whose responses have no body. */
const BODILESS = new Set([204, 205, 304]);

/** Bytes up to so many are remembered; of more the engine's own copy is read when they are sent. */
const COPIED_BYTES = 64 * 1024;

const NONE: Made = { kind: "none" };
const WHOLE: Made = { kind: "whole" };
const STREAM: Made = { kind: "stream" };

const made = new WeakMap<Request | Response, Made>();
const asked = new WeakMap<Request, Asked>();

/** The streams of bodies that are whole: middleware makes a message anew of the body of another. */
const ofWhole = new WeakSet<ReadableStream>();

/** What `message` was made of. One that the engine made by itself is told by its stream. */
export function madeOf(message: Request | Response): Made {
  return made.get(message) ?? (message.body === null ? NONE : STREAM);
}

/** The fields with which `message` is sent. */
export function fieldsOf(message: Request | Response): http.Field[] {
  const headers = fromHeaders(message.headers);
  const { kind } = madeOf(message);
  if (kind === "none") return headers;
  return withPromisedLength(headers, kind === "stream" ? message.body! : undefined);
}

/** A part of what a request was asked to be, by itself or by the request that it was made from. */
export function askedFor<Key extends keyof Asked["init"]>(
  request: Request,
  key: Key,
): Asked["init"][Key] | undefined {
  for (const origin of origins(request)) {
    const value = asked.get(origin)?.init[key];
    if (value !== undefined) return value;
  }
  return undefined;
}

/** A request, the one that it was made from, and so on. */
export function* origins(request: Request): Iterable<Request> {
  for (let at: Request | undefined = request; at !== undefined; at = asked.get(at)?.from) yield at;
}

/** The engine's `Response`, remembering what its objects are made of. */
export function rememberingResponse(engine: typeof Response): typeof Response {
  const wrapped = new Proxy(engine, {
    construct(target, args: ConstructorParameters<typeof Response>, newTarget) {
      const [body, init] = args;
      if (body != null && BODILESS.has(init?.status ?? 200)) {
        throw new TypeError(`a response with the status ${init!.status} has no body`);
      }
      const response: Response = Reflect.construct(target, args, newTarget);
      made.set(response, fromInit(body));
      return response;
    },
  });
  const { json } = engine;
  engine.json = (...args) => {
    const response = json.apply(engine, args);
    made.set(response, WHOLE);
    return response;
  };
  engine.prototype.constructor = wrapped;
  return wrapped;
}

/** The engine's `Request`, remembering what its objects are made of and asked for. */
export function rememberingRequest(engine: typeof Request): typeof Request {
  const wrapped = new Proxy(engine, {
    construct(target, args: ConstructorParameters<typeof Request>, newTarget) {
      const [input, init] = args;
      const from = input instanceof engine ? input : undefined;
      // Before the engine takes the body over, which leaves none to look at.
      const of = init?.body == null && from !== undefined ? madeOf(from) : fromInit(init?.body);
      const request: Request = Reflect.construct(target, args, newTarget);
      made.set(request, of);
      if (init !== undefined || from !== undefined) {
        // A copy, without the body: the object is the caller's.
        const { body, ...own } = init ?? {};
        asked.set(request, { init: own, from });
      }
      return request;
    },
  });
  engine.prototype.constructor = wrapped;
  return wrapped;
}

/** Has the stream of a body that is whole be known to be that. */
export function installBody(): void {
  for (const prototype of [Request.prototype, Response.prototype]) {
    defineGetter(prototype, "body", (message: Request | Response, engine) => {
      const stream = engine() as ReadableStream | null;
      if (stream !== null && made.has(message) && madeOf(message) !== STREAM) ofWhole.add(stream);
      return stream;
    });
  }
}

/** Has a copy of a message be known to be made of what the message is. */
export function installClone(): void {
  for (const prototype of [Request.prototype, Response.prototype]) {
    const clone = prototype.clone as (this: Request | Response) => Request | Response;
    define(prototype, "clone", function (this: Request | Response) {
      const copy = clone.call(this);
      made.set(copy, madeOf(this));
      copyExtra(this, copy);
      if (this instanceof Request) asked.set(copy as Request, { init: {}, from: this });
      return copy;
    });
  }
}

function fromInit(body: BodyInit | null | undefined): Made {
  if (body === null || body === undefined) return NONE;
  if (typeof body === "string") return { kind: "bytes", bytes: body };
  // Whoever holds the buffer may write to it.
  const view = body instanceof ArrayBuffer ? new Uint8Array(body) : body;
  if (ArrayBuffer.isView(view)) return view.byteLength > COPIED_BYTES ? WHOLE : copied(view);
  return body instanceof ReadableStream && !ofWhole.has(body) ? STREAM : WHOLE;
}

function copied({ buffer, byteOffset, byteLength }: ArrayBufferView): Made {
  return { kind: "bytes", bytes: new Uint8Array(buffer, byteOffset, byteLength).slice() };
}
