// `tee()` of streams of bytes.

import { define } from "../../internal/define.js";
import type { Lack } from "../lacks.js";

const { ReadableStream, Set } = globalThis;

export const lacks: Record<string, Lack> = {
  "tee() of a stream of bytes": {
    isThere() {
      try {
        return new ReadableStream({ type: "bytes" }).tee().length === 2;
      } catch {
        return false;
      }
    },
    install() {
      const { tee } = ReadableStream.prototype;
      define(ReadableStream.prototype, "tee", function (this: ReadableStream) {
        try {
          return tee.call(this);
        } catch (error) {
          if (this.locked) throw error;
          return teeBytes(this);
        }
      });
    },
  },
};

type Bytes = ReadableStream<Uint8Array<ArrayBuffer>>;

/** As the standard's, with branches that are streams of any chunks. What one branch did not take yet, it holds. */
function teeBytes(stream: Bytes): [Bytes, Bytes] {
  const reader = stream.getReader();
  const open = new Set<ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>>();
  const reasons: unknown[] = [];
  let reading: Promise<void> | undefined;

  async function read(): Promise<void> {
    try {
      const { done, value } = await reader.read();
      let isFirst = true;
      for (const branch of open) {
        if (done) branch.close();
        else branch.enqueue(isFirst ? value : value.slice());
        isFirst = false;
      }
    } catch (error) {
      for (const branch of open) branch.error(error);
    }
    reading = undefined;
  }

  function branch(index: 0 | 1): Bytes {
    let own: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
    return new ReadableStream(
      {
        start(controller) {
          open.add((own = controller));
        },
        pull: () => (reading ??= read()),
        async cancel(reason) {
          open.delete(own);
          reasons[index] = reason;
          if (open.size === 0) await reader.cancel(reasons);
        },
      },
      { highWaterMark: 0 },
    );
  }

  return [branch(0), branch(1)];
}
