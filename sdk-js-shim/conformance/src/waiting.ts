import { Body } from "./body.js";
import { Pending, Upload } from "./fetching.js";
import type { Run, Verbs } from "./script.js";
import { Mistake, Report } from "./words.js";

/** More than any promise of the SDK is away from what settles it. */
const REACTIONS = 64;

/** Lets promise reactions run, and nothing that the host would be asked for. */
export async function reactions(count = REACTIONS): Promise<undefined> {
  for (let left = count; left > 0; left--) await undefined;
  return undefined;
}

function after(milliseconds: number): { over: Promise<void>; stop(): void } {
  let id: ReturnType<typeof setTimeout>;
  const over = new Promise<void>((resolve) => (id = setTimeout(resolve, milliseconds)));
  return { over, stop: () => clearTimeout(id) };
}

export const waiting: Verbs = {
  async wait(run, operands) {
    const time = operands.time(0);
    const names = operands.words(1);
    const ready = new Set<number>();
    const promises = names.map((name, index) => {
      const note = () => void ready.add(index);
      return promiseOf(run, name).then(note, note);
    });
    await reactions();
    // Where something is ready at once the others are only asked.
    const timer = ready.size > 0 ? after(0) : time === undefined ? undefined : after(time);
    await Promise.race(timer === undefined ? promises : [...promises, timer.over]);
    if (ready.size > 0) await timer?.over;
    timer?.stop();
    await reactions();
    return Report.ok().list(names.filter((_, index) => ready.has(index)));
  },
  async sleep(_, operands) {
    await after(operands.number(0)).over;
  },
  async drop(run, operands) {
    const value = run.take(operands.word(0), Object);
    if (value instanceof Body || value instanceof Pending || value instanceof Upload) {
      await value.drop();
    } else if (Symbol.dispose in value) {
      (value as Disposable)[Symbol.dispose]();
    }
  },
};

/** What settles once `name` needs no waiting. */
function promiseOf(run: Run, name: string): Promise<unknown> {
  if (name === "client") return gone(run.c.request.signal);
  const value = run.any(name);
  if (value instanceof Body || value instanceof Pending || value instanceof Upload) {
    return value.ready();
  }
  throw new Mistake(`\`${name}\` can't be waited for`);
}

function gone(signal: AbortSignal): Promise<unknown> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}
