// What messages were made of, and what requests were asked to be: what the engine's own objects do not tell.

import type { Asked, Made } from "../engine.js";

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

/** Has `message` be known to be made of `of`. */
export function setMade(message: Message, of: Made): void {
  made.set(message, of);
}

/** Has `request` be known to be asked for `init`, and to be made from another. */
export function setAsked(request: Request, init: Asked | undefined, from: Request | undefined) {
  if (init === undefined && from === undefined) return;
  // A copy, without the body: the object is the caller's.
  const { body, ...own } = init ?? {};
  asked.set(request, { init: own, from });
}

/** Has the stream of a body be known to be that of a message that is whole, if it is. */
export function setStream(message: Message, stream: ReadableStream): void {
  if (made.has(message) && madeOf(message) !== STREAM) ofWhole.add(stream);
}

/** What a message is made of by `body`. */
export function fromInit(body: BodyInit | null | undefined): Made {
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
