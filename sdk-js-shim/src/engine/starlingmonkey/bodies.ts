// Reading the bodies of requests and responses.

import { define, defineGetter } from "../../internal/define.js";
import type { Lack } from "../lacks.js";

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
  "the type of blob()": {
    isThere: async () => {
      const headers = { "content-type": "a/b" };
      return (await new Response(BAD, { headers }).blob()).type === "a/b";
    },
    install: () => onMessages("blob", blob),
  },
  "Response.clone": {
    isThere: () => "clone" in Response.prototype,
    install: () => installClone(Response.prototype, likeResponse),
  },
  "clone of a request with a stream of bytes": {
    isThere() {
      const body = new ReadableStream({ type: "bytes" });
      try {
        return (
          new Request("http://h/", { method: "POST", body, duplex: "half" }).clone().body !== null
        );
      } catch {
        return false;
      }
    },
    install: () => installClone(Request.prototype, likeRequest),
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

async function blob(message: Message): Promise<Blob> {
  const bytes = await message.arrayBuffer();
  return new Blob([bytes], { type: message.headers.get("content-type") ?? "" });
}

/** Of a message that was cloned: one that has the branch of its body which is left. */
const remaining = new WeakMap<Message, Message>();

/** The message of the engine's that has the body of `message`. */
export function withBody<Of extends Message>(message: Of): Of {
  return (remaining.get(message) as Of | undefined) ?? message;
}

function installClone<Of extends Message>(
  prototype: Of,
  like: (message: Of, body: ReadableStream | null) => Of,
): void {
  for (const name of ["body", "bodyUsed"] as const) {
    defineGetter(prototype, name, (message, engine) => remaining.get(message)?.[name] ?? engine());
  }
  for (const name of ["arrayBuffer", "blob"] as const) {
    const engine = prototype[name] as () => Promise<unknown>;
    define(prototype, name, function (this: Of) {
      return engine.call(withBody(this));
    });
  }
  define(prototype, "clone", function (this: Of) {
    if (this.bodyUsed || this.body?.locked) throw new TypeError("the body was used already");
    if (this.body === null) return like(this, null);
    const [one, other] = this.body.tee();
    remaining.set(this, like(this, one));
    return like(this, other);
  });
}

function likeResponse(response: Response, body: ReadableStream | null): Response {
  const { status, statusText, headers } = response;
  return new Response(body, { status, statusText, headers });
}

function likeRequest(request: Request, body: ReadableStream | null): Request {
  const { url, method, headers } = request;
  return new Request(url, { method, headers, body, duplex: "half" });
}
