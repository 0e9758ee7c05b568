import { readExactly, rest } from "@edgewit/sdk";

/** The body of a message, which steps read piece by piece. */
export class Body {
  readonly message: Request | Response;
  /** The message's own, or what was left of that once a part was read. */
  stream: ReadableStream<Uint8Array> | null;
  #isReadInPart = false;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  /** What a read brought beyond what was asked for. */
  #left: Uint8Array = new Uint8Array();
  /** The read by which a step waited. */
  #ahead: Promise<Uint8Array | undefined> | undefined;

  constructor(message: Request | Response) {
    this.message = message;
    this.stream = message.body;
  }

  /** The next bytes; `undefined` at the end. */
  async read(most = Number.POSITIVE_INFINITY): Promise<Uint8Array | undefined> {
    if (this.#left.length === 0) {
      const chunk = await (this.#ahead ?? this.#next());
      this.#ahead = undefined;
      if (chunk === undefined) return undefined;
      this.#left = chunk;
    }
    const bytes = this.#left.subarray(0, most);
    this.#left = this.#left.subarray(bytes.length);
    return bytes;
  }

  /** So many bytes, or what there is of them before the end. */
  async readExactly(length: number): Promise<Uint8Array> {
    if (this.#reader === undefined) {
      this.#isReadInPart = true;
      return readExactly(this.message, length);
    }
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const chunk = await this.read(length - done);
      if (chunk === undefined) break;
      bytes.set(chunk, done);
      done += chunk.length;
    }
    return bytes.subarray(0, done);
  }

  /** Settles once a read would not wait. */
  async ready(): Promise<void> {
    if (this.#left.length > 0) return;
    this.#ahead ??= this.#next();
    await this.#ahead;
  }

  /** What is left of it, to be handed on: as it came, if nothing was read. */
  rest(): ReadableStream<Uint8Array> | null {
    const isReadAhead = this.#left.length > 0 || this.#ahead !== undefined;
    if (isReadAhead || (this.#reader !== undefined && this.#isReadInPart)) return this.#pieces();
    this.#reader?.releaseLock();
    return this.#reader !== undefined || this.#isReadInPart ? rest(this.message) : this.stream;
  }

  /** What was read too much, and what follows it. */
  #pieces(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const chunk = await this.read();
          if (chunk === undefined) controller.close();
          else controller.enqueue(chunk);
        },
        cancel: () => this.drop(),
      },
      { highWaterMark: 0 },
    );
  }

  async drop(): Promise<void> {
    await (this.#reader ?? this.stream)?.cancel();
  }

  async #next(): Promise<Uint8Array | undefined> {
    if (this.#reader === undefined && this.#isReadInPart) this.stream = rest(this.message);
    this.#reader ??= this.stream?.getReader();
    return (await this.#reader?.read())?.value;
  }
}
