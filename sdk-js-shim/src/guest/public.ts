// What public modules have of a component; tests under Node have `node/public.ts` in its place.

import { own } from "../internal/own.js";
import { trailersOf } from "../message.js";
import type { Upload } from "../upload.js";
import * as fetch from "./fetch.js";
import { signalOf } from "./signal.js";

export { readExactlyOf, restOf } from "./incoming.js";

/** Starts a request whose body is written afterwards. */
export function startUpload(input: string | URL | Request, init?: RequestInit): Upload {
  const request = new own.Request(input, init);
  const signal = signalOf(request);
  signal?.throwIfAborted();
  const upload: Upload = fetch.sendStreaming(request, () => trailersOf(upload.writable), signal);
  return upload;
}

/** Makes the globals those of a component, which the build has done. */
export function install(): void {}

/** Waits for the end of a call in process. */
export async function ended(): Promise<void> {}

/** What an application is imported by, in a test under Node. */
export function alone<T>(load: () => T): () => T {
  return load;
}

/** Runs a part of a call in process. */
export function inCall<T>(_call: object, run: () => T): T {
  return run();
}
