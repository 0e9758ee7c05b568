// A stream that the host pulls: the body of a reply.

import type { http } from "../generated/edge.js";
import { BodyError } from "../errors.js";
import { fromHeaders } from "../fields.js";
import { trailersDue } from "../message.js";
import { concat } from "../internal/partly.js";
import { describe } from "./failure.js";
import { drive } from "./loop.js";
import { toBytes } from "./writable.js";

/** A stream that has given so many bytes may be read on while it gives more without waiting, … */
const GATHER_AFTER_BYTES = 1024;

/** … up to so many: a call for each small piece would take most of the time that the guest has. */
const GATHER_BYTES = 16 * 1024;

/** How a stream ended. */
type End = { chunk: http.Chunk } | { error: unknown };

/** `edge:sdk/handler#body-source`, of a stream. */
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

  constructor(stream: ReadableStream<Uint8Array>, background: (work: Promise<unknown>) => void) {
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
        this.#end ??= {
          chunk: { tag: "end", val: fields === undefined ? [] : fromHeaders(fields) },
        };
      } else {
        this.#add(value);
      }
    } catch (error) {
      this.#end ??= { error };
    }
  }

  #add(chunk: unknown): void {
    try {
      const bytes = toBytes(chunk);
      this.#pieces.push(bytes);
      this.#bytes += bytes.length;
    } catch (error) {
      // The stream has not failed, but nobody wants what is left of it.
      this.#background(this.#reader.cancel(error));
      throw error;
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

function toBodyError(error: unknown): http.BodyError {
  return bodyErrorOf(error)?.toWit() ?? { tag: "other", val: describe(error) };
}

function bodyErrorOf(error: unknown): BodyError | undefined {
  try {
    for (let at = error; at instanceof Error; at = at.cause) if (at instanceof BodyError) return at;
  } catch {
    // It has a getter that throws, and so is none.
  }
  return undefined;
}
