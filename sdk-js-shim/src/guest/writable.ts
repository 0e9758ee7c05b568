// A request's body that is written after the request was started.

import { fetch as host } from "#host";
import type { fetch as wit } from "../generated/edge.js";
import { BodyError, payload } from "../errors.js";
import { fromHeaders } from "../fields.js";
import { drop, ready } from "./loop.js";

/** As much as the host takes by one call: what is beyond would be copied in vain. */
const WRITE_BYTES = 64 * 1024;

/** The far end of an upload as a stream. A write is done once the host has taken all of it. */
export function toWritable(
  body: wit.OutgoingBody,
  trailers: () => Headers | undefined,
): WritableStream<Uint8Array> {
  const room = body.subscribe();
  // Dropping the body before its end aborts the request.
  function abort(): void {
    drop(room);
    body[Symbol.dispose]();
  }
  return new WritableStream<Uint8Array>({
    async write(chunk) {
      try {
        for (let rest = toBytes(chunk); rest.length > 0; ) {
          // Where the request was given up, the host says so at the next write.
          await ready(room);
          const piece = rest.subarray(0, WRITE_BYTES);
          rest = rest.subarray(told(() => body.write(piece)));
        }
      } catch (error) {
        abort();
        throw error;
      }
    },
    close() {
      drop(room);
      const fields = trailers();
      told(() => host.finish(body, fields === undefined ? [] : fromHeaders(fields)));
    },
    abort,
  });
}

/** The bytes of a chunk of a body. Throws `TypeError` for what holds none. */
export function toBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  throw new TypeError(`a chunk of a body is a Uint8Array, not ${kindOf(chunk)}`);
}

function kindOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return `${typeof value} ${String(value)}`;
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

function told<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    const cause = new BodyError(payload(thrown));
    throw new TypeError(`the upload broke off: ${cause.message}`, { cause });
  }
}
