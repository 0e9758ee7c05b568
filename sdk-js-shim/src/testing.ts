// What a test under Node has of a host. Importing this changes nothing: the functions do.

import { callInProcess, type Fetch } from "./internal/call.js";
import type { Env, StoreName } from "./context.js";
import { FetchError } from "./errors.js";
import * as host from "./host/memory.js";
import { Store } from "./kv.js";

export type { LogLine } from "./host/memory.js";
export { takeLog } from "./host/memory.js";

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
  const granted: Record<string, FixedStores[string] | undefined> = {};
  for (const grant of stores) {
    Object.assign(granted, typeof grant === "string" ? { [grant]: undefined } : grant);
  }
  host.grant(granted);
  return Object.fromEntries(Object.keys(granted).map((name) => [name, new Store(name)])) as Env;
}

/**
 * Has `answer` stand for all other servers: the global `fetch` asks it, and follows no redirect of
 * its. A request that it does not answer is `denied`, and so is each before the first call. `fetch`
 * rejects with a `TypeError` whose `cause` is the {@link FetchError} that `answer` threw, with any
 * other error as it is, and with the reason of the request's signal once that has aborted.
 */
export function onFetch(answer: Server): void {
  install();
  server = answer;
}

/**
 * Calls an application in process, as a host would; `app` is what its module exports. As
 * `app.request(…)` of a router.
 */
export function request(
  app: { fetch: Fetch },
  input: string | URL | Request,
  init?: RequestInit,
  env?: Env,
): Promise<Response> {
  return callInProcess((...call) => app.fetch(...call), input, init, env);
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

/** From here on nothing leads out. */
function install(): void {
  globalThis.fetch = scripted;
}

async function scripted(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const request = new Request(input, init);
  const { signal, url } = request;
  signal.throwIfAborted();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  const response = await Promise.race([answered(request), aborted]);
  return Object.defineProperty(response, "url", { value: url });
}

async function answered(request: Request): Promise<Response> {
  try {
    const response = await server?.(request);
    if (response === undefined) {
      throw new FetchError({ tag: "denied" });
    }
    return response;
  } catch (error) {
    throw error instanceof FetchError ? new TypeError(error.message, { cause: error }) : error;
  }
}
