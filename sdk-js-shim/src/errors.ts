import type { fetch, http, kv } from "./generated/edge.js";
import { notGranted } from "./internal/granted.js";

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

/**
 * A request to another server failed. `fetch` itself rejects with a `TypeError`, whose `cause` this is; its message has
 * the origin that was asked too.
 */
export class FetchError extends EdgewitError<FetchErrorCode> {
  override name = "FetchError";

  constructor(error: fetch.FetchError) {
    if (error.tag === "request-body") {
      const cause = new BodyError(error.val);
      super(error.tag, `request-body: ${cause.message}`, { cause });
    } else {
      super(error.tag, error.tag === "denied" ? FETCH_DENIED : text(error));
    }
  }
}

// The host refuses both alike, and tells in its log alone which it was.
const FETCH_DENIED =
  "denied: this origin, or where it leads, is not granted (`fetch` in edge.toml, in a test `onFetch`)";

/** What `fetch` of `url` rejects with. Of the URL it tells neither the path, nor who asks, which may be secret. */
export function fetchFailed(url: string, cause: FetchError): TypeError {
  const { protocol, host } = new URL(url);
  const of = host === "" ? protocol : `${protocol}//${host}`;
  return new TypeError(`fetch of ${of} failed: ${cause.message}`, { cause });
}

/** A store refused. Its message names the store and the operation. */
export class KvError extends EdgewitError<KvErrorCode> {
  override name = "KvError";
  /** With `value-too-large`: the most that is taken, in bytes. */
  readonly limit: bigint | undefined;

  /** `more` is the end of the message. */
  constructor(error: kv.KvError, more = "") {
    super(error.tag, text(error) + more);
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

function messageOf(error: Error): string {
  const message = String(error.message);
  return message + notGranted(error, message);
}

type Tell = (value: unknown) => string;

/**
 * The messages of an error and of its causes, outermost first, joined by `: `. A cause that the message before has told
 * is not told twice, nor what is in `met`. `tell` gives the text of what is none.
 */
export function chain(error: unknown, tell: Tell = String, met = new Set<unknown>()): string {
  const texts: string[] = [];
  let at = error;
  do {
    met.add(at);
    const message = at instanceof Error ? messageOf(at) : tell(at);
    if (texts.at(-1)?.endsWith(`: ${message}`) !== true) {
      texts.push(at instanceof Error && at.name !== "Error" ? `${at.name}: ${message}` : message);
    }
    if (at instanceof AggregateError) texts.push(gathered(at, tell, met));
    at = at instanceof Error ? at.cause : undefined;
  } while (at !== undefined && !met.has(at));
  return texts.join(": ");
}

/** The errors that one stands for. */
function gathered({ errors }: AggregateError, tell: Tell, met: Set<unknown>): string {
  const others = Array.from<unknown>(errors).filter((it) => !(it instanceof Error && met.has(it)));
  return `[${others.map((it) => chain(it, tell, met)).join(", ")}]`;
}
