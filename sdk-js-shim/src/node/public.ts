// What public modules have where there is no host to ask: tests under Node.

import type { Upload } from "../upload.js";
import { alone, inCallOf } from "./calls.js";
import { install } from "./globals.js";

export { readExactlyOf, restOf } from "../internal/partly.js";
export { alone, install };

/** Starts a request whose body is written afterwards. */
export function startUpload(input: string | URL | Request, init?: RequestInit): Upload {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const response = fetch(new Request(input, { ...init, body: readable, duplex: "half" }));
  response.catch(() => {});
  return { response, writable };
}

/** The platform's own, whatever a test puts in its place. */
const { setImmediate } = globalThis as unknown as { setImmediate(run: () => void): void };

/**
 * Waits where a call has ended until Node has told of promises that were rejected in it and that nobody handles: so the
 * test that called is still under way, and fails by them.
 */
export function ended(): Promise<void> {
  return new Promise(setImmediate);
}

/** Runs a part of a call in process: one of the same `call` as others. */
export function inCall<T>(call: object, run: () => T): T {
  install();
  return inCallOf(call, run);
}
