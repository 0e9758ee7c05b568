// Whether somebody has read from a stream: what a body's `bodyUsed` says.

import { before, define, defineGetter } from "../../internal/define.js";
import type { Lack } from "../lacks.js";
import { madeOf } from "../made.js";

/** The streams of which something was read, whoever read it. */
const touched = new WeakSet<ReadableStream>();
const read = new WeakMap<object, ReadableStream>();
/** The streams of bodies that somebody has looked at; to look makes one of a body that is whole. */
const looked = new WeakMap<Request | Response, ReadableStream>();

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
        read.set(reader, this);
        return reader;
      });
      Reflect.deleteProperty(globalThis, "ReadableStreamBYOBReader");
      for (const name of ["cancel", "read"])
        before(ReadableStreamDefaultReader.prototype, name, disturbBy);
      for (const message of [Request.prototype, Response.prototype]) installBodyUsed(message);
    },
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
  touched.add(stream);
}

function disturbBy(reader: object): void {
  const stream = read.get(reader);
  if (stream !== undefined) disturb(stream);
}

function installBodyUsed(prototype: Request | Response): void {
  defineGetter(prototype, "body", (message, engine) => {
    const stream = engine() as ReadableStream | null;
    if (stream !== null) looked.set(message, stream);
    return stream;
  });
  defineGetter(prototype, "bodyUsed", (message, engine) => {
    if (engine()) return true;
    const stream = madeOf(message).kind === "stream" ? message.body : looked.get(message);
    return stream !== undefined && stream !== null && touched.has(stream);
  });
}
