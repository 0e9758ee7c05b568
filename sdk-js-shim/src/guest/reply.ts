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
    headers: made.kind === "stream" ? withPromisedLength(headers, response.body!) : headers,
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
      const stream = response.body!;
      const handle = takeHandle(stream);
      if (handle !== undefined) return { tag: "incoming", val: handle };
      return { tag: "source", val: new Source(stream, background) };
    }
  }
}

function ofBytes(bytes: Uint8Array): Body {
  return bytes.length === 0 ? NO_BODY : { tag: "bytes", val: bytes };
}

/** A stream that has given so many bytes may be read on while it gives more without waiting, … */
const GATHER_AFTER_BYTES = 1024;

/** … up to so many: a call for each small piece would take most of the time that the guest has. */
const GATHER_BYTES = 16 * 1024;

/** How a stream ended. */
type End = { chunk: http.Chunk } | { error: unknown };

/** A stream that the host pulls. */
export class Source {
  readonly #stream: ReadableStream<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #background: (work: Promise<unknown>) => void;
  #call: { resolve(chunk: http.Chunk): void; reject(error: unknown): void } | undefined;
  #isReading = false;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #bytesBefore = 0;
  #end: End | undefined;

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
    const chunk = new Promise<http.Chunk>((resolve, reject) => (this.#call = { resolve, reject }));
    void this.#gather();
    try {
      // Where the stream waits for something, what it gave before goes out.
      return await drive(chunk, () => this.#answer());
    } catch (error) {
      // The engine hands on a thrown value that is no `Error` as the error of the call.
      throw toBodyError(error);
    }
  }

  /** Called where the host drops it: nobody wants what is left. */
  [Symbol.dispose](): void {
    if (this.#end !== undefined) return;
    this.#end = { chunk: { tag: "end", val: [] } };
    this.#background(this.#reader.cancel(new DOMException("the reply is over", "AbortError")));
  }

  async #gather(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    const most = this.#bytesBefore < GATHER_AFTER_BYTES ? 1 : GATHER_BYTES;
    while (this.#bytes < most && this.#end === undefined) await this.#readOne();
    this.#isReading = false;
    this.#answer();
  }

  async #readOne(): Promise<void> {
    try {
      const { done, value } = await this.#reader.read();
      if (done) {
        const fields = trailersDue(this.#stream);
        this.#end ??= { chunk: { tag: "end", val: fields === undefined ? [] : fromHeaders(fields) } };
      } else {
        this.#pieces.push(bytesOf(value));
        this.#bytes += value.length;
      }
    } catch (error) {
      this.#end ??= { error };
    }
  }

  /** Ends the call under way with what there is; false if there is nothing. */
  #answer(): boolean {
    const call = this.#call;
    if (call === undefined) return false;
    if (this.#bytes > 0) call.resolve({ tag: "bytes", val: this.#take() });
    else if (this.#end === undefined) return false;
    else if ("chunk" in this.#end) call.resolve(this.#end.chunk);
    else call.reject(this.#end.error);
    this.#call = undefined;
    return true;
  }

  #take(): Uint8Array {
    const whole = this.#pieces.length === 1 ? this.#pieces[0]! : concat(this.#pieces, this.#bytes);
    this.#bytesBefore += this.#bytes;
    this.#pieces = [];
    this.#bytes = 0;
    return whole;
  }
}

function concat(pieces: Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function toBodyError(error: unknown): http.BodyError {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof BodyError) return at.toWit();
  }
  return { tag: "other", val: chain(error) };
}
