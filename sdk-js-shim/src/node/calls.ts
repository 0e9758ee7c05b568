// Which work belongs to an application that is called in process, beside a test's own.

// @ts-expect-error the types of Node are not those of a component
import { AsyncLocalStorage } from "node:async_hooks";

interface Storage {
  run<T>(value: boolean, run: () => T): T;
  getStore(): boolean | undefined;
}

const calls: Storage = new AsyncLocalStorage();

/** Has `run`, and what it begins, be a part of a call, or none. */
export function asCall<T>(isCall: boolean, run: () => T): T {
  return calls.run(isCall, run);
}

/** Whether what runs now is a part of a call. */
export function isCall(): boolean {
  return calls.getStore() === true;
}
