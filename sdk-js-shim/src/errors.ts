import type { fetch, http, kv } from "./generated/edge.js";

/** What the SDK itself refuses, whatever the host. */
export type SdkErrorCode =
  | "invalid-name"
  | "invalid-value"
  | "invalid-status"
  | "consumed"
  | "cancelled"
  | "json"
  | "duplicate-route"
  | "next-twice";

/** Why reading or writing a body stopped. Source: `edge:sdk/http#body-error`. */
export type BodyErrorCode = http.BodyError["tag"];

/** Why a request to another server failed. Source: `edge:sdk/fetch#fetch-error`. */
export type FetchErrorCode = fetch.FetchError["tag"];

/** Why a store refused. Source: `edge:sdk/kv#kv-error`. */
export type KvErrorCode = kv.KvError["tag"];

/** Every code of the SDK's errors. */
export type ErrorCode = SdkErrorCode | BodyErrorCode | FetchErrorCode | KvErrorCode;

/**
 * An error of the SDK's: `code` says which, the message is for people.
 * What the host told is one of its subclasses: {@link FetchError}, {@link KvError}, {@link BodyError}.
 */
export class EdgewitError<Code extends ErrorCode = ErrorCode> extends Error {
  override name = "EdgewitError";
  /** Which error it is: a word of the WIT, or the SDK's own. */
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A body broke off. */
export class BodyError extends EdgewitError<BodyErrorCode> {
  override name = "BodyError";
  /** With `too-large`: the most that is taken, in bytes. */
  readonly limit: bigint | undefined;
  readonly #error: http.BodyError;

  constructor(error: http.BodyError) {
    super(error.tag, text(error));
    this.#error = error;
    this.limit = error.tag === "too-large" ? error.val : undefined;
  }

  /** @internal The error as the host knows it. */
  toWit(): http.BodyError {
    return this.#error;
  }
}

/** A request to another server failed. `fetch` itself rejects with a `TypeError`, whose `cause` this is. */
export class FetchError extends EdgewitError<FetchErrorCode> {
  override name = "FetchError";

  constructor(error: fetch.FetchError) {
    if (error.tag === "request-body") {
      const cause = new BodyError(error.val);
      super(error.tag, `request-body: ${cause.message}`, { cause });
    } else {
      super(error.tag, text(error));
    }
  }
}

/** A store refused. */
export class KvError extends EdgewitError<KvErrorCode> {
  override name = "KvError";
  /** With `value-too-large`: the most that is taken, in bytes. */
  readonly limit: bigint | undefined;

  constructor(error: kv.KvError) {
    super(error.tag, text(error));
    this.limit = error.tag === "value-too-large" ? error.val : undefined;
  }
}

/** What a function of the host throws: the error case of its `result`. */
interface Payload<Error> {
  payload: Error;
}

/** The error case that the host answered with; anything else is thrown on as it is. */
export function payload<Error>(thrown: unknown): Error {
  if (typeof thrown === "object" && thrown !== null && "payload" in thrown) {
    return (thrown as Payload<Error>).payload;
  }
  throw thrown;
}

function text(error: { tag: string; val?: unknown }): string {
  return error.val === undefined ? error.tag : `${error.tag}: ${String(error.val)}`;
}

/** The messages of an error and of its causes, outermost first, joined by `: `. `tell` gives the text of what is none. */
export function chain(error: unknown, tell: (value: unknown) => string = String): string {
  const texts: string[] = [];
  const met = new Set<unknown>();
  let at = error;
  do {
    met.add(at);
    if (!(at instanceof Error)) {
      texts.push(tell(at));
      break;
    }
    texts.push(at.name === "Error" ? at.message : `${at.name}: ${at.message}`);
    at = at.cause;
  } while (at !== undefined && !met.has(at));
  return texts.join(": ");
}
