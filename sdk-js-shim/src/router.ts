import { callInProcess } from "./internal/call.js";
import { instead } from "./internal/habits.js";
import { changeable } from "./internal/immutable.js";
import { own } from "./internal/own.js";
import { isResponse, noResponse } from "./internal/returned.js";
import type { Env, ExecutionContext } from "./context.js";
import { EdgewitError } from "./errors.js";
import { Call, Context } from "./handling.js";
import { decode, decodeLossy, join, type ParamName, Pattern, type PatternOf } from "./pattern.js";

export type { Context, ParamName, PatternOf };

const { Map, Set } = globalThis;

/** Answers a request. */
export type Handler<Path extends string = string> = (
  c: Context<ParamName<Path>>,
) => Response | Promise<Response>;

/**
 * Runs what is behind a middleware. The fields of its response can be changed, also where a handler
 * returned a fetched one. Rejects: `EdgewitError` with the code `next-twice` the second time.
 */
export type Next = () => Promise<Response>;

/** Stands around what is behind it. */
export type Middleware<Path extends string = string> = (
  c: Context<ParamName<Path>>,
  next: Next,
) => Response | Promise<Response>;

/** Answers what was thrown. */
export type ErrorHandler = (c: Context<never>, error: unknown) => Response | Promise<Response>;

/** What a method has at a pattern, which each may write with names of its own. */
interface Endpoint {
  pattern: Pattern;
  handler: (c: Context) => Response | Promise<Response>;
}

/** The handlers of one pattern, by method; that of `undefined` is for every other. */
interface Route {
  pattern: Pattern;
  endpoints: Map<string | undefined, Endpoint>;
}

interface Layer {
  pattern: Pattern;
  middleware: (c: Context, next: Next) => Response | Promise<Response>;
}

/**
 * Sends a request to the handler of the best pattern that matches its path. `App` is the same, at
 * the top of a program: what a module exports as its default.
 *
 * A pattern is segments of literal text, `:name`, or a last `*name`; a name is letters, digits, `_`
 * and `-`. Literal text beats a parameter beats the rest, segment by segment, whatever the order of
 * registration. A pattern counts if it has a handler for the method: its own, for HEAD also GET's,
 * then that of {@link Router.all}. A match under another method only is a 405 with `allow`, no
 * match a 404. `:name` never matches an empty segment, and a trailing slash is a different path:
 * `/files/*path` matches `/files/`, with an empty rest, and what is below, and not `/files`.
 * Literals are percent-encoded before they are compared; parameters are percent-decoded afterwards,
 * and one that is not UTF-8 then is a 400.
 *
 * The methods that register a handler change the router, return it, and throw: a `TypeError` if the
 * pattern is malformed or what it is to have is not one function, an {@link EdgewitError} with the
 * code `duplicate-route` if it has a handler for the method already, by whatever parameter names.
 *
 * ```ts
 * export default new App().get("/hello/:name", async (c) => {
 *   const visits = await c.kv("visits").increment(c.param("name"), 1n);
 *   return c.text(`hello ${c.param("name")}, visit ${visits}`);
 * });
 * ```
 */
export class Router {
  /** The best patterns first, so that the first one that matches is it. */
  readonly #routes: Route[] = [];
  /** Outermost first. */
  readonly #layers: Layer[] = [];
  #notFound: Handler<"/"> | undefined;
  #onError: ErrorHandler | undefined;

  /**
   * Registers a handler for GET requests to `pattern`, and for HEAD requests where it has none of
   * its own.
   */
  get<Path extends string>(pattern: PatternOf<Path>, handler: Handler<Path>, ...more: []): this {
    return this.route("GET", pattern, handler, ...more);
  }

  /** Registers a handler for POST requests to `pattern`. */
  post<Path extends string>(pattern: PatternOf<Path>, handler: Handler<Path>, ...more: []): this {
    return this.route("POST", pattern, handler, ...more);
  }

  /** Registers a handler for PUT requests to `pattern`. */
  put<Path extends string>(pattern: PatternOf<Path>, handler: Handler<Path>, ...more: []): this {
    return this.route("PUT", pattern, handler, ...more);
  }

  /** Registers a handler for PATCH requests to `pattern`. */
  patch<Path extends string>(pattern: PatternOf<Path>, handler: Handler<Path>, ...more: []): this {
    return this.route("PATCH", pattern, handler, ...more);
  }

  /** Registers a handler for DELETE requests to `pattern`. */
  delete<Path extends string>(pattern: PatternOf<Path>, handler: Handler<Path>, ...more: []): this {
    return this.route("DELETE", pattern, handler, ...more);
  }

  /** Registers a handler for HEAD requests to `pattern`. */
  head<Path extends string>(pattern: PatternOf<Path>, handler: Handler<Path>, ...more: []): this {
    return this.route("HEAD", pattern, handler, ...more);
  }

  /** Registers a handler for OPTIONS requests to `pattern`. */
  options<Path extends string>(
    pattern: PatternOf<Path>,
    handler: Handler<Path>,
    ...more: []
  ): this {
    return this.route("OPTIONS", pattern, handler, ...more);
  }

  /**
   * Registers a handler for requests to `pattern` of every method that has no handler of its own
   * there.
   */
  all<Path extends string>(pattern: PatternOf<Path>, handler: Handler<Path>, ...more: []): this {
    return this.route(undefined, pattern, handler, ...more);
  }

  /**
   * Registers a handler for requests of `method`, or with `undefined` of every other method, to
   * `pattern`.
   */
  route<Path extends string>(
    method: string | undefined,
    pattern: PatternOf<Path>,
    handler: Handler<Path>,
    ...more: []
  ): this {
    if ((pattern as unknown) instanceof Router) {
      throw new TypeError("`route` takes a method: `mount(prefix, router)` adds a router");
    }
    const parsed = new Pattern(pattern);
    checkFunctions(parsed, "handler", handler, more);
    this.#add(method, { pattern: parsed, handler });
    return this;
  }

  /**
   * Puts a middleware around everything that `pattern` covers: what it matches and, with a last
   * `*name`, the path before that too, so that `/admin/*rest` covers `/admin`. It stands around the
   * 404 and 405 answers as well.
   *
   * Middlewares form an onion in the order of registration, the first outermost. `next()` resolves
   * to what comes from inside, and rejects with what was thrown there; a middleware that does not
   * call it answers by itself. Its parameters are those of its own pattern, with U+FFFD for what is
   * not UTF-8.
   *
   * ```ts
   * app.wrap("/*path", async (c, next) => {
   *   const reply = await next();
   *   reply.headers.set("x-request-id", c.requestId);
   *   return reply;
   * });
   * ```
   */
  wrap<Path extends string>(
    pattern: PatternOf<Path>,
    middleware: Middleware<Path>,
    ...more: []
  ): this {
    const parsed = new Pattern(pattern);
    checkFunctions(parsed, "middleware", middleware, more);
    this.#layers.push({ pattern: parsed, middleware });
    return this;
  }

  /**
   * Adds what `router` has by now, its middlewares included, below `prefix`; its `/` is the prefix
   * itself. Its middlewares stand where `mount` does in the order of registration. Its `notFound`
   * and `onError` are left out: those are the top router's. A request keeps its whole path.
   * Throws: `TypeError` also if the prefix has a `*name` or ends with `/` (unless it is `/`).
   */
  mount(prefix: string, router: Router): this {
    if (!((router as unknown) instanceof Router)) {
      throw new TypeError(
        "`mount` takes a prefix and a router of this package; a handler, such as that of `/api/*rest`, calls the " +
          "`fetch` of another application",
      );
    }
    const { text } = new Pattern(prefix);
    if (text.includes("/*") || (text.length > 1 && text.endsWith("/"))) {
      throw new TypeError(`malformed prefix \`${text}\`: it has a \`*name\` or ends with \`/\``);
    }
    const below = (pattern: Pattern) => new Pattern(join(text, pattern.text));
    const layers = router.#layers.map((layer) => ({ ...layer, pattern: below(layer.pattern) }));
    const endpoints = router.#routes.flatMap((route) => [...route.endpoints]);
    this.#layers.push(...layers);
    for (const [method, endpoint] of endpoints) {
      this.#add(method, { ...endpoint, pattern: below(endpoint.pattern) });
    }
    return this;
  }

  /**
   * Answers what no pattern matches, instead of the empty 404. The status of the reply is the
   * handler's to set. A path that has handlers for other methods stays a 405.
   */
  notFound(handler: Handler<"/">): this {
    this.#notFound = handler;
    return this;
  }

  /**
   * Answers what a handler or the outermost middleware threw, instead of the empty 500 and its line
   * in the log. It stands outside of all middleware: none of them sees its reply, and a field that
   * each reply is to have is to be set here as well. What this throws itself, the error handed on
   * included, is an empty 500 and a line.
   */
  onError(handler: ErrorHandler): this {
    this.#onError = handler;
    return this;
  }

  /**
   * Answers a request: what a host calls. It needs no `this`.
   * Rejects: with what was thrown and {@link Router.onError} did not answer; the host makes an
   * empty 500 of it.
   */
  readonly fetch = async (
    request: Request,
    env?: Env,
    ctx?: ExecutionContext,
  ): Promise<Response> => {
    const call = new Call(request, env, ctx);
    try {
      return await this.#run(call, 0);
    } catch (error) {
      if (this.#onError === undefined) {
        throw error;
      }
      return answered(await this.#onError(new Context(call, ROOT, []), error), "`onError`");
    }
  };

  /**
   * Calls this application in process, as a host would, in a test under Node: `input` is a URL, or
   * a path on `http://localhost`. What is thrown is an empty 500 and a line of the log; what it
   * prints by `console` are lines as well. Work handed to `waitUntil` and `afterReply` is done once
   * the body was read to its end or cancelled, and before the call resolves where there is no body.
   * From the first call on the globals are those of a component, as far as Node has not the same.
   */
  request(input: string | URL | Request, init?: RequestInit, env?: Env): Promise<Response> {
    return callInProcess(this.fetch, input, init, env);
  }

  #add(method: string | undefined, endpoint: Endpoint): void {
    const { pattern } = endpoint;
    const route = this.#routes.find((other) => other.pattern.key === pattern.key);
    if (route === undefined) {
      const place = this.#routes.findIndex((other) => other.pattern.order > pattern.order);
      const created = { pattern, endpoints: new Map([[method, endpoint]]) };
      this.#routes.splice(place < 0 ? this.#routes.length : place, 0, created);
      return;
    }
    const twin = route.endpoints.get(method);
    if (twin !== undefined) {
      const which = `${method ?? "all methods"} ${pattern.text} beside ${twin.pattern.text}`;
      throw new EdgewitError("duplicate-route", `duplicate route: ${which}`);
    }
    route.endpoints.set(method, endpoint);
  }

  // What follows runs for every request, on an engine that only interprets: there iterating and
  // destructuring an array take ten times as long as an index.

  /** What is behind the first layers, so many. */
  async #run(call: Call, layers: number): Promise<Response> {
    let index = layers;
    while (this.#layers[index]?.pattern.covers(call.path) === false) {
      index++;
    }
    const layer = this.#layers[index];
    if (layer !== undefined) {
      return this.#through(layer, call, index + 1);
    }
    const endpoint = this.#find(call);
    if (endpoint === undefined) {
      return this.#noHandler(call);
    }
    const { pattern, handler } = endpoint;
    const values = pattern.values(call.path, decode);
    if (values === undefined) {
      return new own.Response(null, { status: 400 });
    }
    return answered(await handler(new Context(call, pattern, values)), "handler", pattern);
  }

  async #through({ pattern, middleware }: Layer, call: Call, layers: number): Promise<Response> {
    let called = false;
    const next = async () => {
      if (called) {
        const text = `the middleware of \`${pattern.text}\` called \`next\` twice`;
        throw new EdgewitError("next-twice", text);
      }
      called = true;
      return changeable(await this.#run(call, layers));
    };
    // A middleware does not decide what is found: a parameter that is not text is the route's 400.
    const values = pattern.values(call.path, decodeLossy) ?? [];
    return answered(
      await middleware(new Context(call, pattern, values), next),
      "middleware",
      pattern,
    );
  }

  #find({ request: { method }, path }: Call): Endpoint | undefined {
    for (let index = 0; index < this.#routes.length; index++) {
      const { pattern, endpoints } = this.#routes[index] as Route;
      if (pattern.matches(path)) {
        const inherited = method === "HEAD" ? endpoints.get("GET") : undefined;
        const endpoint = endpoints.get(method) ?? inherited ?? endpoints.get(undefined);
        if (endpoint !== undefined) {
          return endpoint;
        }
      }
    }
    return undefined;
  }

  /** The 405, if the path has handlers for other methods, else the 404. */
  async #noHandler(call: Call): Promise<Response> {
    const matching = this.#routes.filter(({ pattern }) => pattern.matches(call.path));
    const allow = new Set(matching.flatMap(({ endpoints }) => [...endpoints.keys()]));
    if (allow.size > 0) {
      const methods = allow.has("GET") ? allow.add("HEAD") : allow;
      return new own.Response(null, {
        status: 405,
        headers: { allow: [...methods].sort().join(", ") },
      });
    }
    return this.#notFound === undefined
      ? new own.Response(null, { status: 404 })
      : answered(await this.#notFound(new Context(call, ROOT, [])), "`notFound`");
  }
}

export { Router as App };

instead(Router, {
  use: "`wrap(pattern, middleware)`, with `/*rest` for every path",
  on: "`route(method, pattern, handler)`",
  basePath: "`mount(prefix, router)`, on a router above",
  listen: "a module exports the application as its default, and `edgewit serve` listens",
  fire: "a module exports the application as its default",
});

const ROOT = new Pattern("/");

/** What a pattern has is one function, which no compiler tells whoever writes JavaScript. */
function checkFunctions({ text }: Pattern, what: string, given: unknown, more: unknown[]): void {
  if (typeof given !== "function") {
    throw new TypeError(`the ${what} of \`${text}\` is a function, not ${typeof given}`);
  }
  if (more.length > 0) {
    throw new TypeError(
      `\`${text}\` takes one ${what} at a time: \`wrap(pattern, middleware)\` puts another around it`,
    );
  }
}

/** A forgotten `return` is to be found where it was forgotten. */
function answered(reply: unknown, who: string, { text } = ROOT): Response {
  if (!isResponse(reply)) throw noResponse(reply, `the ${who} of \`${text}\``);
  return reply;
}
