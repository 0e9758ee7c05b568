// `AbortSignal`.

import { define } from "../../internal/define.js";
import type { Lack } from "../lacks.js";

export const lacks: Record<string, Lack> = {
  "AbortSignal.abort without a reason": {
    isThere: () => reasonOf(() => AbortSignal.abort()) instanceof DOMException,
    install() {
      const { abort } = AbortSignal;
      define(AbortSignal, "abort", (reason: unknown = aborted()) =>
        abort.call(AbortSignal, reason),
      );
    },
  },
  // The engine's leaves the exception behind for whatever runs next, the end of the request included.
  "AbortSignal.throwIfAborted": {
    isThere: throwsIfAborted,
    install: () => define(AbortSignal.prototype, "throwIfAborted", throwIfAborted),
  },
  // The engine's has none but what happens to be in its memory.
  "the reason of AbortSignal.any": {
    isThere: () => reasonOf(anyOfOne) === "the reason",
    install: () => define(AbortSignal, "any", any),
  },
};

function throwsIfAborted(): boolean {
  const controller = new AbortController();
  controller.abort(new Error("aborted"));
  let threw = false;
  try {
    controller.signal.throwIfAborted();
  } catch {
    threw = true;
  }
  try {
    throw new Error("in the place of one that was left behind");
  } catch {
    return threw;
  }
}

function throwIfAborted(this: AbortSignal): void {
  if (this.aborted) throw this.reason;
}

function reasonOf(make: () => AbortSignal): unknown {
  try {
    return make().reason;
  } catch {
    return undefined;
  }
}

function anyOfOne(): AbortSignal {
  const controller = new AbortController();
  const signal = AbortSignal.any([controller.signal]);
  controller.abort("the reason");
  return signal;
}

function aborted(): DOMException {
  return new DOMException("the operation was aborted", "AbortError");
}

function any(signals: Iterable<AbortSignal>): AbortSignal {
  const controller = new AbortController();
  const all = [...signals];
  const first = all.find((signal) => signal.aborted);
  if (first !== undefined) {
    controller.abort(first.reason);
    return controller.signal;
  }
  // The first to abort has the others let go of it.
  const done = new AbortController();
  for (const signal of all) {
    const follow = () => {
      done.abort();
      controller.abort(signal.reason);
    };
    signal.addEventListener("abort", follow, { once: true, signal: done.signal });
  }
  return controller.signal;
}
