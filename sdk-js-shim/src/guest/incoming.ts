// Bodies that the host is still receiving, as streams.

import { component } from "#engine";
import type { http, poll } from "../generated/edge.js";
import { BodyError } from "../errors.js";
import { toHeaders } from "../fields.js";
import { endedWith, extra, hasTrailersDue } from "../message.js";
import * as partly from "../internal/partly.js";
import { hostCall } from "./host-call.js";
import { drop, ready } from "./loop.js";
import { isOfClient } from "./signal.js";

const { ReadableStream } = globalThis;

/** What is known of a stream that reads from the host. */
interface Incoming {
  handle: http.IncomingBody | undefined;
  pollable: poll.Pollable | undefined;
  /** Whether something was read, or given up. */
  isTouched: boolean;
  isOver: boolean;
  signal: AbortSignal | undefined;
  /** Ends the stream with an error, whether or not somebody reads; nothing happens once it is over. */
  fail(reason: unknown): void;
  /** Ends it with the reason of the signal. */
  abort(): void;
}

const known = new WeakMap<ReadableStream, Incoming>();

/** Has the host choose how much it hands out by one call. */
const HOST_SIZE = 0;

/** A body of the host's as one for the platform's constructors. */
export function toBody(body: http.Body, signal: AbortSignal | undefined): BodyInit | null {
  if (body.tag === "none") return null;
  return body.tag === "bytes" ? (body.val as BodyInit) : toStream(body.val, signal);
}

/** Has `message`, which was made of `body` and `fields`, be as the host told of it. */
export function asReceived(
  message: Request | Response,
  body: http.Body,
  fields: readonly http.Field[],
): void {
  if (body.tag === "none") return;
  const length = body.tag === "bytes" ? BigInt(body.val.length) : body.val.length();
  if (length !== undefined) extra(message).length = length;
  // A constructor may add it to a body of bytes.
  if (body.tag === "bytes" && !fields.some((field) => field[0] === "content-length")) {
    message.headers.delete("content-length");
  }
}

/** A stream of what is left of `handle`. An error of its is a `TypeError` with a `BodyError` as cause. */
function toStream(
  handle: http.IncomingBody,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  let controller: ReadableStreamDefaultController<Uint8Array>;
  const fail = (reason: unknown) => {
    if (incoming.handle === undefined) return;
    dispose(incoming);
    controller.error(reason);
  };
  const incoming: Incoming = {
    handle,
    pollable: undefined,
    isTouched: false,
    isOver: false,
    signal,
    fail,
    abort: () => fail(signal!.reason),
  };
  const stream: ReadableStream<Uint8Array> = new ReadableStream(
    {
      start: (own) => void (controller = own),
      pull: (controller) => pull(incoming, stream, controller),
      cancel: () => dispose(incoming),
    },
    // Nothing is read ahead: an untouched body can be handed on.
    { highWaterMark: 0 },
  );
  signal?.addEventListener("abort", incoming.abort);
  known.set(stream, incoming);
  return stream;
}

/** Takes the handle of a stream of ours that nobody has read from; the stream can't be read afterwards. */
export function takeHandle(stream: ReadableStream): http.IncomingBody | undefined {
  const incoming = known.get(stream);
  if (incoming === undefined || incoming.isTouched || stream.locked) return undefined;
  // The host would send those that came with it.
  if (hasTrailersDue(stream)) return undefined;
  // What may be aborted yet stays here: nobody reaches what the host carries on.
  const { signal } = incoming;
  return signal === undefined || isOfClient(signal) ? take(incoming) : undefined;
}

/** A fresh stream of what is left of one, which can't be read afterwards. */
export function restOf(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const incoming = stream.locked ? undefined : known.get(stream);
  // What is no body of the host's, or at its end, is handed on as any stream is.
  if (incoming?.handle === undefined) return partly.restOf(stream);
  return toStream(take(incoming)!, incoming.signal);
}

/** The next `length` bytes of a stream; fewer at its end. What is beyond them stays with the host. */
export async function readExactlyOf(
  stream: ReadableStream<Uint8Array>,
  length: number,
): Promise<Uint8Array> {
  const incoming = stream.locked ? undefined : known.get(stream);
  if (incoming?.handle === undefined) return partly.readExactlyOf(stream, length);
  component.disturb(stream);
  return partly.gather(stream, length, (most) => next(incoming, stream, most));
}

function take(incoming: Incoming): http.IncomingBody | undefined {
  const { handle } = incoming;
  incoming.handle = undefined;
  dispose(incoming);
  return handle;
}

async function pull(
  incoming: Incoming,
  stream: ReadableStream,
  controller: ReadableStreamDefaultController<Uint8Array>,
): Promise<void> {
  const chunk = await next(incoming, stream, HOST_SIZE);
  if (chunk !== undefined) controller.enqueue(chunk);
  else if (incoming.isOver) controller.close();
}

/** The next bytes, at most so many; `undefined` at the end, or where the stream was cancelled meanwhile. */
async function next(
  incoming: Incoming,
  stream: ReadableStream,
  most: number,
): Promise<Uint8Array | undefined> {
  incoming.isTouched = true;
  if (incoming.isOver) return undefined;
  const { handle, signal } = incoming;
  if (handle === undefined) throw new TypeError("the body was handed on");
  try {
    incoming.pollable ??= handle.subscribe();
    await ready(incoming.pollable, signal);
    if (incoming.handle === undefined) return undefined;
    const chunk = hostCall("the body broke off", BodyError, () => handle.read(most));
    if (chunk.tag === "bytes") return chunk.val;
    endedWith(stream, toHeaders(chunk.val));
    incoming.isOver = true;
    dispose(incoming);
    return undefined;
  } catch (error) {
    // Not the next pull alone is to find it, but whoever reads in parts.
    incoming.fail(error);
    throw error;
  }
}

function dispose(incoming: Incoming): void {
  incoming.isTouched = true;
  const { pollable, handle, signal, abort } = incoming;
  signal?.removeEventListener("abort", abort);
  incoming.pollable = undefined;
  incoming.handle = undefined;
  if (pollable !== undefined) drop(pollable);
  handle?.[Symbol.dispose]();
}
