import { trailersOf } from "../message.js";
import type { Upload } from "../upload.js";
import { start } from "./fetch.js";
import { signalOf } from "./signal.js";

/**
 * Starts a request whose body is written afterwards, to the stream that is returned. `init` is as for `fetch`, without a
 * body. Where a stream is at hand, `fetch(input, { body: stream, duplex: "half" })` does the same.
 * Throws: `TypeError` with a `FetchError` as cause, `denied`, `invalid-request` or `limit`; all else rejects the response.
 * Source: `edge:sdk/fetch#send-streaming`.
 */
export function upload(input: string | URL | Request, init?: RequestInit): Upload {
  const request = new Request(input, init);
  const signal = signalOf(request);
  signal?.throwIfAborted();
  const upload: Upload = start(request, () => trailersOf(upload.writable), signal);
  // Who writes to it need not look at the response.
  upload.response.catch(() => {});
  return upload;
}
