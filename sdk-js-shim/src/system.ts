import { logging, system } from "#host";

/** Nanoseconds since 1970 in UTC. `Date.now()` is the same in milliseconds. Source: `edge:sdk/system#now`. */
export function now(): bigint {
  return system.now();
}

/** Nanoseconds from an arbitrary start; never backwards. Source: `edge:sdk/system#monotonic`. */
export function monotonic(): bigint {
  return system.monotonic();
}

/**
 * `length` bytes fit for cryptography, at most 65536: more is a trap. `crypto.getRandomValues` fills an array of one's
 * own. Source: `edge:sdk/system#random`.
 */
export function random(length: number): Uint8Array {
  return system.random(length);
}

/**
 * Ends the request as a trap, with `reason` in its line of the log: for what must not go on. An exception is the way for
 * all else: it ends the request as well, and can be caught. Source: `edge:sdk/logging#abort`.
 */
export function abort(reason: string): never {
  logging.abort(reason.toWellFormed());
  throw new Error("unreachable");
}
