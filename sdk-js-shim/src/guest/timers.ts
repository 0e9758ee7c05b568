// The timers of the Web, on the one loop. Those of the engine would not run while it waits for the host.

import { tellEarly } from "./build-time.js";
import { logFailure } from "./failure.js";
import { after, isServing } from "./loop.js";

const running = new Map<number, () => void>();
let last = 0;

/** The global `setTimeout`: `run` is called once, after `delay` milliseconds. */
export function setTimeout(run: unknown, delay?: unknown, ...args: unknown[]): number {
  if (!isServing()) begunAnew("setTimeout()");
  const id = ++last;
  arm(id, run, args, toDelay(delay), false);
  return id;
}

/** The global `setInterval`: `run` is called every `delay` milliseconds, until it is cleared. */
export function setInterval(run: unknown, delay?: unknown, ...args: unknown[]): number {
  if (!isServing()) begunAnew("setInterval()");
  const id = ++last;
  // An interval of 0 would leave no time for anything else.
  arm(id, run, args, Math.max(1, toDelay(delay)), true);
  return id;
}

/** The global `clearTimeout` and `clearInterval`. */
export function clear(id?: unknown): void {
  const stop = running.get(Number(id));
  running.delete(Number(id));
  stop?.();
}

/** `AbortSignal.timeout`. */
export function timeout(milliseconds: number): AbortSignal {
  const delay = Math.trunc(milliseconds);
  if (!(delay >= 0 && delay <= Number.MAX_SAFE_INTEGER)) {
    throw new TypeError(`a time is 0 to ${Number.MAX_SAFE_INTEGER} ms, not ${milliseconds}`);
  }
  if (!isServing()) begunAnew("AbortSignal.timeout()");
  const controller = new AbortController();
  const reason = () => new DOMException(`${milliseconds} ms have passed`, "TimeoutError");
  after(delay, () => controller.abort(reason()));
  return controller.signal;
}

/** No time passes at the top level: what it leaves waiting is a part of what each request begins with. */
function begunAnew(name: string): void {
  tellEarly(`${name} at the top level counts anew in every request, and ends with it`, 2);
}

function arm(id: number, run: unknown, args: unknown[], delay: number, again: boolean): void {
  if (typeof run !== "function") throw new TypeError("a timer takes a function");
  const stop = after(delay, () => {
    running.delete(id);
    if (again) arm(id, run, args, delay, true);
    // What it throws ends no request: nobody called it who could catch it.
    try {
      run(...args);
    } catch (error) {
      logFailure("a timer", error);
    }
  });
  running.set(id, stop);
}

/** As the Web reads it: what is no number is 0, and so is what does not fit into 31 bits. */
function toDelay(delay: unknown): number {
  const milliseconds = Number(delay);
  return milliseconds > 0 && milliseconds < 2 ** 31 ? milliseconds : 0;
}
