// A `Response` as the reply of `edge:sdk/handler`.

import type { handler, http } from "../generated/edge.js";
import { BodyError, chain } from "../errors.js";
import { fromHeaders } from "../fields.js";
import { withPromisedLength } from "../fixed-length.js";
import { extra, trailersDue } from "../message.js";
import { type Made, madeOf } from "./bodies.js";
import { takeHandle } from "./incoming.js";
import { drive } from "./loop.js";
import { bytesOf } from "./writable.js";

/** As in the WIT, with a source whose calls are promises. */
type Body = Exclude<handler.ReplyBody, { tag: "source" }> | { tag: "source"; val: Source };

/** What the host is handed. */
export interface Reply extends Omit<handler.Reply, "body"> {
  body: Body;
}

const NO_BODY: Body = { tag: "none" };

/** What the host is handed. Throws `TypeError` if `response` is none, or its body was used. */
export async function toReply(
  response: unknown,
  background: (work: Promise<unknown>) => void,
): Promise<Reply> {
  if (!(response instanceof Response)) {
    throw new TypeError(`the handler returned no Response but ${String(response)}`);
  }
  if (response.bodyUsed) throw new TypeError("the body of the returned Response was used already");
  const made = madeOf(response);
  const headers = fromHeaders(response.headers);
  return {
    status: response.status,
    headers: made.kind === "stream" ? withPromisedLength(headers, made.stream) : headers,
    body: await toBody(response, made, background),
    hints: extra(response).hints ?? [],
  };
}

async function toBody(
  response: Response,
  made: Made,
  background: (work: Promise<unknown>) => void,
): Promise<Body> {
  switch (made.kind) {
    case "none":
      return NO_BODY;
    case "text":
      return ofBytes(new TextEncoder().encode(made.text));
    case "whole":
      return ofBytes(new Uint8Array(await response.arrayBuffer()));
    case "stream": {
      const handle = takeHandle(made.stream);
      if (handle !== undefined) return { tag: "incoming", val: handle };
      return { tag: "source", val: new Source(made.stream, background) };
    }
  }
}

function ofBytes(bytes: Uint8Array): Body {
  return bytes.length === 0 ? NO_BODY : { tag: "bytes", val: bytes };
}

/** A stream that the host pulls. */
export class Source {
  readonly #stream: ReadableStream<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #background: (work: Promise<unknown>) => void;
  #isOver = false;

  constructor(
    stream: ReadableStream<Uint8Array>,
    background: (work: Promise<unknown>) => void,
  ) {
    this.#stream = stream;
    this.#reader = stream.getReader();
    this.#background = background;
  }

  /** The next bytes or the end. Throws the `BodyError` of the WIT. */
  async read(): Promise<http.Chunk> {
    try {
      const { done, value } = await drive(this.#reader.read());
      if (!done) return { tag: "bytes", val: bytesOf(value) };
      this.#isOver = true;
      const fields = trailersDue(this.#stream);
      return { tag: "end", val: fields === undefined ? [] : fromHeaders(fields) };
    } catch (error) {
      this.#isOver = true;
      // The engine hands on a thrown value that is no `Error` as the error of the call.
      throw toBodyError(error);
    }
  }

  /** Called where the host drops it: nobody wants what is left. */
  [Symbol.dispose](): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#background(this.#reader.cancel(new DOMException("the reply is over", "AbortError")));
  }
}

function toBodyError(error: unknown): http.BodyError {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof BodyError) return at.toWit();
  }
  return { tag: "other", val: chain(error) };
}
