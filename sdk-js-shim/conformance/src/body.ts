/** As many bytes as are asked for where it does not matter. */
const CHUNK_BYTES = 64 * 1024;

/** Reads a stream, at most so many bytes at once where it can be told. */
interface Reader {
  read(most: number): Promise<Uint8Array | undefined>;
  cancel(): Promise<void>;
}

/** The body of a message, which steps read piece by piece. */
export class Body {
  readonly message: Request | Response;
  #reader: Reader | undefined;
  /** What a read brought beyond what was asked for. */
  #left: Uint8Array = new Uint8Array();
  /** The read by which a step waited. */
  #ahead: Promise<Uint8Array | undefined> | undefined;

  constructor(message: Request | Response) {
    this.message = message;
  }

  /** The next bytes; `undefined` at the end. */
  async read(most = CHUNK_BYTES): Promise<Uint8Array | undefined> {
    if (this.#left.length === 0) {
      const chunk = await (this.#ahead ?? this.#next(most));
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
    this.#ahead ??= this.#next(CHUNK_BYTES);
    await this.#ahead;
  }

  /** What is left of it, to be handed on: as it came, if nothing was read. */
  rest(): ReadableStream<Uint8Array> | null {
    if (this.#reader === undefined) return this.message.body;
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
    await (this.#reader ?? this.message.body)?.cancel();
  }

  async #next(most: number): Promise<Uint8Array | undefined> {
    if (this.message.body === null) return undefined;
    this.#reader ??= readerOf(this.message.body);
    return this.#reader.read(most);
  }
}

function readerOf(stream: ReadableStream<Uint8Array>): Reader {
  try {
    const reader = stream.getReader({ mode: "byob" });
    return {
      read: async (most) => (await reader.read(new Uint8Array(most))).value,
      cancel: () => reader.cancel(),
    };
  } catch {
    // A stream whose chunks are as long as they come.
    const reader = stream.getReader();
    return {
      read: async () => (await reader.read()).value,
      cancel: () => reader.cancel(),
    };
  }
}
