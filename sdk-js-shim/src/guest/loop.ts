// The one loop of a component: what waits for the host and what waits for a time, in one blocking `poll`.
//
// The engine runs promise reactions until none is left, and then a task of its own. While the thread is inside of
// `poll` none of its tasks runs, so its timers can't be used beside: a task of its is only ever the next turn here.

import { component } from "#engine";
import { poll, system } from "#host";
import type { poll as wit } from "../generated/edge.js";

interface Waiter {
  pollable: wit.Pollable;
  wake(): void;
}

interface Timer {
  /** On the clock of {@link now}; while the application is being built, counted from its first request. */
  due: number;
  run(): void;
}

/** A call of the host's that this loop has to bring to its end. */
interface Call {
  /** Gives an answer with what there is, where nothing more comes without waiting; false if there is nothing. */
  flush(): boolean;
  /** Ends it with an error. */
  fail(error: Error): void;
}

/** How many promise reactions in a row a call may take before the loop takes a turn to see whether it is stuck. */
const REACTIONS_FIRST = 64;

const { queueMicrotask } = globalThis;

const waiters = new Set<Waiter>();
const timers: Timer[] = [];
let serving = false;
let scheduled = false;
let call: Call | undefined;

/** Whether requests are handled: before that, the application is being built and has no host. */
export function isServing(): boolean {
  return serving;
}

/** Begins to serve, with the first request. Times that were set before count from now. */
export function serve(): void {
  if (serving) return;
  serving = true;
  if (timers.length === 0) return;
  const began = now();
  for (const timer of timers) timer.due += began;
}

/** Milliseconds on a clock that never goes back. */
export function now(): number {
  return isServing() ? Number(system.monotonic()) / 1e6 : 0;
}

/**
 * Settles once `pollable` is ready; it stays the caller's. Rejects with the reason of `signal` where that aborts first.
 */
export function ready(pollable: wit.Pollable, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const waiter = { pollable, wake: () => done(resolve) };
    const aborted = () => done(() => reject(signal?.reason));
    function done(settle: () => void) {
      waiters.delete(waiter);
      signal?.removeEventListener("abort", aborted);
      settle();
    }
    if (signal?.aborted) return aborted();
    // What is ready at once takes no turn, as long as nobody else waits for one.
    if (waiters.size === 0 && timers.length === 0 && pollable.ready()) return done(resolve);
    signal?.addEventListener("abort", aborted);
    waiters.add(waiter);
    schedule();
  });
}

/** Disposes of `pollable`. Who waits for it goes on, and finds what it belongs to gone. */
export function drop(pollable: wit.Pollable): void {
  for (const waiter of waiters) if (waiter.pollable === pollable) waiter.wake();
  pollable[Symbol.dispose]();
}

/** Runs `run` after `delay` milliseconds; what is returned ends the wait. */
export function after(delay: number, run: () => void): () => void {
  const timer = { due: now() + delay, run };
  // Sorted by time, and by age where that is equal: they are few, and most are due after all others.
  let at = timers.length;
  while (at > 0 && timers[at - 1]!.due > timer.due) at--;
  timers.splice(at, 0, timer);
  schedule();
  return () => {
    const index = timers.indexOf(timer);
    if (index >= 0) timers.splice(index, 1);
  };
}

/** Runs the loop until `work` is settled. Rejects where nothing is left that could settle it. */
export function drive<T>(work: Promise<T>, flush: () => boolean = () => false): Promise<T> {
  return new Promise((resolve, reject) => {
    const own: Call = { flush, fail: (error) => end(() => reject(error)) };
    function end(settle: () => void) {
      if (call === own) call = undefined;
      settle();
    }
    call = own;
    work.then(
      (value) => end(() => resolve(value)),
      (error) => end(() => reject(error)),
    );
    watch(own);
  });
}

/** Has a turn look after a call that promise reactions alone do not end. Most of them do, and a task is dear. */
function watch(own: Call): void {
  let left = REACTIONS_FIRST;
  function look(): void {
    if (call !== own) return;
    if (left-- === 0) schedule();
    else queueMicrotask(look);
  }
  look();
}

function schedule(): void {
  if (scheduled || !serving) return;
  scheduled = true;
  component.later(turn);
}

/** One turn: all promise reactions have run, so that nothing goes on without the host. */
function turn(): void {
  scheduled = false;
  if (call?.flush()) return;
  const first = timers[0];
  const wait = waitOf(first);
  if (waiters.size === 0 && first === undefined) return stuck();
  if (waiters.size > 0 || wait! > 0) settle(wait);
  // One timer a turn: the promises that it settles are for the next turn to see, and no pollable waits for all timers.
  if (first !== undefined && first === timers[0] && first.due <= now()) {
    timers.shift();
    first.run();
  }
  schedule();
}

function waitOf(first: Timer | undefined): number | undefined {
  return first === undefined ? undefined : Math.max(0, Math.ceil(first.due - now()));
}

function settle(wait: number | undefined): void {
  const waiting = [...waiters];
  const indices = poll.poll(
    waiting.map((waiter) => waiter.pollable),
    wait === undefined ? undefined : Math.min(wait, 0xffff_ffff),
  );
  for (const index of indices) waiting[index]!.wake();
}

function stuck(): void {
  call?.fail(
    new Error(
      "waits for a promise that nothing can settle: no timer, request or body is under way",
    ),
  );
}
