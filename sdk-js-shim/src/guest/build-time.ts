// Time and randomness while an application is built, when there is no host to ask.
//
// The top level of an application runs then, and what it leaves is the state that every request begins with. Libraries
// ask for a number there to try something out or to seed something, which must not end the build; what the engine gives
// to requests is its own, seeded anew for each of them.

import { component } from "#engine";
import { define, defineGetter } from "../internal/define.js";
import { isServing, now as clock } from "./loop.js";

/** The build puts its own digits here, which follow from the application: equal sources give equal components. */
const SEED = "edgewit-seed-9e3779b9";
let state = Number.parseInt(SEED.slice(-8), 16) || 1;

/** A number of 32 bits, by Marsaglia's xorshift: not fit for anything that must not be guessed. */
function next(): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return state >>> 0;
}

/** What is told once, and by what: an application's own `console.warn` may ask for the time itself. */
const told = new Set<string>();
const building = console;

/**
 * Tells whoever builds, once for each place, what comes of something at the top level. `callers` are the functions of
 * the SDK's between here and who asked.
 */
export function tellEarly(what: string, callers: number): void {
  const frame = new Error().stack!.split("\n")[2 + callers] ?? "";
  const [place] = /[^\s()]+:\d+/.exec(frame) ?? [];
  const where = place === undefined ? "" : `${place}: `;
  if (told.has(where + what)) return;
  told.add(where + what);
  building.log(where + what);
}

/** What all requests share is no secret, no identifier and no time. */
function early<T>(name: string, value: T, callers = 1): T {
  tellEarly(`${name} at the top level gives every request the same value`, callers + 1);
  return value;
}

/** Whether there are random values for an array: one of integers, of 64 KiB at most. */
function isTaken(array: unknown): boolean {
  if (!ArrayBuffer.isView(array) || array.byteLength > 65_536) return false;
  return !/Float|DataView/.test(Object.prototype.toString.call(array));
}

function fill<T extends ArrayBufferView>(view: T): T {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  for (let at = 0; at < bytes.length; at++) bytes[at] = next();
  return view;
}

function uuid(): `${string}-${string}-${string}-${string}-${string}` {
  const bytes = fill(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

let origin: number | undefined;

/** Milliseconds since a request first asked; an engine's own may count from whenever the build had it run. */
function elapsed(): number {
  const time = clock();
  origin ??= time;
  return time - origin;
}

/** Has the engine's own sources answer once requests are handled, and these before. */
export function installBuildTime(): void {
  const { random } = Math;
  Math.random = () => (isServing() ? random() : early("Math.random()", next() / 2 ** 32));
  const { getRandomValues, randomUUID } = Crypto.prototype;
  Crypto.prototype.getRandomValues = function <T extends ArrayBufferView>(array: T): T {
    // What it does not take is the same error at any time.
    if (isServing() || !isTaken(array)) return getRandomValues.call(this, array as never) as T;
    return early("crypto.getRandomValues()", fill(array));
  };
  Crypto.prototype.randomUUID = function () {
    return isServing() ? randomUUID.call(this) : early("crypto.randomUUID()", uuid());
  };
  component.beforeKeys(refuseKey);
  // On the object itself, where an engine may have them too.
  define(performance, "now", () => (isServing() ? elapsed() : early("performance.now()", 0)));
  defineGetter(performance, "timeOrigin", () =>
    isServing() ? Date.now() - elapsed() : early("performance.timeOrigin", 0, 2),
  );
  watchDate();
}

/** A source of randomness that a key brings with it would be in one state where each request begins. */
function refuseKey(algorithm: string): void {
  if (isServing()) return;
  const what = `crypto.subtle.importKey of a key for ${algorithm}`;
  throw new TypeError(`${what} can only be used while a request is handled`);
}

/** While an application is built its clock stands at one time, which is that of no request. */
function watchDate(): void {
  const engine = Date;
  const { now } = engine;
  const watched = new Proxy(engine, {
    apply: () => (isServing() ? engine() : early("Date()", engine())),
    construct(_, args, to) {
      const date = Reflect.construct(engine, args, to) as Date;
      return isServing() || args.length > 0 ? date : early("new Date()", date);
    },
  });
  define(engine, "now", () => (isServing() ? now() : early("Date.now()", now())));
  define(engine.prototype, "constructor", watched);
  define(globalThis, "Date", watched);
}
