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
    const own = sinkWith(controller, sink, forget);
    const stream: WritableStream = Reflect.construct(engine, [own, strategy], newTarget);
    aborting.set(stream, controller);
    return stream;
  });
  const { getWriter } = prototype;
  before(prototype, "abort", (stream: WritableStream, reason: unknown) => {
    const controller = aborting.get(stream);
    if (stream.locked || controller === undefined) return;
    const writer = getWriter.call(stream);
    const isOver = isErrored(writer);
    writer.releaseLock();
    if (!isOver) controller.abort(reason);
  });
  define(prototype, "getWriter", function (this: WritableStream) {
    const writer = getWriter.call(this);
    writers.set(writer, this);
    return writer;
  });
  const ofWriters = Object.getPrototypeOf(new engine().getWriter()) as WritableStreamDefaultWriter;
  before(ofWriters, "releaseLock", (writer) => writers.delete(writer));
  before(ofWriters, "abort", (writer: WritableStreamDefaultWriter, reason: unknown) => {
    const stream = writers.get(writer);
    if (stream !== undefined && !isErrored(writer)) aborting.get(stream)?.abort(reason);
  });
}

/** Whether a stream has failed, or will once a write is over: by its sink, which knows of it. */
function isErrored(writer: WritableStreamDefaultWriter): boolean {
  return writer.desiredSize === null;
}

/** What is done with what is written to a stream, told of a signal; `closed` is called at its end. */
function sinkWith(aborting: AbortController, sink: UnderlyingSink = {}, closed: () => void) {
  const { abort, close, start, type, write } = sink;
  return {
    type,
    abort(reason: unknown) {
      // By a pipe, which calls no method of the stream's.
      aborting.abort(reason);
      return abort?.call(sink, reason);
    },
    write: write?.bind(sink),
    start(controller: WritableStreamDefaultController) {
      define(controller, "signal", aborting.signal);
      return start?.call(sink, controller);
    },
    close() {
      const closing = close?.call(sink);
      Promise.resolve(closing).then(closed, closed);
      return closing;
    },
  };
}
