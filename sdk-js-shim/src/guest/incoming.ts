// Bodies that the host is still receiving, as streams.

import type { http, poll } from "../generated/edge.js";
import { BodyError, payload } from "../errors.js";
import { toHeaders } from "../fields.js";
import { endedWith } from "../message.js";
import { drop, ready } from "./loop.js";

/** What is known of a stream that reads from the host. */
interface Incoming {
  handle: http.IncomingBody | undefined;
  pollable: poll.Pollable | undefined;
  /** Whether something was read, or given up. */
  isTouched: boolean;
  signal: AbortSignal | undefined;
}

const known = new WeakMap<ReadableStream, Incoming>();

/** As many bytes as a chunk of the host's may have: 0 is its own size. */
const HOST_SIZE = 0;

/** A stream of what is left of `handle`. Its end has the trailers; an error is a `TypeError` with a `BodyError` as cause. */
export function toStream(handle: http.IncomingBody, signal?: AbortSignal): ReadableStream<Uint8Array> {
  const incoming: Incoming = { handle, pollable: undefined, isTouched: false, signal };
  const stream: ReadableStream<Uint8Array> = new ReadableStream(
    {
      pull: (controller) => pull(incoming, stream, controller),
      cancel: () => dispose(incoming),
    },
    // Nothing is read ahead: an untouched body can be handed on.
    { highWaterMark: 0 },
  );
  known.set(stream, incoming);
  return stream;
}

/** Takes the handle of a stream of ours that nobody has read from; the stream can't be read afterwards. */
export function takeHandle(stream: ReadableStream): http.IncomingBody | undefined {
  const incoming = known.get(stream);
  if (incoming === undefined || incoming.isTouched) return undefined;
  const handle = incoming.handle;
  incoming.handle = undefined;
  dispose(incoming);
  return handle;
}

async function pull(
  incoming: Incoming,
  stream: ReadableStream,
  controller: ReadableStreamDefaultController<Uint8Array>,
): Promise<void> {
  incoming.isTouched = true;
  const { handle, signal } = incoming;
  if (handle === undefined) throw new TypeError("the body was handed on");
  try {
    incoming.pollable ??= handle.subscribe();
    await ready(incoming.pollable, signal);
    // It may have been cancelled meanwhile.
    if (incoming.handle === undefined) return;
    const chunk = read(handle);
    if (chunk.tag === "bytes") return controller.enqueue(chunk.val);
    endedWith(stream, toHeaders(chunk.val));
    controller.close();
    dispose(incoming);
  } catch (error) {
    dispose(incoming);
    throw error;
  }
}

function read(handle: http.IncomingBody): http.Chunk {
  try {
    return handle.read(HOST_SIZE);
  } catch (thrown) {
    const cause = new BodyError(payload(thrown));
    throw new TypeError(`the body broke off: ${cause.message}`, { cause });
  }
}

function dispose(incoming: Incoming): void {
  incoming.isTouched = true;
  const { pollable, handle } = incoming;
  incoming.pollable = undefined;
  incoming.handle = undefined;
  if (pollable !== undefined) drop(pollable);
  handle?.[Symbol.dispose]();
}
