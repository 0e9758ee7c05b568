// A stream whose length is promised.

import type { http } from "./generated/edge.js";

const lengths = new WeakMap<ReadableStream, bigint>();

/**
 * Hands on the bytes that are written to it, and promises how many: a reply or a request whose body is `readable` has
 * that `content-length` instead of being sent in chunks. What is written beyond `length` bytes is refused with a
 * `TypeError`; to close it before they are there is one too, and cuts the connection.
 * Throws: `TypeError` if `length` is no whole number of bytes from 0 to 2^64 - 1.
 */
export class FixedLengthStream extends TransformStream<Uint8Array, Uint8Array> {
  constructor(length: number | bigint) {
    const due = toLength(length);
    let left = due;
    super({
      transform(chunk, controller) {
        left -= BigInt(chunk.byteLength);
        if (left < 0n) throw new TypeError(`more than the ${due} bytes that were promised`);
        controller.enqueue(chunk);
      },
      flush() {
        if (left > 0n) throw new TypeError(`${left} of the ${due} bytes that were promised are missing`);
      },
    });
    lengths.set(this.readable, due);
  }
}

function toLength(length: number | bigint): bigint {
  const whole = typeof length === "bigint" || Number.isSafeInteger(length) ? BigInt(length) : -1n;
  if (whole < 0n || whole > 0xffff_ffff_ffff_ffffn) {
    throw new TypeError(`a length is a whole number of bytes, not ${String(length)}`);
  }
  return whole;
}

/**
 * The fields of a message whose body is `stream`: its length is sent only where it was promised. Whoever copied the
 * field from another message did not say that this stream is as long.
 * @internal
 */
export function withPromisedLength(headers: http.Field[], stream: ReadableStream): http.Field[] {
  const others = headers.filter(([name]) => name !== "content-length");
  const length = lengths.get(stream);
  if (length !== undefined) {
    others.push(["content-length", new TextEncoder().encode(String(length))]);
  }
  return others;
}
