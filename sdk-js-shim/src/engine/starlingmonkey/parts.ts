// Bodies that are a Blob or a FormData. The engine reads these right, by tasks of its own, one for each piece: they
// wait while the loop does, which does not know of them. As streams of ours they take none.

import { define } from "../../internal/define.js";
import { utf8 } from "../../internal/text.js";
import type { Lack } from "../lacks.js";
import { from } from "./streams.js";

type Part = string | Blob;

/** More than any stream here takes. */
const REACTIONS = 64;

/** A body as its parts, and its type. */
export interface Parts {
  parts: Part[];
  type: string;
}

export const lacks: Record<string, Lack> = {
  "a Blob's stream without a task": {
    isThere: () => isReadAtOnce(new Blob(["a"]).stream()),
    install() {
      define(Blob.prototype, "stream", function (this: Blob) {
        return streamOf([this]);
      });
    },
  },
  // Messages take these by `partsOf`.
  "a body of a Blob without a task": {
    isThere: () => isReadAtOnce(new Response(new Blob(["a"])).body!),
  },
  "a body of a form without a task": {
    isThere: () => isReadAtOnce(new Response(new FormData()).body!),
  },
};

/** Whether promise reactions alone bring the first chunk. */
async function isReadAtOnce(stream: ReadableStream): Promise<boolean> {
  let isRead = false;
  void stream
    .getReader()
    .read()
    .then(() => (isRead = true));
  for (let left = REACTIONS; left > 0; left--) await undefined;
  return isRead;
}

/** What a body consists of, if it is one of these. */
export function partsOf(body: unknown): Parts | undefined {
  // Most are a text or none, for which to look at classes takes a microsecond.
  if (typeof body !== "object" || body === null) return undefined;
  if (body instanceof Blob) return { parts: [body], type: body.type };
  return body instanceof FormData ? multipart(body) : undefined;
}

/** A stream of one chunk for each part, made when it is asked for. */
export function streamOf(parts: Part[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  return from(chunksOf(parts));
}

async function* chunksOf(parts: Part[]): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (const part of parts) {
    const bytes = typeof part === "string" ? utf8(part) : new Uint8Array(await part.arrayBuffer());
    if (bytes.length > 0) yield bytes;
  }
}

/** As HTML says, "multipart/form-data encoding algorithm". */
function multipart(form: FormData): Parts {
  const boundary = `----edgewit${digits()}${digits()}${digits()}`;
  const parts: Part[] = [];
  for (const [name, value] of form as Iterable<[string, string | File]>) {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${escape(lines(name))}"`;
    if (typeof value === "string") {
      parts.push(`${head}\r\n\r\n${lines(value)}\r\n`);
    } else {
      const type = value.type || "application/octet-stream";
      parts.push(`${head}; filename="${escape(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`);
      parts.push(value, "\r\n");
    }
  }
  parts.push(`--${boundary}--\r\n`);
  return { parts, type: `multipart/form-data; boundary=${boundary}` };
}

/** 32 bits of what no content is likely to hold, always as long. */
function digits(): string {
  return Math.trunc(Math.random() * 2 ** 32)
    .toString(16)
    .padStart(8, "0");
}

function lines(text: string): string {
  return text.replace(/\r\n?|\n/g, "\r\n");
}

function escape(text: string): string {
  return text.replaceAll("\n", "%0A").replaceAll("\r", "%0D").replaceAll('"', "%22");
}
