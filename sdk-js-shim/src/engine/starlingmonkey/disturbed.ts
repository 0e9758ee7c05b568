// Whether somebody has read from a stream: what a body's `bodyUsed` says.

import { before, define } from "../../internal/define.js";
import type { Lack } from "../lacks.js";

const EngineWritable = WritableStream;

/** The streams of which something was read, whoever read it. */
const disturbed = new WeakSet<ReadableStream>();
/** The streams whose branches streams are. */
const sources = new WeakMap<ReadableStream, ReadableStream>();
/** The streams of readers. */
const streams = new WeakMap<object, ReadableStream>();

export const lacks: Record<string, Lack> = {
  "bodyUsed once a part was read": {
    async isThere() {
      const response = new Response(
        new ReadableStream({ pull: (it) => it.enqueue(new Uint8Array(1)) }),
      );
      const reader = response.body!.getReader();
      await reader.read();
      return response.bodyUsed;
    },
    install() {
      const { prototype } = ReadableStream;
      // What is refused reads nothing.
      before(prototype, "cancel", (stream: ReadableStream) => {
        if (!stream.locked) disturb(stream);
      });
      before(prototype, "pipeTo", pipe);
      const { getReader, tee } = prototype;
      define(prototype, "tee", function (this: ReadableStream) {
        const branches = tee.call(this);
        for (const branch of branches) sources.set(branch, this);
        return branches;
      });
      define(prototype, "getReader", function (this: ReadableStream, ...args: []) {
        refuseByob(...args);
        const reader = getReader.apply(this, args);
        streams.set(reader, this);
        return reader;
      });
      Reflect.deleteProperty(globalThis, "ReadableStreamBYOBReader");
      const ofReaders = ReadableStreamDefaultReader.prototype;
      for (const name of ["cancel", "read"]) before(ofReaders, name, disturbBy);
      before(ofReaders, "releaseLock", (reader: object) => void streams.delete(reader));
    },
    ways: { isDisturbed: (stream) => disturbed.has(stream) },
  },
};

/**
 * The engine keeps no hold of the promise that such a reader's `read` returns: a collection in between leaves a pointer
 * to whatever is there next. What can end in anything is an error at once.
 */
function refuseByob(options?: { mode?: unknown }): void {
  if (options?.mode === "byob") {
    throw new TypeError(
      '`getReader({ mode: "byob" })` is absent: this engine\'s loses what it reads',
    );
  }
}

/** Has `stream` count as read, and what it is a branch of. */
export function disturb(stream: ReadableStream): void {
  for (let at: ReadableStream | undefined = stream; at !== undefined; at = sources.get(at)) {
    disturbed.add(at);
  }
}

function pipe(stream: ReadableStream, to: unknown): void {
  if (!stream.locked && to instanceof EngineWritable && !to.locked) disturb(stream);
}

function disturbBy(reader: object): void {
  const stream = streams.get(reader);
  if (stream !== undefined) disturb(stream);
}
