// Reading the bodies of requests and responses.

import { EdgewitError } from "../errors.js";
import { define, defineGetter } from "../define.js";
import type { Lack } from "./starlingmonkey.js";

type Message = Request | Response;

/** A byte that is no UTF-8; a byte order mark before `1`. */
const BAD = Uint8Array.of(0xff);
const MARKED = Uint8Array.of(0xef, 0xbb, 0xbf, 0x31);

const prototypes = [Request.prototype, Response.prototype];

export const lacks: Record<string, Lack> = {
  "text() of what is not UTF-8, or has a mark": {
    isThere: async () =>
      (await orNone(new Response(BAD).text())) === "\ufffd" &&
      (await orNone(new Response(MARKED).text())) === "1",
    install: () => onMessages("text", async (message) => decode(await message.arrayBuffer())),
  },
  "json() with a mark": {
    isThere: async () => (await orNone(new Response(MARKED).json())) === 1,
    install: () => onMessages("json", json),
  },
  "bytes()": {
    isThere: () => prototypes.every((prototype) => "bytes" in prototype),
    install: () =>
      onMessages("bytes", async (message) => new Uint8Array(await message.arrayBuffer())),
  },
  "Response.clone": {
    isThere: () => "clone" in Response.prototype,
    install: installClone,
  },
};

function orNone<T>(promise: Promise<T>): Promise<T | undefined> {
  return promise.catch(() => undefined);
}

function onMessages(name: string, read: (message: Message) => unknown): void {
  for (const prototype of prototypes) {
    define(prototype, name, function (this: Message) {
      return read(this);
    });
  }
}

function decode(bytes: ArrayBuffer): string {
  return new TextDecoder().decode(bytes);
}

/** Stricter than the standard, which replaces bytes that are no UTF-8: they are an error in every SDK. */
async function json(message: Message): Promise<unknown> {
  const bytes = await message.arrayBuffer();
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new SyntaxError(text, { cause: new EdgewitError("json", text) });
  }
}

/** Of a response that was cloned: one that has the branch of its body which is left. */
const remaining = new WeakMap<Response, Response>();

function installClone(): void {
  const { prototype } = Response;
  for (const name of ["body", "bodyUsed"] as const) {
    defineGetter(prototype, name, (response, engine) => remaining.get(response)?.[name] ?? engine());
  }
  for (const name of ["arrayBuffer", "blob", "formData"] as const) {
    const engine = prototype[name] as () => Promise<unknown>;
    define(prototype, name, function (this: Response) {
      return engine.call(remaining.get(this) ?? this);
    });
  }
  define(prototype, "clone", function (this: Response) {
    if (this.bodyUsed || this.body?.locked) throw new TypeError("the body was used already");
    const { status, statusText, headers, body } = this;
    if (body === null) return new Response(null, { status, statusText, headers });
    const [one, other] = body.tee();
    remaining.set(this, new Response(one, { status, statusText, headers }));
    return new Response(other, { status, statusText, headers });
  });
}
