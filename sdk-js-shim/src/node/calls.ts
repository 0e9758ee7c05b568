// Which work belongs to an application that is called in process, beside a test's own.

// @ts-expect-error the types of Node are not those of a component
import { AsyncLocalStorage } from "node:async_hooks";

interface Storage {
  run<T>(call: object | undefined, run: () => T): T;
  getStore(): object | undefined;
}

const calls: Storage = new AsyncLocalStorage();
const loads: Storage = new AsyncLocalStorage();

/** Has `run`, and what it begins, be a part of a call, or of none. */
export function inCallOf<T>(call: object | undefined, run: () => T): T {
  return calls.run(call, run);
}

/** `load` as what an application is imported by. Throws within another one: that waits for it, and it for that. */
export function alone<T>(load: () => T): () => T {
  if (loads.getStore() !== undefined) {
    throw new TypeError(
      "`listener` was called by what another `listener` loads: each would wait for the other",
    );
  }
  return () => loads.run({}, load);
}

/** The call that what runs now is a part of. */
export function callNow(): object | undefined {
  return calls.getStore();
}
