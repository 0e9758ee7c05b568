// What messages were made of, and what requests were asked to be: what no engine's own objects tell. Once they are built,
// `new Response("x")` and `new Response(stream)` look alike, and only the first may be sent with a length.

import { define, defineGetter, wrap } from "../internal/define.js";
import type { Asked, Made } from "./engine.js";

type Message = Request | Response;

/** Bytes up to so many are remembered; of more the engine's own copy is read when they are sent. */
const COPIED_BYTES = 64 * 1024;

const NONE: Made = { kind: "none" };
const WHOLE: Made = { kind: "whole" };
const STREAM: Made = { kind: "stream" };

const made = new WeakMap<Message, Made>();
const asked = new WeakMap<Request, { init: Asked; from: Request | undefined }>();

/** The streams of bodies that are whole: middleware makes a message anew of the body of another. */
const ofWhole = new WeakSet<ReadableStream>();

/** What `message` was made of. One that the engine made by itself is told by its stream. */
export function madeOf(message: Message): Made {
  return made.get(message) ?? (message.body === null ? NONE : STREAM);
}

export function* origins(request: Request): Iterable<Request> {
  for (let at: Request | undefined = request; at !== undefined; at = asked.get(at)?.from) yield at;
}

export function askedFor<Key extends keyof Asked>(
  request: Request,
  key: Key,
): Asked[Key] | undefined {
  for (const origin of origins(request)) {
    const value = asked.get(origin)?.init[key];
    if (value !== undefined) return value;
  }
  return undefined;
}

/** Has messages remember it. What constructors and copies do beside stays the engine's. */
export function installMade(): void {
  installRequest();
  installResponse();
  for (const prototype of [Request.prototype, Response.prototype]) {
    installBody(prototype);
    installClone(prototype);
  }
}

function installRequest(): void {
  const engine = Request;
  wrap("Request", (args: [RequestInfo | URL, Asked?], newTarget) => {
    const [input, init] = args;
    const from = input instanceof engine ? input : undefined;
    // Before the engine takes the body over, which leaves none to look at.
    const of = init?.body == null && from !== undefined ? madeOf(from) : fromInit(init?.body);
    const request: Request = Reflect.construct(engine, args, newTarget);
    made.set(request, of);
    // A copy, without the body: the object is the caller's.
    const { body, ...own } = init ?? {};
    if (init !== undefined || from !== undefined) asked.set(request, { init: own, from });
    return request;
  });
}

function installResponse(): void {
  const engine = Response;
  wrap("Response", (args: [(BodyInit | null)?, ResponseInit?], newTarget) => {
    const response: Response = Reflect.construct(engine, args, newTarget);
    made.set(response, fromInit(args[0]));
    return response;
  });
  const { json } = engine;
  engine.json = (...args) => {
    const response = json.apply(engine, args);
    made.set(response, WHOLE);
    return response;
  };
}

/** Has the stream of a body that is whole be known to be that. */
function installBody(prototype: Message): void {
  defineGetter(prototype, "body", (message, engine) => {
    const stream = engine() as ReadableStream | null;
    if (stream !== null && made.has(message) && madeOf(message) !== STREAM) ofWhole.add(stream);
    return stream;
  });
}

function installClone(prototype: Message): void {
  const clone = prototype.clone as (this: Message) => Message;
  define(prototype, "clone", function (this: Message) {
    const copy = clone.call(this);
    made.set(copy, madeOf(this));
    if (this instanceof Request) asked.set(copy as Request, { init: {}, from: this });
    return copy;
  });
}

/** What a message is made of by `body`. */
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
