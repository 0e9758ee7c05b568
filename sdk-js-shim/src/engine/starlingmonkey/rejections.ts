// The promises that were rejected and that nobody handles.
//
// The engine keeps them in a set of its own. Once, where the top level has ended, it walks through that set to print
// them, by the methods that a loop of an application's would call. So the walk can be had, and is never let come to its
// end: it goes on to whatever is added later. Where it can't be had, requests are told of none.
//
// An application may have put anything in the place of those methods: what is called here is what there was at first,
// and nothing is waited for.

import { define } from "../../internal/define.js";
import type { Lack } from "../lacks.js";

type Rejected = Promise<unknown>;
type Piping = Parameters<ReadableStream["pipeTo"]>;

const { apply, defineProperty, deleteProperty } = Reflect;
const { then } = Promise.prototype;
/** What the engine's iterator of a set has. */
const ofSets = Object.getPrototypeOf(new Set().values()) as Iterator<Rejected>;
const { next } = ofSets;

/** The first in the engine's set, which is known by it. Where the top level fails, the engine prints it. */
const first = rejected("edgewit-first");
/** One for each pipe that failed, rejected with the same once the engine has left behind what it does. */
const pipes = new WeakSet<Rejected>();

let walk: Iterator<Rejected> | undefined;

export const lacks: Record<string, Lack> = {
  "a pipe that fails and leaves no rejected promise behind": {
    async isThere() {
      const from = new ReadableStream({ start: (it) => it.enqueue("chunk") });
      const to = new WritableStream({ write: () => rejected("edgewit-pipe") });
      await from.pipeTo(to).catch(() => {});
      let isLeft = false;
      await tellRejections((reason) => (isLeft ||= reason === "edgewit-pipe"));
      return !isLeft;
    },
    install: installPipes,
  },
};

/** Has the walk be had, once the top level has ended. */
export function watchRejections(): void {
  const isDefined = defineProperty(ofSets, Symbol.iterator, { value: begin, configurable: true });
  // It would be printed.
  if (!isDefined) handle(first, () => {});
}

/** Tells what each was rejected with that nobody handles, without those of earlier calls. */
export async function tellRejections(tell: (reason: unknown) => void): Promise<void> {
  let reasons: unknown[] = [];
  for (const rejected of added()) {
    handle(rejected, (reason) => {
      if (pipes.has(rejected)) reasons = reasons.filter((other) => other !== reason);
      else reasons.push(reason);
    });
  }
  // They are rejected already, and so heard before this goes on.
  await undefined;
  for (const reason of reasons) tell(reason);
}

/**
 * Has a pipe that fails leave no promise behind but its own: the engine's leaves those of the writes that failed, which
 * nobody but the engine has.
 */
function installPipes(): void {
  const { pipeTo } = ReadableStream.prototype;
  define(ReadableStream.prototype, "pipeTo", function (this: ReadableStream, ...args: Piping) {
    const failed = (reason: unknown) => {
      // Whoever waits for the pipe itself has not heard of it by now.
      if (walk !== undefined) pipes.add(rejected(reason));
      throw reason;
    };
    return apply(then, apply(pipeTo, this, args), [undefined, failed]);
  });
  define(ReadableStream.prototype, "pipeThrough", pipeThrough);
}

function pipeThrough<T>(
  this: ReadableStream,
  { readable, writable }: ReadableWritablePair<T>,
  options?: StreamPipeOptions,
): ReadableStream<T> {
  if (this.locked || writable.locked) throw new TypeError("the stream is held by another");
  this.pipeTo(writable, options).catch(() => {});
  return readable;
}

/** What a set's iterator is asked for before it is walked through. */
function begin(this: Iterator<Rejected>): Iterator<Rejected> {
  let met: IteratorResult<Rejected> | undefined = apply(next, this, []);
  if (met?.value === first) {
    deleteProperty(ofSets, Symbol.iterator);
    walk = this;
    handle(first, () => {});
    return added().values();
  }
  // Another set's, whose loop is to find what it would have, and asks for `next` once.
  define(this, "next", () => {
    deleteProperty(this, "next");
    const found = met ?? apply(next, this, []);
    met = undefined;
    return found;
  });
  return this;
}

/** Those that the walk has not come to yet. */
function added(): Rejected[] {
  const all: Rejected[] = [];
  if (walk === undefined) return all;
  const last = rejected();
  for (;;) {
    const { done, value } = apply(next, walk, []);
    if (done || value === last) break;
    all.push(value);
  }
  handle(last, () => {});
  return all;
}

/** Has a promise count as handled, and `tell` be called with its reason. */
function handle(rejected: Rejected, tell: (reason: unknown) => void): void {
  try {
    // The promise that nobody needs is to be made by the engine, and not by a class of an application's.
    defineProperty(rejected, "constructor", { value: undefined, configurable: true });
    apply(then, rejected, [undefined, tell]);
    deleteProperty(rejected, "constructor");
  } catch (error) {
    // It is frozen, and that class threw.
    tell(error);
  }
}

async function rejected(reason?: unknown): Promise<never> {
  throw reason;
}
