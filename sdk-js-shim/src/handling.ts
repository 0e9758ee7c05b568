import type { Env, ExecutionContext, StoreName, StoreOf } from "./context.js";
import type { BodyError } from "./errors.js";
import { instead } from "./internal/habits.js";
import { stringify } from "./internal/json.js";
import { kindOf } from "./internal/kind.js";
import { own } from "./internal/own.js";
import { Store } from "./kv.js";
import { type Pattern, pathOf, segments } from "./pattern.js";

const { Map, URL } = globalThis;

/** What every handler and middleware of one request shares. */
export class Call {
  readonly env: Env;
  /** The segments of the request's path as they were sent. */
  path: readonly string[] = [];
  readonly #ctx: ExecutionContext | undefined;
  #request!: Request;
  #stores: Map<string, Store> | undefined;

  constructor(request: Request, env: Env = {}, ctx?: ExecutionContext) {
    this.request = request;
    this.env = env;
    this.#ctx = ctx;
  }

  get request(): Request {
    return this.#request;
  }

  set request(request: Request) {
    this.#request = request;
    this.path = segments(pathOf(request.url));
  }

  store(name: string): Store {
    const stores = (this.#stores ??= new Map<string, Store>());
    const store = stores.get(name) ?? new Store(name);
    stores.set(name, store);
    return store;
  }

  get ctx(): ExecutionContext {
    if (this.#ctx === undefined) {
      throw new TypeError("`fetch` was called without its third argument, the context");
    }
    return this.#ctx;
  }
}

/**
 * One request as one handler or middleware sees it: the request, what the host knows of it, and
 * short ways to reply. `Name` are the parameters of the pattern that it was registered at.
 */
export class Context<Name extends string = string> {
  readonly #call: Call;
  readonly #pattern: Pattern;
  readonly #values: readonly string[];
  #url: URL | undefined;

  constructor(call: Call, pattern: Pattern, values: readonly string[]) {
    this.#call = call;
    this.#pattern = pattern;
    this.#values = values;
  }

  /**
   * The request. A middleware may put another in its place: what is behind it sees that one, and is
   * looked for by its method and path. What middleware knows of a request is kept beside it, in a
   * `WeakMap<Request, …>`, say.
   */
  get request(): Request {
    return this.#call.request;
  }

  set request(request: Request) {
    this.#call.request = request;
  }

  /** The request's URL. It is parsed once it is asked for; percent-encoding is left alone. */
  get url(): URL {
    if (this.#url?.href !== this.request.url) {
      this.#url = new URL(this.request.url);
    }
    return this.#url as URL;
  }

  /** The stores that the application is granted, by name. */
  get env(): Env {
    return this.#call.env;
  }

  /**
   * The parameter `name` of the pattern, percent-decoded; `:name` is never empty, `*name` may be.
   * Throws: `TypeError` if the pattern has no such parameter, which does not compile where the
   * compiler knows the pattern.
   */
  param(name: Name): string {
    const value = this.#values[this.#pattern.names.indexOf(name)];
    if (value === undefined) {
      throw new TypeError(`the pattern \`${this.#pattern.text}\` has no parameter \`${name}\``);
    }
    return value;
  }

  /** The first value of `name` in the query, decoded as `application/x-www-form-urlencoded`. */
  query(name: string): string | undefined {
    return this.url.searchParams.get(name) ?? undefined;
  }

  /** The pairs of the query in order, decoded as `application/x-www-form-urlencoded`. */
  queryPairs(): [string, string][] {
    return [...this.url.searchParams];
  }

  /**
   * The store `name`, which its first operation opens; the same for a whole request. A store that
   * `edge.toml` does not grant does not compile, once {@link Env} has stores; its operations reject
   * with `denied`.
   */
  kv<Of extends StoreName>(name: Of): StoreOf<Of> {
    return this.#call.store(name) as StoreOf<Of>;
  }

  /** What the host calls this request in its log; unique to it. */
  get requestId(): string {
    return this.#call.ctx.requestId;
  }

  /**
   * The client's IP address alone; a proxy's word for it only where the application trusts it.
   * `undefined` where the host does not know it.
   */
  get client(): string | undefined {
    return this.#call.ctx.client;
  }

  /** What else the host knows of the request, by OpenTelemetry's names. */
  get attributes(): ReadonlyMap<string, string> {
    return this.#call.ctx.attributes;
  }

  /** Lets work go on after the reply, as {@link ExecutionContext.waitUntil}. */
  waitUntil(work: PromiseLike<unknown>): void {
    this.#call.ctx.waitUntil(work);
  }

  /** Calls `task` once the reply is over, as {@link ExecutionContext.afterReply}. */
  afterReply(task: (error: BodyError | undefined) => unknown): void {
    this.#call.ctx.afterReply(task);
  }

  /**
   * A reply with `text`, as `text/plain; charset=utf-8` unless `init` says another type; a 200
   * unless it says another.
   */
  text(text: string, init?: ResponseInit): Response {
    return reply(text, "text/plain; charset=utf-8", init);
  }

  /**
   * A reply with `value` as `application/json` unless `init` says another type; a 200 unless it
   * says another. A `bigint` is an integer with all its digits; NaN and infinities are `null`.
   * Throws: `TypeError` if the value can't be JSON.
   */
  json(value: unknown, init?: ResponseInit): Response {
    return reply(stringify(value), "application/json", init);
  }
}

const INIT = "the last argument of `c.text` and `c.json` is `{ status, headers }`";
const KEPT = "what a middleware knows of a request is kept in a `WeakMap`, by `c.request`";
const SWAPPED = "`onError` calls its function with the context first, `(c, error)`";

instead(Context, {
  req: "the request is `c.request`, and `c.param(name)` and `c.query(name)` are beside it",
  res: "the reply is what `next()` resolves to",
  status: INIT,
  header: INIT,
  html: '`new Response(html, { headers: { "content-type": "text/html" } })`',
  body: "`new Response(body, { status, headers })`",
  redirect: "`new Response(null, { status: 302, headers: { location } })`",
  notFound: "`new Response(null, { status: 404 })`",
  cookie: 'the field `cookie` is `c.request.headers.get("cookie")`, and a reply has `set-cookie`',
  params: "`c.param(name)`",
  set: KEPT,
  get: KEPT,
  var: KEPT,
  executionCtx: "`c.waitUntil(work)` and `c.afterReply(task)`",
  message: SWAPPED,
  stack: SWAPPED,
});

function reply(body: string, type: string, init?: ResponseInit): Response {
  if (init == null) {
    return new own.Response(body, { headers: { "content-type": type } });
  }
  if (typeof init !== "object") {
    throw new TypeError(`${INIT}, not ${kindOf(init)}`);
  }
  const headers = new own.Headers(init.headers);
  if (!headers.has("content-type")) {
    headers.set("content-type", type);
  }
  // Of a class, as a response is, it has these as attributes, which spreading it would leave out.
  const { status, statusText } = init;
  return new own.Response(body, { status, statusText, headers } as ResponseInit);
}
