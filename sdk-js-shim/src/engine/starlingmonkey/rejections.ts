// The promises that were rejected and that nobody handles.
//
// The engine keeps them in a set of its own. Once, where the top level has ended, it walks through that set to print
// them, by the methods that a loop of an application's would call. So the walk can be had, and is never let come to its
// end: it goes on to whatever is added later.

import { define } from "../../internal/define.js";

type Rejected = Promise<unknown>;
type Piping = Parameters<ReadableStream["pipeTo"]>;

/** What the engine's iterator of a set has. */
const ofSets = Object.getPrototypeOf(new Set().values()) as Iterator<unknown>;

let walk: Iterator<Rejected> | undefined;
/** Those that were met before somebody took them. */
const kept = new Set<Rejected>();

/** Has the walk be had, once the top level has ended. */
export function watchRejections(): void {
  // Where there is none, the engine does not walk.
  const last = rejected();
  define(ofSets, Symbol.iterator, function (this: Iterator<Rejected>) {
    const { values, isOver } = until(last, this);
    // Another set's may be walked through before the end.
    if (!isOver) {
      Reflect.deleteProperty(ofSets, Symbol.iterator);
      walk = this;
    }
    return values.values();
  });
}

/** Those that nobody handles, without those of earlier calls. */
export function takeRejections(): Rejected[] {
  const all = [...kept, ...added()];
  kept.clear();
  return all;
}

/**
 * Has a pipe that fails leave no promise behind but its own: the engine's leaves that of the write that failed, which
 * nobody but the engine has.
 */
export function installPipes(): void {
  const { pipeTo } = ReadableStream.prototype;
  define(ReadableStream.prototype, "pipeTo", function (this: ReadableStream, ...args: Piping) {
    return pipeTo.apply(this, args).catch((reason: unknown) => {
      // Whoever waits for the pipe itself has not heard of it by now.
      for (const rejected of added()) {
        kept.add(rejected);
        rejected.catch((other) => other === reason && kept.delete(rejected));
      }
      throw reason;
    });
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

function added(): Rejected[] {
  return walk === undefined ? [] : until(rejected(), walk).values;
}

/** What is in a set before `last`, which is let go. */
function until(last: Rejected, walk: Iterator<Rejected>): { values: Rejected[]; isOver: boolean } {
  const values: Rejected[] = [];
  for (;;) {
    const { done, value } = walk.next();
    if (value === last) last.catch(() => {});
    if (done || value === last) return { values, isOver: done === true };
    values.push(value);
  }
}

function rejected(): Rejected {
  return Promise.reject();
}
