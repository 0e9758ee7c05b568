// Bodies that are written, or read, a part at a time.

import { readExactlyOf, restOf, startUpload } from "#guest";

/** A request whose body is written after it was started. */
export interface Upload {
  /** The response, which may arrive before the body is at its end. It is waited for once it is looked at. */
  readonly response: Promise<Response>;
  /**
   * The body. A write is done once the host has taken all of it; `close` ends the body, `abort` the request.
   * Rejects with a `TypeError` whose cause is a `BodyError`: `unwanted` says that the response is there already.
   */
  readonly writable: WritableStream<Uint8Array>;
}

/**
 * Starts a request whose body is written afterwards, to the stream that is returned. `init` is as for `fetch`, without
 * a body. Where a stream is at hand, `fetch(input, { body: stream, duplex: "half" })` does the same.
 * Throws: `TypeError` with a `FetchError` as cause, `denied`, `invalid-request` or `limit`; all else rejects the
 * response.
 * Source: `edge:sdk/fetch#send-streaming`.
 */
export function upload(input: string | URL | Request, init?: RequestInit): Upload {
  return startUpload(input, init);
}

/**
 * What is left of a body of which a part was read, as a fresh stream, which can be handed on; the body of `message`
 * can't be read afterwards. `null` if there is no body. Throws: `TypeError` while a reader holds it.
 */
export function rest(message: Request | Response): ReadableStream<Uint8Array> | null {
  return message.body === null ? null : restOf(message.body);
}

/**
 * The next `length` bytes of the body of `message`; fewer at its end. What is left can be read by the next call, or
 * handed on with {@link rest}: for everything else the body counts as read.
 * Rejects with a `TypeError`, whose cause is a `BodyError` where the body broke off, and where a reader holds it. What
 * came before a body broke off is what the next call begins with.
 */
export async function readExactly(
  message: Request | Response,
  length: number,
): Promise<Uint8Array> {
  return message.body === null ? new Uint8Array() : readExactlyOf(message.body, length);
}
