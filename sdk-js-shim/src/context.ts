import type { BodyError } from "./errors.js";
import type { Store } from "./kv.js";

/**
 * The stores that the application is granted, by name, and nothing else.
 * `edgewit build` adds those of `edge.toml` to it: `declare module "@edgewit/sdk" { interface Env { visits: Store } }`,
 * and as a `ReadOnlyStore` those that have `values` or `env` there.
 */
export interface Env {}

/** The name of a store: one of {@link Env}'s, or any text where that has none. */
export type StoreName = [keyof Env] extends [never] ? string : keyof Env & string;

/** The store `Name` as {@link Env} has it: one of `edge.toml`'s own values is only read. */
export type StoreOf<Name extends StoreName> = Name extends keyof Env ? Env[Name] : Store;

/** What a handler is given beside its request, as the third argument of `fetch(request, env, ctx)`. */
export interface ExecutionContext {
  /** Unique to this request. Source: `edge:sdk/handler#context`. */
  readonly requestId: string;
  /** The client's IP address alone, without port or brackets; absent where the host does not know it. */
  readonly client: string | undefined;
  /** What else the host knows of the request, by OpenTelemetry's names, such as `network.protocol.version`. */
  readonly attributes: ReadonlyMap<string, string>;
  /**
   * Lets work go on after the reply. It is done at the latest when the request ends; the reply waits for it not at all.
   * If `work` rejects, that is one line in the log, of the level `error`.
   */
  waitUntil(work: PromiseLike<unknown>): void;
  /**
   * Calls `task` once the reply is over, with the error that ended it, if one did. Tasks run in the order in which they
   * were given, each once the one before has ended. If one throws, that is one line in the log, of the level `error`.
   * Source: `edge:sdk/handler#after-reply`.
   */
  afterReply(task: (error: BodyError | undefined) => unknown): void;
}

declare global {
  /**
   * What a listener of the event `fetch` is given, by `addEventListener("fetch", …)`. Of what a service worker's has
   * beside this, nothing is there.
   */
  interface FetchEvent extends Event {
    /** The request that is to be answered. */
    readonly request: Request;
    /**
     * Answers the request, once. Throws: `DOMException` with the name `InvalidStateError` the second time.
     * If `response` rejects, that is an empty 500 and one line in the log.
     */
    respondWith(response: Response | PromiseLike<Response>): void;
    /** As {@link ExecutionContext.waitUntil}. */
    waitUntil(work: PromiseLike<unknown>): void;
  }

  // Where a `lib` has a global `addEventListener`, it knows the event by these, …
  interface WindowEventMap {
    fetch: FetchEvent;
  }
  interface DedicatedWorkerGlobalScopeEventMap {
    fetch: FetchEvent;
  }

  // … and this is for where it has none.
  /** Has `listener` answer requests; another module's default export with a `fetch` goes before it. */
  function addEventListener(type: "fetch", listener: FetchListener): void;
  /** Has `listener` answer no more requests. */
  function removeEventListener(type: "fetch", listener: FetchListener): void;
}

/** What answers requests by the event `fetch`. */
export type FetchListener =
  ((event: FetchEvent) => void) | { handleEvent(event: FetchEvent): void };
