// What public modules have where there is no host to ask: tests under Node.

import type { Upload } from "../upload.js";
import { inCallOf } from "./calls.js";
import { install } from "./globals.js";

export { readExactlyOf, restOf } from "../internal/partly.js";
export { install };

/** Starts a request whose body is written afterwards. */
export function start(input: string | URL | Request, init?: RequestInit): Upload {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const response = fetch(new Request(input, { ...init, body: readable, duplex: "half" }));
  response.catch(() => {});
  return { response, writable };
}

/** Runs a part of a call in process: one of the same `call` as others. */
export function inCall<T>(call: object, run: () => T): T {
  install();
  return inCallOf(call, run);
}
