// What the root module has where there is no host to ask: tests under Node.

import { readExactlyOf, restOf } from "../internal/partly.js";
import type { Upload } from "../upload.js";

export function upload(input: string | URL | Request, init?: RequestInit): Upload {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const response = fetch(new Request(input, { ...init, body: readable, duplex: "half" }));
  response.catch(() => {});
  return { response, writable };
}

export function rest(message: Request | Response): ReadableStream<Uint8Array> | null {
  return message.body === null ? null : restOf(message.body);
}

export async function readExactly(
  message: Request | Response,
  length: number,
): Promise<Uint8Array> {
  return message.body === null ? new Uint8Array() : readExactlyOf(message.body, length);
}
