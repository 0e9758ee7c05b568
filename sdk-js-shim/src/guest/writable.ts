// A request's body that is written after the request was started.

import { fetch as host } from "#host";
import type { fetch as wit } from "../generated/edge.js";
import { BodyError } from "../errors.js";
import { fromHeaders } from "../fields.js";
import { kindOf } from "../internal/kind.js";
import { hostCall } from "./host-call.js";
import { drop, ready } from "./loop.js";

/** As much as the host takes by one call: what is beyond would be copied in vain. */
const WRITE_BYTES = 64 * 1024;

/** The far end of an upload. */
interface Far {
  /** A write is done once the host has taken all of it. */
  writable: WritableStream<Uint8Array>;
  /** Gives the upload up, a write under way included; nothing happens once it is over. */
  fail(reason: unknown): void;
}

/** The far end of an upload as a stream. */
export function toWritable(body: wit.OutgoingBody, trailers: () => Headers | undefined): Far {
  const room = body.subscribe();
  let controller: WritableStreamDefaultController;
  let isOpen = true;
  function close(): void {
    isOpen = false;
    drop(room);
  }
  // Dropping the body before its end aborts the request.
  function abort(): void {
    if (!isOpen) return;
    close();
    body[Symbol.dispose]();
  }
  async function write(chunk: unknown): Promise<void> {
    for (let rest = toBytes(chunk); rest.length > 0;) {
      // Where the request was given up, the host says so at the next write.
      await ready(room);
      if (!isOpen) throw new TypeError("the upload was given up");
      const piece = rest.subarray(0, WRITE_BYTES);
      rest = rest.subarray(uploading(() => body.write(piece)));
    }
  }
  const writable = new WritableStream<Uint8Array>({
    start(own) {
      controller = own;
      // `abort` of the stream waits for a write under way, which may wait for ever.
      own.signal.addEventListener("abort", abort);
    },
    write: (chunk) => orAbort(() => write(chunk), abort),
    close: () =>
      orAbort(async () => {
        const fields = trailers();
        const lines = fields === undefined ? [] : fromHeaders(fields);
        close();
        uploading(() => host.finish(body, lines));
      }, abort),
    abort,
  });
  const fail = (reason: unknown) => {
    if (!isOpen) return;
    abort();
    controller.error(reason);
  };
  return { writable, fail };
}

async function orAbort(work: () => Promise<void>, abort: () => void): Promise<void> {
  try {
    await work();
  } catch (error) {
    abort();
    throw error;
  }
}

/** The bytes of a chunk of a body. Throws `TypeError` for what holds none. */
export function toBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  const advice =
    typeof chunk === "string" ? "; `pipeThrough(new TextEncoderStream())` makes some of text" : "";
  throw new TypeError(`a chunk of a body is a Uint8Array, not ${kindOf(chunk)}${advice}`);
}

function uploading<T>(call: () => T): T {
  return hostCall("the upload broke off", BodyError, call);
}
