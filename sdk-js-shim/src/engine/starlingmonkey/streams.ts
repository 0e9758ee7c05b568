// Streams of the Web.

import { define } from "../../internal/define.js";
import type { Lack } from "../lacks.js";

export const lacks: Record<string, Lack> = {
  "iteration of ReadableStream": {
    isThere: () => Symbol.asyncIterator in ReadableStream.prototype,
    install() {
      define(ReadableStream.prototype, "values", values);
      define(ReadableStream.prototype, Symbol.asyncIterator, values);
    },
  },
  "ReadableStream.from": {
    isThere: () => "from" in ReadableStream,
    install: () => define(ReadableStream, "from", from),
  },
  TextEncoderStream: {
    isThere: () => "TextEncoderStream" in globalThis,
    install: () => define(globalThis, "TextEncoderStream", TextEncoderStream),
  },
  TextDecoderStream: {
    isThere: () => "TextDecoderStream" in globalThis,
    install: () => define(globalThis, "TextDecoderStream", TextDecoderStream),
  },
};

async function* values<T>(
  this: ReadableStream<T>,
  { preventCancel = false }: { preventCancel?: boolean } = {},
): AsyncGenerator<T, void> {
  const reader = this.getReader();
  let isOver = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        isOver = true;
        return;
      }
      yield value;
    }
  } catch (error) {
    isOver = true;
    throw error;
  } finally {
    // The loop was left before the end.
    if (!isOver && !preventCancel) await reader.cancel();
    reader.releaseLock();
  }
}

export function from<T>(iterable: Iterable<T> | AsyncIterable<T>): ReadableStream<T> {
  const iterator =
    Symbol.asyncIterator in iterable
      ? iterable[Symbol.asyncIterator]()
      : iterable[Symbol.iterator]();
  return new ReadableStream<T>(
    {
      async pull(controller) {
        const { done, value } = await iterator.next();
        if (done) controller.close();
        else controller.enqueue(await value);
      },
      async cancel(reason) {
        await iterator.return?.(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

class TextEncoderStream extends TransformStream<string, Uint8Array> {
  readonly encoding = "utf-8";

  constructor() {
    const encoder = new TextEncoder();
    // The first half of a pair whose second one is in the next chunk.
    let half = "";
    super({
      transform(chunk, controller) {
        const text = half + String(chunk);
        const last = text.charCodeAt(text.length - 1);
        const whole = last >= 0xd800 && last < 0xdc00 ? text.length - 1 : text.length;
        half = text.slice(whole);
        if (whole > 0) controller.enqueue(encoder.encode(text.slice(0, whole)));
      },
      flush(controller) {
        if (half !== "") controller.enqueue(encoder.encode(half));
      },
    });
  }
}

class TextDecoderStream extends TransformStream<BufferSource, string> {
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;

  constructor(label?: string, options?: TextDecoderOptions) {
    const decoder = new TextDecoder(label, options);
    super({
      transform(chunk, controller) {
        const text = decoder.decode(chunk, { stream: true });
        if (text !== "") controller.enqueue(text);
      },
      flush(controller) {
        const text = decoder.decode();
        if (text !== "") controller.enqueue(text);
      },
    });
    this.encoding = decoder.encoding;
    this.fatal = decoder.fatal;
    this.ignoreBOM = decoder.ignoreBOM;
  }
}
