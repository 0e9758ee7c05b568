// Whether somebody has read from a stream: what a body's `bodyUsed` says.

import { before, define } from "../../internal/define.js";
import type { Lack } from "../lacks.js";

/** The streams of which something was read, whoever read it. */
const disturbed = new WeakSet<ReadableStream>();
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
      for (const name of ["cancel", "pipeTo", "pipeThrough", "tee"] as const) {
        before(prototype, name, disturb);
      }
      const { getReader } = prototype;
      define(prototype, "getReader", function (this: ReadableStream, ...args: []) {
        refuseByob(...args);
        const reader = getReader.apply(this, args);
        streams.set(reader, this);
        return reader;
      });
      Reflect.deleteProperty(globalThis, "ReadableStreamBYOBReader");
      for (const name of ["cancel", "read"])
        before(ReadableStreamDefaultReader.prototype, name, disturbBy);
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

/** Has `stream` count as read. */
export function disturb(stream: ReadableStream): void {
  disturbed.add(stream);
}

function disturbBy(reader: object): void {
  const stream = streams.get(reader);
  if (stream !== undefined) disturb(stream);
}
