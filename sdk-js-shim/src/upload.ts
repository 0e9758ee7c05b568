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

export { readExactly, rest, upload } from "#guest";
