// Streams that are written to.

import { before, define, wrap } from "../../internal/define.js";
import type { Lack } from "../lacks.js";

/** By whose signal the writes of a stream that is not closed are given up. */
const aborting = new WeakMap<WritableStream, AbortController>();
const writers = new WeakMap<object, WritableStream>();

export const lacks: Record<string, Lack> = {
  // Without it, `abort` waits for a write that is under way, which may wait for ever.
  "WritableStreamDefaultController.signal": {
    isThere() {
      let isThere = false;
      new WritableStream({ start: (controller) => void (isThere = "signal" in controller) });
      return isThere;
    },
    install,
  },
};

function install(): void {
  const engine = WritableStream;
  const { prototype } = engine;
  wrap("WritableStream", ([sink, strategy]: [UnderlyingSink?, QueuingStrategy?], newTarget) => {
    const controller = new AbortController();
    const forget = () => aborting.delete(stream);
    const own = sinkWith(controller.signal, sink, forget);
    const stream: WritableStream = Reflect.construct(engine, [own, strategy], newTarget);
    aborting.set(stream, controller);
    return stream;
  });
  before(prototype, "abort", (stream: WritableStream, reason: unknown) => {
    if (!stream.locked) aborting.get(stream)?.abort(reason);
  });
  const { getWriter } = prototype;
  define(prototype, "getWriter", function (this: WritableStream) {
    const writer = getWriter.call(this);
    writers.set(writer, this);
    return writer;
  });
  const ofWriters = Object.getPrototypeOf(new engine().getWriter()) as object;
  before(ofWriters, "releaseLock", (writer) => writers.delete(writer));
  before(ofWriters, "abort", (writer, reason: unknown) => {
    const stream = writers.get(writer);
    if (stream !== undefined) aborting.get(stream)?.abort(reason);
  });
}

/** What is done with what is written to a stream, told of a signal; `closed` is called at its end. */
function sinkWith(signal: AbortSignal, sink: UnderlyingSink = {}, closed: () => void) {
  const { abort, close, start, type, write } = sink;
  return {
    type,
    abort: abort?.bind(sink),
    write: write?.bind(sink),
    start(controller: WritableStreamDefaultController) {
      define(controller, "signal", signal);
      return start?.call(sink, controller);
    },
    close() {
      const closing = close?.call(sink);
      Promise.resolve(closing).then(closed, closed);
      return closing;
    },
  };
}
