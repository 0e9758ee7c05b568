// What requests and responses are beside what an engine makes of them. Their constructors, `body`, `bodyUsed` and
// `clone` are wrapped here, once, for all engines: what one of them does otherwise than the Web says, it gives as
// `Ways`.
//
// What messages were made of, and what requests were asked to be, no engine's own objects tell. Once they are built,
// `new Response("x")` and `new Response(stream)` look alike, and only the first may be sent with a length.

import { define, defineGetter, wrap } from "../internal/define.js";
import { keepImmutable, makeImmutable } from "../internal/immutable.js";
import { own } from "../internal/own.js";
import { branchOf, copyExtra, hasTrailersDue } from "../message.js";
import type { Asked, Made, Message } from "./engine.js";
import { explained } from "./headers.js";

export type RequestArguments = [input: RequestInfo | URL, init?: Asked];
export type ResponseArguments = [body?: BodyInit | null, init?: ResponseInit];

/** How an engine does what its own messages do otherwise than the Web says. */
export interface Ways {
  /** Constructs a request; `to` is its class, which may inherit from the engine's, and `asked` what it is to be. */
  request?: (args: RequestArguments, to: Function, asked: Asked | undefined) => Request;
  /** Constructs a response; `to` as above. */
  response?: (args: ResponseArguments, to: Function) => Response;
  cloneRequest?: (request: Request) => Request;
  cloneResponse?: (response: Response) => Response;
  /** Whether something was read of a stream: the engine's `bodyUsed` does not know it. */
  isDisturbed?: (stream: ReadableStream) => boolean;
}

/** What is known of a message. */
interface Known {
  made: Made;
  /** What a request was asked to be, beside its method, fields and body; absent where that is nothing. */
  asked?: Asked | undefined;
  /** The request that it was made from, or that it was asked to be like: this has all that the standard asks for. */
  from?: Request | undefined;
  /** Whether the body is another request's, which was made from it. */
  isTaken?: boolean;
  /** The stream of the body, as far as there is one: to look makes one of a body that is whole. */
  stream?: ReadableStream | undefined;
  /** The message of the engine's that has the body, where that is not the message itself. */
  holder?: Message;
}

/** Bytes up to so many are remembered; of more the engine's own copy is read when they are sent. */
const COPIED_BYTES = 64 * 1024;

const NONE: Made = { kind: "none" };
const WHOLE: Made = { kind: "whole" };
const STREAM: Made = { kind: "stream" };

const all = new WeakMap<Message, Known>();

const EngineRequest = Request;
const { ArrayBuffer, ReadableStream, Uint8Array } = globalThis;

/** The streams of bodies that are whole: middleware makes a message anew of the body of another. */
const ofWhole = new WeakSet<ReadableStream>();

/** What `message` was made of. One that the engine made by itself is told by its stream. */
export function madeOf(message: Message): Made {
  return all.get(message)?.made ?? (message.body === null ? NONE : STREAM);
}

export function* origins(request: Request): Iterable<Request> {
  for (let at: Request | undefined = request; at !== undefined; at = all.get(at)?.from) yield at;
}

export function askedFor<Key extends keyof Asked>(
  request: Request,
  key: Key,
): Asked[Key] | undefined {
  for (const origin of origins(request)) {
    const value = all.get(origin)?.asked?.[key];
    if (value !== undefined) return value;
  }
  return undefined;
}

/** Whether a reader holds the body of `message`. No stream is made of a body that nobody looked at. */
export function isLocked(message: Message): boolean {
  const known = all.get(message);
  const isStream = known === undefined || known.made === STREAM;
  return (isStream ? message.body : known.stream)?.locked === true;
}

/** The request that `init` is, which has what it asks for as attributes of its class. */
export function requestOf(init: Asked | undefined): Request | undefined {
  // Nearly all are none, for which to look at classes takes a microsecond.
  return all.has(init as Request) && init instanceof EngineRequest ? init : undefined;
}

/** The message of the engine's that has the body of `message`, and the stream of that, as far as there is one. */
export function bodyOf(message: Message): { holder: Message; stream: ReadableStream | undefined } {
  const known = all.get(message);
  return { holder: known?.holder ?? message, stream: known?.stream };
}

/** Has `holder`, which was made of `stream`, have the body of `message` from here on. */
export function moveBody<Of extends Message>(
  message: Of,
  holder: Of,
  stream: ReadableStream,
): void {
  Object.assign(know(message), { holder, stream });
}

// What follows runs for every message, on an engine that only interprets: there taking an array apart takes ten times
// as long as an index.

/** Has messages be what the Web says, and remembered. */
export function wrapMessages(ways: Ways): void {
  wrapRequest(ways);
  wrapResponse(ways);
  for (const prototype of [Request.prototype, Response.prototype]) {
    wrapBody(prototype);
    if (ways.isDisturbed !== undefined) wrapBodyUsed(prototype, ways.isDisturbed);
  }
  wrapClone(Request.prototype, ways.cloneRequest);
  wrapClone(Response.prototype, ways.cloneResponse);
}

/** A request as the host tells of it, which asks for nothing, and whose parts the host has looked at. */
export function received(url: string, init: RequestInit): Request {
  const request = new EngineRequest(url, init);
  all.set(request, knownBy(init.body));
  return request;
}

function wrapRequest(ways: Ways): void {
  const construct =
    ways.request ?? ((args, to) => Reflect.construct(EngineRequest, args, to) as Request);
  wrap("Request", (args: RequestArguments, to) => {
    const init = args[1];
    const from = args[0] instanceof EngineRequest ? args[0] : undefined;
    const like = requestOf(init);
    const asked = init == null || like !== undefined ? undefined : askedBy(init);
    // Without a body of its own it takes that of the other.
    const giver = init?.body == null ? from : undefined;
    // Before the engine takes the body over, which leaves none to look at.
    const known: Known = giver === undefined ? knownBy(init?.body) : { made: madeOf(giver) };
    const isTaken = giver !== undefined && known.made !== NONE;
    if (isTaken && giver.bodyUsed) throw new TypeError("the request's body was used already");
    if (isTaken && isLocked(giver)) throw new TypeError("the request's body is held by a reader");
    let request: Request;
    try {
      request = construct(args, to, asked);
    } catch (error) {
      throw explained(error, init?.headers);
    }
    if (isTaken) know(giver).isTaken = true;
    known.asked = asked;
    known.from = like ?? from;
    all.set(request, known);
    return request;
  });
}

function wrapResponse(ways: Ways): void {
  const engine = Response;
  const construct =
    ways.response ?? ((args, to) => Reflect.construct(engine, args, to) as Response);
  wrap("Response", (args: ResponseArguments, to) => {
    const body = args[0];
    let response: Response;
    try {
      response = construct(args, to);
    } catch (error) {
      throw explained(error, args[1]?.headers);
    }
    all.set(response, knownBy(body));
    return response;
  });
  define(engine, "json", json);
  wrapStatic(engine, "error", makeImmutable);
  wrapStatic(engine, "redirect", makeImmutable);
}

function wrapStatic(
  engine: typeof Response,
  name: "error" | "redirect",
  then: (response: Response) => void,
): void {
  const make = engine[name] as (...args: unknown[]) => Response;
  define(engine, name, (...args: unknown[]) => {
    const response = make.apply(engine, args);
    then(response);
    return response;
  });
}

const JSON_TYPE = { "content-type": "application/json" };

/** The engine's keeps the text where only a promise reaches it. */
function json(value: unknown, init?: ResponseInit): Response {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`${typeof value} is not JSON`);
  if (init?.headers === undefined) return new own.Response(text, jsonInit(init, JSON_TYPE));
  const headers = new own.Headers(init.headers);
  if (!headers.has("content-type")) headers.set("content-type", "application/json");
  return new own.Response(text, jsonInit(init, headers));
}

/** What the standard reads of `init`, with `headers` in the place of its own. */
function jsonInit(init: ResponseInit | undefined, headers: HeadersInit): ResponseInit {
  if (init == null) return { headers };
  return { status: init.status, statusText: init.statusText, headers } as ResponseInit;
}

function wrapBody(prototype: Message): void {
  defineGetter(prototype, "body", (message, engine) => {
    const known = all.get(message);
    const stream = engine(known?.holder ?? message) as ReadableStream | null;
    if (stream === null || known === undefined) return stream;
    known.stream = stream;
    if (known.made !== STREAM) ofWhole.add(stream);
    return stream;
  });
}

function wrapBodyUsed(prototype: Message, isDisturbed: (stream: ReadableStream) => boolean): void {
  defineGetter(prototype, "bodyUsed", (message, engine) => {
    const known = all.get(message);
    if (known?.isTaken || engine(known?.holder ?? message)) return true;
    const stream = known?.stream ?? (known?.made === STREAM ? message.body : null);
    return stream !== null && isDisturbed(stream);
  });
}

function wrapClone<Of extends Message>(
  prototype: Of,
  cloneByUs: ((message: Of) => Of) | undefined,
): void {
  const clone = cloneByUs ?? callOn(prototype.clone as (this: Of) => Of);
  define(prototype, "clone", function (this: Of) {
    const { body } = this;
    const copy = clone(this);
    const from = this instanceof EngineRequest ? this : undefined;
    all.set(copy, { ...all.get(copy), made: madeOf(this), from });
    copyExtra(this, copy);
    keepImmutable(this, copy);
    if (body !== null) for (const { body: branch } of [this, copy]) branchOf(body, branch!);
    return copy;
  });
}

function callOn<On, Result>(method: (this: On) => Result): (on: On) => Result {
  return (on) => method.call(on);
}

function know(message: Message): Known {
  let known = all.get(message);
  if (known === undefined) all.set(message, (known = { made: madeOf(message) }));
  return known;
}

const ASKED = [
  "cache",
  "credentials",
  "duplex",
  "edge",
  "integrity",
  "keepalive",
  "mode",
  "priority",
  "redirect",
  "referrer",
  "referrerPolicy",
  "signal",
] as const;

/** What `init`, whose members may be those of a class, asks for beside the method, the fields and the body. */
function askedBy(init: Asked): Asked | undefined {
  // Most ask for nothing, and names that are written out are found at once.
  const isNothing =
    init.cache === undefined &&
    init.credentials === undefined &&
    init.duplex === undefined &&
    init.edge === undefined &&
    init.integrity === undefined &&
    init.keepalive === undefined &&
    init.mode === undefined &&
    init.priority === undefined &&
    init.redirect === undefined &&
    init.referrer === undefined &&
    init.referrerPolicy === undefined &&
    init.signal === undefined;
  if (isNothing) return undefined;
  const asked: Record<string, unknown> = {};
  for (const key of ASKED) if (init[key] !== undefined) asked[key] = init[key];
  return asked;
}

/** What is known of a message that is made of `body`. */
function knownBy(body: BodyInit | null | undefined): Known {
  if (body === null || body === undefined) return { made: NONE };
  if (typeof body === "string") return { made: { kind: "bytes", bytes: body } };
  if (body instanceof ReadableStream) {
    const isWhole = ofWhole.has(body) && !hasTrailersDue(body);
    return { made: isWhole ? WHOLE : STREAM, stream: body };
  }
  // Whoever holds the buffer may write to it.
  const view = body instanceof ArrayBuffer ? new Uint8Array(body) : body;
  const isCopied = ArrayBuffer.isView(view) && view.byteLength <= COPIED_BYTES;
  return { made: isCopied ? copied(view) : WHOLE };
}

function copied({ buffer, byteOffset, byteLength }: ArrayBufferView): Made {
  return { kind: "bytes", bytes: new Uint8Array(buffer, byteOffset, byteLength).slice() };
}
