// What public modules have where there is no host to ask: tests under Node.

import type { Upload } from "../upload.js";
import { asCall } from "./calls.js";
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

/** Runs a part of a call in process. */
export function inCall<T>(run: () => T): T {
  install();
  return asCall(true, run);
}
