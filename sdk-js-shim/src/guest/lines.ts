// Where in an application's own files a line of its bundle is from. The build appends the table to the bundle: one line
// for each file's name; one of the places where a line goes on with another of its file, parted by blanks: its number,
// the column and the line in the file, parted by commas; and a last one of runs, from the bundle's first line on,
// parted by blanks. A run is the number of its lines, and, unless they are nobody's, the line in the file that the
// first of them is from and, where it is another than that of the run before, the number of the file: parted by commas,
// to the base 36.

import type { Frame } from "../engine/engine.js";

/** The name under which the build leaves the table. */
const TABLE = Symbol.for("edgewit.lines");

/** Files of the SDK's, wherever the build took them from. */
const OWN = /(^|\/)(@edgewit|\.edgewit)\/sdk\//;

/** As many frames as V8 shows: a stack that ran over has thousands. */
const FRAMES_MOST = 10;

/** A run of the bundle's lines. */
interface Run {
  /** The first of its lines in the bundle. */
  first: number;
  /** Where that is from; absent for lines that are nobody's. */
  file?: string;
  line?: number;
}

/** Where a line of the bundle goes on with another line of its file. */
interface Joined {
  column: number;
  line: number;
}

let isUsed = false;
let runs: Run[] | undefined;
const joined = new Map<number, Joined[]>();

/**
 * Has places be the application's from now on. While it is built they are those of the bundle, which its build knows.
 */
export function useLines(): void {
  isUsed = true;
}

/** Those frames of a stack that are in the application's own files, as V8 writes them. */
export function framesOf(stack: Iterable<Frame>): string[] {
  const frames: string[] = [];
  let hasOwn = false;
  for (const { name, line, column } of stack) {
    const place = placeOf(line, column);
    if (place === undefined || OWN.test(place)) continue;
    const isOwn = !isOfPackage(place);
    // One of the application's own is shown, however deep in a package the others are.
    if (frames.length < FRAMES_MOST || (isOwn && !hasOwn)) {
      frames.push(name === "" ? place : `${name} (${place})`);
    }
    hasOwn ||= isOwn;
    if (hasOwn && frames.length >= FRAMES_MOST) break;
  }
  return frames;
}

/** Whether a frame or a place is in a package, and not in the application's own files. */
export function isOfPackage(frame: string): boolean {
  return frame.includes("node_modules/");
}

/**
 * `file:line` of a line of the bundle, whose columns are its own and no file's; `undefined` for lines that are
 * nobody's.
 */
function placeOf(wanted: number, column: number): string | undefined {
  if (!isUsed) return `source.js:${wanted}:${column}`;
  runs ??= readTable();
  let low = 0;
  for (let high = runs.length; low < high;) {
    const middle = (low + high) >> 1;
    if (runs[middle]!.first <= wanted) low = middle + 1;
    else high = middle;
  }
  const run = runs[low - 1];
  if (run?.file === undefined) return undefined;
  const later = joined.get(wanted)?.findLast((it) => it.column <= column);
  return `${run.file}:${later?.line ?? run.line! + wanted - run.first}`;
}

function readTable(): Run[] {
  const table = (globalThis as { [TABLE]?: string })[TABLE] ?? "\n\n";
  const files = table.split("\n");
  const numbers = (words: string) =>
    words.split(" ").map((it) => it.split(",").map((digits) => Number.parseInt(digits, 36)));
  const read: Run[] = [];
  let first = 1;
  let file = 0;
  const all = numbers(files.pop()!);
  for (const [at, column, line] of numbers(files.pop()!)) {
    if (line !== undefined)
      joined.set(at!, [...(joined.get(at!) ?? []), { column: column!, line }]);
  }
  for (const [count, line, changed] of all) {
    file = changed ?? file;
    read.push(line === undefined ? { first } : { first, file: files[file]!, line });
    first += count!;
  }
  return read;
}
