// Bodies of which a part is read, with nothing but the platform's own streams.

/** What was read of a stream beyond what somebody asked for. */
const kept = new WeakMap<ReadableStream, Uint8Array>();

/** @internal The next `length` bytes of `stream`; fewer at its end. */
export async function readExactlyOf(
  stream: ReadableStream<Uint8Array>,
  length: number,
): Promise<Uint8Array> {
  const before = kept.get(stream) ?? new Uint8Array();
  kept.delete(stream);
  const pieces = [before];
  let have = before.length;
  const reader = stream.getReader();
  try {
    while (have < length) {
      const { done, value } = await reader.read();
      if (done) break;
      pieces.push(value);
      have += value.length;
    }
  } finally {
    reader.releaseLock();
  }
  const whole = concat(pieces, have);
  if (have > length) kept.set(stream, whole.subarray(length));
  return whole.subarray(0, length);
}

/** @internal A fresh stream of what is left of `stream`. */
export function restOf(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const before = kept.get(stream);
  kept.delete(stream);
  return stream.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      start: (controller) => before && controller.enqueue(before),
    }),
  );
}

/** @internal */
export function concat(pieces: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
