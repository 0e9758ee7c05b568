// What an application exports or listens with, as one function.

import type { ExecutionContext } from "../context.js";

/** What answers a request. */
export type Handler = (request: Request, env: object, ctx: ExecutionContext) => unknown;

/** What a listener of the event `fetch` is given. */
class FetchEvent extends Event {
  readonly request: Request;
  readonly #ctx: ExecutionContext;
  #answer: unknown;
  #isAnswered = false;

  constructor(request: Request, ctx: ExecutionContext) {
    super("fetch");
    this.request = request;
    this.#ctx = ctx;
  }

  /** Answers the request, once. */
  respondWith(response: Response | PromiseLike<Response>): void {
    if (this.#isAnswered) {
      throw new DOMException("respondWith was called already", "InvalidStateError");
    }
    this.#isAnswered = true;
    this.#answer = response;
  }

  waitUntil(work: PromiseLike<unknown>): void {
    this.#ctx.waitUntil(work);
  }

  /** @internal */
  answer(): unknown {
    if (!this.#isAnswered) throw new TypeError("no listener of `fetch` called respondWith");
    return this.#answer;
  }
}

type Listener = ((event: FetchEvent) => void) | { handleEvent(event: FetchEvent): void };

const listeners: Listener[] = [];

/** The global `addEventListener`: that of the engine, and beside it the event `fetch`. */
export function listening(engine: typeof addEventListener): typeof addEventListener {
  return (type: string, listener: unknown, options?: unknown) => {
    if (type !== "fetch") return engine(type, listener as EventListener, options as never);
    if (!listeners.includes(listener as Listener)) listeners.push(listener as Listener);
  };
}

/** The global `removeEventListener`, as {@link listening}. */
export function unlistening(engine: typeof removeEventListener): typeof removeEventListener {
  return (type: string, listener: unknown, options?: unknown) => {
    if (type !== "fetch") return engine(type, listener as EventListener, options as never);
    const index = listeners.indexOf(listener as Listener);
    if (index >= 0) listeners.splice(index, 1);
  };
}

/** The one function that an application is. Throws if its module exports none and none listens. */
export function toHandler(module: { default?: unknown }): Handler {
  const app = module.default as { fetch?: Handler } | null | undefined;
  if (typeof app?.fetch === "function") {
    // Looked up for each request, as a test may replace it, and called on its object.
    return (request, env, ctx) => app.fetch!(request, env, ctx);
  }
  if (listeners.length > 0) return dispatch;
  const exported = app === undefined ? "has no default export" : "exports no object with `fetch`";
  throw new TypeError(
    `the application ${exported} and listens to no event \`fetch\`: it needs \`export default { fetch(request) { … } }\``,
  );
}

function dispatch(request: Request, _env: object, ctx: ExecutionContext): unknown {
  const event = new FetchEvent(request, ctx);
  for (const listener of listeners) {
    if (typeof listener === "function") listener(event);
    else listener.handleEvent(event);
  }
  return event.answer();
}
