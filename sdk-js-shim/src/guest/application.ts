// What an application exports or listens with, as one function.

import type { ExecutionContext, FetchListener } from "../context.js";

/** What answers a request. */
export type Handler = (request: Request, env: object, ctx: ExecutionContext) => unknown;

type Add = typeof addEventListener;
type Remove = typeof removeEventListener;

/** What a listener of the event `fetch` is given. */
class Arrival extends Event {
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

/** The listeners of the event `fetch`, beside those of other events, which are the platform's. */
export class Listeners {
  readonly #all: FetchListener[] = [];

  get isEmpty(): boolean {
    return this.#all.length === 0;
  }

  /** The global `addEventListener`. */
  adding(platform: Add | undefined): Add {
    return (type: string, listener: unknown, options?: unknown) => {
      if (type !== "fetch") platform?.(type, listener as EventListener, options as never);
      else if (!this.#all.includes(listener as FetchListener))
        this.#all.push(listener as FetchListener);
    };
  }

  /** The global `removeEventListener`. */
  removing(platform: Remove | undefined): Remove {
    return (type: string, listener: unknown, options?: unknown) => {
      if (type !== "fetch") return platform?.(type, listener as EventListener, options as never);
      const index = this.#all.indexOf(listener as FetchListener);
      if (index >= 0) this.#all.splice(index, 1);
    };
  }

  /** Has the listeners answer a request. */
  readonly dispatch: Handler = (request, _env, ctx) => {
    const arrival = new Arrival(request, ctx);
    // `lib` has a service worker's event, with members that are not there.
    const event = arrival as Event as FetchEvent;
    for (const listener of this.#all) {
      if (typeof listener === "function") listener(event);
      else listener.handleEvent(event);
    }
    return arrival.answer();
  };
}

/** Those of a component. */
export const listeners = new Listeners();

/** The one function that an application is. Throws if its module exports none and none listens. */
export function toHandler(module: { default?: unknown }): Handler {
  const app = module.default as { fetch?: Handler } | null | undefined;
  if (typeof app?.fetch === "function") {
    // Looked up for each request, as a test may replace it, and called on its object.
    return (request, env, ctx) => app.fetch!(request, env, ctx);
  }
  if (!listeners.isEmpty) return listeners.dispatch;
  const has = typeof app === "function" ? "a function" : "no object with `fetch`";
  const exported = app === undefined ? "has no default export" : `exports ${has}`;
  throw new TypeError(
    `the application ${exported} and listens to no event \`fetch\`: it needs \`export default { fetch(request) { … } }\``,
  );
}
