// Streams of the Web.

import { define } from "../../internal/define.js";
import type { Lack } from "../lacks.js";

const { Promise, ReadableStream, TextDecoder, TextEncoder, TransformStream, WritableStream } =
  globalThis;

export const lacks: Record<string, Lack> = {
  "the signal of a pipe": {
    async isThere() {
      const signal = AbortSignal.abort("the reason");
      const piped = new ReadableStream().pipeTo(new WritableStream(), { signal });
      return (await piped.catch((reason: unknown) => reason)) === "the reason";
    },
    install() {
      const { prototype } = ReadableStream;
      const { pipeTo } = prototype;
      define(prototype, "pipeTo", function (this: ReadableStream, ...args: Piping) {
        return args[1]?.signal === undefined
          ? pipeTo.apply(this, args)
          : pipeUntil(args[1].signal, pipeTo, this, ...args);
      });
    },
  },
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

type Piping = Parameters<ReadableStream["pipeTo"]>;

/** A pipe that `signal` ends, of two: it is had where they meet. */
async function pipeUntil(
  signal: AbortSignal,
  pipeTo: ReadableStream["pipeTo"],
  from: ReadableStream,
  ...[to, { preventAbort = false, preventCancel = false, preventClose = false } = {}]: Piping
): Promise<void> {
  if (!(to instanceof WritableStream)) throw new TypeError("a pipe leads to a WritableStream");
  if (from.locked || to.locked) throw new TypeError("the stream is held by another");
  let between!: TransformStreamDefaultController;
  const { readable, writable } = new TransformStream({
    start: (controller) => void (between = controller),
  });
  const abort = () => between.error(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort);
  const pipes = [
    pipeTo.call(from, writable, { preventCancel }),
    pipeTo.call(readable, to, { preventAbort, preventClose }),
  ] as const;
  const [, piped] = pipes;
  await Promise.allSettled(pipes);
  signal.removeEventListener("abort", abort);
  return piped;
}

/** The reader is had at once, and steps are taken one after the other, however many are asked for. */
function values<T>(
  this: ReadableStream<T>,
  { preventCancel = false }: { preventCancel?: boolean } = {},
): AsyncIterableIterator<T, void> {
  const reader = this.getReader();
  let isOver = false;
  let last: Promise<unknown> = Promise.resolve();
  function inTurn(step: () => Promise<IteratorResult<T, void>>): Promise<IteratorResult<T, void>> {
    const result = last.then(step, step);
    last = result;
    return result;
  }
  function end(): void {
    isOver = true;
    reader.releaseLock();
  }
  async function read(): Promise<IteratorResult<T, void>> {
    if (isOver) return { done: true, value: undefined };
    try {
      const { done, value } = await reader.read();
      if (!done) return { done, value };
    } catch (error) {
      end();
      throw error;
    }
    end();
    return { done: true, value: undefined };
  }
  async function leave(value: unknown): Promise<IteratorResult<T, void>> {
    if (!isOver) {
      const cancelled = preventCancel ? undefined : reader.cancel(value);
      end();
      await cancelled;
    }
    return { done: true, value: value as void };
  }
  return {
    next: () => inTurn(read),
    return: (value?: unknown) => inTurn(() => leave(value)),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

export function from<T>(iterable: Iterable<T> | AsyncIterable<T>): ReadableStream<T> {
  const { [Symbol.asyncIterator]: asynchronous, [Symbol.iterator]: synchronous } =
    iterable as AsyncIterable<T> & Iterable<T>;
  const iterate = asynchronous ?? synchronous;
  if (typeof iterate !== "function")
    throw new TypeError("a stream is made of what can be iterated");
  const iterator = objectOf(iterate.call(iterable));
  const { next } = iterator;
  return new ReadableStream<T>(
    {
      async pull(controller) {
        const { done, value } = objectOf(await next.call(iterator));
        if (done) return controller.close();
        // Only what is not asynchronous itself may give promises of its chunks.
        controller.enqueue(asynchronous == null ? await value : value);
      },
      async cancel(reason) {
        const leave = iterator.return;
        if (leave != null) objectOf(await leave.call(iterator, reason));
      },
    },
    { highWaterMark: 0 },
  );
}

function objectOf<T>(value: T): T {
  if (Object(value) === value) return value;
  throw new TypeError(`an iterator, or what it gives, is no object but ${String(value)}`);
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
