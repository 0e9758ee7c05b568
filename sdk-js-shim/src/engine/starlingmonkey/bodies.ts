// Reading the bodies of requests and responses.

import { define } from "../../internal/define.js";
import { own } from "../../internal/own.js";
import type { Message } from "../engine.js";
import type { Lack } from "../lacks.js";
import { bodyOf, moveBody } from "../messages.js";
import { disturb } from "./disturbed.js";

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
    install: () => readHolders(Response.prototype),
    ways: { cloneResponse: (response) => clone(response, likeResponse) },
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
    install: () => readHolders(Request.prototype),
    ways: { cloneRequest: (request) => clone(request, likeRequest) },
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

/** Has the body of a message that was cloned be read where it is. All other ways to read a body end here. */
function readHolders(prototype: Message): void {
  const read = prototype.arrayBuffer;
  define(prototype, "arrayBuffer", function (this: Message) {
    const { holder, stream } = bodyOf(this);
    // It may be another message's too.
    if (stream !== undefined) disturb(stream);
    return read.call(holder);
  });
}

/** One branch of the body is the copy's, and the other is left to `message`, held by another one like it. */
function clone<Of extends Message>(
  message: Of,
  like: (message: Of, body: ReadableStream | null) => Of,
): Of {
  const { body } = message;
  if (message.bodyUsed || body?.locked) throw new TypeError("the body was used already");
  if (body === null) return like(message, null);
  const [one, other] = body.tee();
  moveBody(message, like(message, one), one);
  return like(message, other);
}

function likeResponse(response: Response, body: ReadableStream | null): Response {
  if (response.type === "error") return own.Response.error();
  const { status, statusText, headers } = response;
  return new own.Response(body, { status, statusText, headers });
}

function likeRequest(request: Request, body: ReadableStream | null): Request {
  const { url, method, headers } = request;
  return new own.Request(url, { method, headers, body, duplex: "half" });
}
