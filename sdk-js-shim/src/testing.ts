// What a test under Node has of a host. Importing this changes nothing: the functions do.

import { alone, install as installGlobals } from "#guest";
import type { Env, StoreName } from "./context.js";
import { FetchError, fetchFailed } from "./errors.js";
import { Listeners } from "./guest/application.js";
import * as host from "./host/memory.js";
import { callInProcess, type Fetch } from "./internal/call.js";
import { define } from "./internal/define.js";
import { envOf } from "./internal/granted.js";
import { makeImmutable } from "./internal/immutable.js";
import { kindOf } from "./internal/kind.js";
import { toReturned } from "./internal/returned.js";
import { Store } from "./kv.js";
import { extra } from "./message.js";

export type { LogLine } from "./host/memory.js";
export { takeLog } from "./host/memory.js";

/** An application: what its module exports by default, one of Hono's included. */
export interface Application {
  fetch: Fetch;
}

/**
 * Answers instead of the other servers, once; `undefined` is for one that the application is not
 * granted. It may throw a {@link FetchError}.
 */
export type Server = (request: Request) => Response | undefined | Promise<Response | undefined>;

/** Read-only stores, by their names, of values by their keys: what `edge.toml` gives `values`. */
export type FixedStores = Readonly<Record<string, Readonly<Record<string, string>>>>;

let server: Server | undefined;

/**
 * Grants stores and gives an `env` of them: an empty one for each name, and read-only ones for an
 * object's values. Those granted before are gone, and any other is `denied`, to `c.kv(name)` too.
 *
 * ```ts
 * const env = testEnv("visits", { settings: { greeting: "hello" } });
 * const reply = await app.request("/hello/ada", {}, env);
 * ```
 */
export function testEnv(...stores: (StoreName | FixedStores)[]): Env {
  install();
  const granted = new Map<string, FixedStores[string] | undefined>();
  for (const grant of stores) {
    if (typeof grant === "string") granted.set(grant, undefined);
    else for (const [name, values] of Object.entries(grant)) granted.set(name, values);
  }
  host.grant(granted);
  return envOf([...granted.keys()], (name) => new Store(name)) as Env;
}

/**
 * Has `answer` stand for all other servers: the global `fetch` asks it, and follows no redirect of
 * its. A request that it does not answer is `denied`, and so is each before the first call. `fetch`
 * rejects with a `TypeError` whose `cause` is the {@link FetchError} that `answer` threw, with any
 * other error as it is, and with the reason of the request's signal once that has aborted.
 */
export function onFetch(answer: Server): void {
  checkFunction("`onFetch` takes a function that answers a request", answer);
  install();
  server = answer;
}

/**
 * Calls an application in process, as a host would. As `app.request(…)` of a router.
 *
 * ```ts
 * const reply = await request(app, "/hello/ada", { method: "POST", body: "…" }, env);
 * ```
 */
export async function request(
  app: Application,
  input: string | URL | Request,
  init?: RequestInit,
  env?: Env,
): Promise<Response> {
  checkFunction("`request` takes an application first, whose `fetch` is a function", app?.fetch);
  return callInProcess((...call) => app.fetch(...call), input, init, env);
}

/**
 * Imports an application that answers by `addEventListener("fetch", …)`, which is there while `load` runs, and gives it
 * as one that {@link request} calls. A module runs once in a process, so each is imported by one such call. A call
 * waits for those before it.
 *
 * ```ts
 * const app = await listener(() => import("../src/main.js"));
 * const reply = await request(app, "/hello/ada");
 * ```
 * Rejects: `TypeError` if nothing was added to listen, or if `load` calls it itself; with what `load` rejects with.
 */
export async function listener(load: () => Promise<unknown>): Promise<Application> {
  const app = loaded.then(alone(() => listening(load)));
  loaded = app.catch(() => {});
  return app;
}

/** Settles with the last call of {@link listener}: what two load at once would listen with each other's global. */
let loaded: Promise<unknown> = Promise.resolve();

async function listening(load: () => Promise<unknown>): Promise<Application> {
  const listeners = new Listeners();
  const names = ["addEventListener", "removeEventListener"] as const;
  const before = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
  define(globalThis, names[0], listeners.adding(globalThis.addEventListener));
  define(globalThis, names[1], listeners.removing(globalThis.removeEventListener));
  try {
    await load();
  } finally {
    for (const [index, name] of names.entries()) {
      const own = before[index];
      if (own === undefined) Reflect.deleteProperty(globalThis, name);
      else Object.defineProperty(globalThis, name, own);
    }
  }
  if (listeners.isEmpty) {
    throw new TypeError("no listener of `fetch` was added; was the module imported before?");
  }
  return { fetch: listeners.dispatch as Fetch };
}

/**
 * Turns the clock of the stores on by so many milliseconds, so that lifetimes end. Fake timers turn
 * it as well.
 */
export function advance(ms: number): void {
  host.advance(ms);
}

/**
 * Forgets the stores, the log and the server, and sets the clock right: for each test to begin
 * with.
 */
export function reset(): void {
  install();
  host.reset();
  server = undefined;
}

/** From here on nothing leads out, and the globals are those of a component. */
function install(): void {
  installGlobals();
  globalThis.fetch = scripted;
}

async function scripted(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  // Nothing of who asked is left of the stack by when it is known that nobody answers.
  const asked = new Error();
  const request = new Request(input, init);
  const { signal, url } = request;
  signal.throwIfAborted();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  // Node does not go on for the sake of a signal's timeout.
  const going = init?.signal == null ? undefined : setInterval(() => {}, 2 ** 30);
  const response = await Promise.race([answered(request, asked), aborted]).finally(() => {
    clearInterval(going);
  });
  makeImmutable(response);
  extra(response).uri = url.split("#", 1)[0]!;
  return response;
}

async function answered(request: Request, asked: Error): Promise<Response> {
  try {
    // As a host does, which asks nobody.
    if (!/^https?:/.test(request.url)) {
      throw new FetchError({ tag: "invalid-request", val: "the scheme is neither http nor https" });
    }
    const response = await server?.(request);
    if (response === undefined) {
      throw new FetchError({ tag: "denied" });
    }
    return toReturned(response, "the function of `onFetch`");
  } catch (error) {
    if (!(error instanceof FetchError)) throw error;
    const failed = fetchFailed(request.url, error);
    const [, ...frames] = (asked.stack ?? "").split("\n");
    // The first one is `fetch` itself.
    failed.stack = [String(failed), ...frames.slice(1)].join("\n");
    throw failed;
  }
}

/** For whoever writes JavaScript, whom no compiler tells. */
function checkFunction(what: string, given: unknown): void {
  if (typeof given !== "function") throw new TypeError(`${what}, not ${kindOf(given)}`);
}
