// Bodies of which a part is read, with nothing but the platform's own streams.

/** What was read of a stream beyond what somebody asked for. */
const kept = new WeakMap<ReadableStream, Uint8Array>();

/** @internal The next `length` bytes of `stream`; fewer at its end. */
export function readExactlyOf(
  stream: ReadableStream<Uint8Array>,
  length: number,
): Promise<Uint8Array> {
  const reader = stream.getReader();
  const next = async () => (await reader.read()).value;
  return gather(stream, length, next).finally(() => reader.releaseLock());
}

/**
 * @internal The next `length` bytes of `stream`, of which `next` brings more; fewer once that brings none. What is
 * beyond them is for the next call, and so is what came before an error.
 */
export async function gather(
  stream: ReadableStream<Uint8Array>,
  length: number,
  next: (most: number) => Promise<Uint8Array | undefined>,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let have = 0;
  const add = (piece: Uint8Array) => {
    pieces.push(piece);
    have += piece.length;
  };
  add(kept.get(stream) ?? new Uint8Array());
  kept.delete(stream);
  try {
    while (have < length) {
      const piece = await next(length - have);
      if (piece === undefined) break;
      add(piece);
    }
  } catch (error) {
    kept.set(stream, concat(pieces, have));
    throw error;
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
