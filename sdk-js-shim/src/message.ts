// What a message has beside what its platform's type holds. Kept beside the objects, so that they stay what they are.

interface Extra {
  uri?: string;
  redirects?: number;
  attributes?: ReadonlyMap<string, string>;
  hints?: [string, string][];
  length?: bigint;
}

/** What a request may ask of the host beyond the Fetch standard. Source: `edge:sdk/fetch#options`. */
export interface EdgeInit {
  /** How long connecting may take, in milliseconds. */
  connectMs?: number;
  /** From the end of the request to the response's head, in milliseconds. */
  firstByteMs?: number;
  /** Between two pieces of the response's body, in milliseconds. */
  betweenBytesMs?: number;
  /** For everything, the body and any wait for a free place included, in milliseconds. */
  totalMs?: number;
  /** For what one platform alone offers; every host knows `["connect-to", "host:port"]`. */
  hints?: [string, string][];
}

declare global {
  interface RequestInit {
    /** What `fetch` is asked for beyond its standard, inside of a component. */
    edge?: EdgeInit;
    /** Fetch's own: a request's body is sent before its response is read. */
    duplex?: "half";
  }
}

const extras = new WeakMap<Request | Response, Extra>();
const ends = new WeakMap<ReadableStream, Headers>();
const sources = new WeakMap<ReadableStream, ReadableStream>();
const promised = new WeakMap<ReadableStream, () => Headers | undefined>();
const written = new WeakMap<WritableStream, Headers>();
const none: ReadonlyMap<string, string> = new Map();

/** @internal */
export function extra(message: Request | Response): Extra {
  let found = extras.get(message);
  if (found === undefined) extras.set(message, (found = {}));
  return found;
}

/** @internal */
export function hintsOf(response: Response): [string, string][] {
  return extras.get(response)?.hints ?? [];
}

/** @internal The first of several values of one name counts. */
export function toMap(pairs: Iterable<readonly [string, string]>): Map<string, string> {
  const map = new Map<string, string>();
  for (const [name, value] of pairs) if (!map.has(name)) map.set(name, value);
  return map;
}

/** @internal */
export function copyExtra(from: Request | Response, to: Request | Response): void {
  const found = extras.get(from);
  if (found !== undefined) extras.set(to, { ...found });
}

/** How many redirects were followed to get this response. Source: `edge:sdk/http#response`. */
export function redirects(response: Response): number {
  return extras.get(response)?.redirects ?? 0;
}

/**
 * What else the host knows of a fetched response, by OpenTelemetry's names, such as `network.protocol.version`.
 * Source: `edge:sdk/http#response`.
 */
export function attributes(response: Response): ReadonlyMap<string, string> {
  return extras.get(response)?.attributes ?? none;
}

/**
 * The length of a body that came from the host, in bytes, as far as it is known before it is read: what the peer
 * announced. `undefined` where it announced none; 0 where there is no body.
 */
export function bodyLength(message: Request | Response): bigint | undefined {
  return message.body === null ? 0n : extras.get(message)?.length;
}

/**
 * The trailers of a body that came from the host: `undefined` before its end was met, and empty if there were none.
 * `body` is a message or its stream.
 */
export function trailers(body: Request | Response | ReadableStream): Headers | undefined {
  const stream = body instanceof ReadableStream ? body : body.body;
  if (stream === null) return new Headers();
  return ends.get(stream) ?? ends.get(sources.get(stream)!);
}

/** @internal Has `branch`, of which `source` is the other end, have its trailers. */
export function branchOf(source: ReadableStream, branch: ReadableStream): void {
  sources.set(branch, sources.get(source) ?? source);
}

/** @internal Has `fields` be the trailers that came at the end of `stream`. */
export function endedWith(stream: ReadableStream, fields: Headers): void {
  ends.set(stream, fields);
}

/**
 * Has `fields` called at the end of a body made of `stream`, which is returned, and its result sent as trailers.
 * Over HTTP/1.1 only those are sent that the head announces in `trailer`, and to a client that asked for them.
 */
export function withTrailers<T extends ReadableStream>(
  stream: T,
  fields: () => Headers | undefined,
): T {
  promised.set(stream, fields);
  return stream;
}

/**
 * Has `fields` be sent as trailers at the end of an upload, by its `writable`, which is closed afterwards.
 * As {@link withTrailers} for bodies that are written.
 */
export function setTrailers(writable: WritableStream, fields: Headers): void {
  written.set(writable, fields);
}

/** @internal The trailers of an upload. */
export function trailersOf(writable: WritableStream): Headers | undefined {
  return written.get(writable);
}

/** @internal Whether trailers are to be sent at the end of `stream`, which is not known before it was read. */
export function hasTrailersDue(stream: ReadableStream): boolean {
  return promised.has(stream);
}

/** @internal The trailers to send at the end of `stream`. */
export function trailersDue(stream: ReadableStream): Headers | undefined {
  return promised.get(stream)?.();
}

/**
 * Adds a hint for whoever delivers the reply: what one platform alone offers. A host leaves out those that it does not
 * know. Source: `edge:sdk/handler#reply`.
 */
export function setHint(response: Response, name: string, value: string): void {
  (extra(response).hints ??= []).push([String(name), String(value)]);
}
