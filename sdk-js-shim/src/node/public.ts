// What public modules have where there is no host to ask: tests under Node.

import type { Upload } from "../upload.js";

export { readExactlyOf, restOf } from "../internal/partly.js";

/** Starts a request whose body is written afterwards. */
export function start(input: string | URL | Request, init?: RequestInit): Upload {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const response = fetch(new Request(input, { ...init, body: readable, duplex: "half" }));
  response.catch(() => {});
  return { response, writable };
}
