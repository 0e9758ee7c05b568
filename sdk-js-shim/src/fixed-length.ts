// A stream whose length is promised.

import type { http } from "./generated/edge.js";
import { utf8 } from "./internal/text.js";

const lengths = new WeakMap<ReadableStream, bigint>();

/**
 * Promises that a body made of `stream`, which is returned, is `length` bytes long: it is sent with that
 * `content-length` instead of in chunks. The host refuses what is beyond it; fewer bytes cut the connection.
 * Throws: `TypeError` if `length` is no whole number of bytes from 0 to 2^64 - 1.
 */
export function withLength<T extends ReadableStream>(stream: T, length: number | bigint): T {
  lengths.set(stream, toLength(length));
  return stream;
}

/**
 * Hands on the bytes that are written to it, and promises how many there are, as {@link withLength} does for its
 * `readable`.
 */
export class FixedLengthStream extends TransformStream<Uint8Array, Uint8Array> {
  constructor(length: number | bigint) {
    const due = toLength(length);
    super();
    lengths.set(this.readable, due);
  }
}

declare global {
  /** As {@link withLength}, by a stream that is written to; a global as well as of this package. */
  var FixedLengthStream: typeof import("./fixed-length.js").FixedLengthStream;
  type FixedLengthStream = import("./fixed-length.js").FixedLengthStream;
}

function toLength(length: number | bigint): bigint {
  const whole = typeof length === "bigint" || Number.isSafeInteger(length) ? BigInt(length) : -1n;
  if (whole < 0n || whole > 0xffff_ffff_ffff_ffffn) {
    throw new TypeError(`a content-length is a whole number of bytes, not ${String(length)}`);
  }
  return whole;
}

/**
 * The fields of a message that has a body, which `stream` is unless it is whole: the host counts what is whole, and of
 * a stream the length is sent only where it was promised. Whoever copied the field from another message did not say
 * that this body is as long.
 * @internal
 */
export function withPromisedLength(
  headers: http.Field[],
  stream: ReadableStream | undefined,
): http.Field[] {
  const others = headers.filter((field) => field[0] !== "content-length");
  const length = stream === undefined ? undefined : lengths.get(stream);
  if (length !== undefined) others.push(["content-length", utf8(String(length))]);
  return others;
}
