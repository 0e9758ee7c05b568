// The text of an exception's stack: as V8 writes it, which formatters and applications that log it take for granted,
// and with the application's own files and lines, without columns.

import { component, engine } from "#engine";
import type { Frame } from "../engine/engine.js";
import { framesOf } from "./lines.js";

/** The name under which the build leaves those that it had to change, each with that of its file. */
const NAMES = Symbol.for("edgewit.names");

let names: Map<string, string> | undefined;

/** Has stacks be written so. */
export function installStacks(): void {
  component.writeStacks(write);
}

function write(error: Error, of: Iterable<Frame>): string {
  const frames = framesOf(asWritten(of));
  const classes = classesOf(error);
  // An error is made where its class is asked for it, and not within.
  while (frames.length > 1 && classes.has(bare(frames[0]!.split(" (", 1)[0]!))) frames.shift();
  const text = String(error);
  return [text + engine.insteadOf(text), ...frames].join("\n    at ");
}

/** Frames with the names of the application's files. */
function* asWritten(frames: Iterable<Frame>): Iterable<Frame> {
  // While the application is built there are none yet.
  const all = (globalThis as { [NAMES]?: string })[NAMES];
  if (all !== undefined)
    names ??= new Map(all.split(" ").map((pair) => pair.split(",") as [string, string]));
  for (const { name, ...place } of frames) {
    yield { name: name.replace(/^[\w$]+/, (given) => names?.get(given) ?? given), ...place };
  }
}

/** The names of the classes between an error's own and `Error`. */
function classesOf(error: Error): Set<string> {
  const names = new Set<string>();
  let at = Object.getPrototypeOf(error) as Error | null;
  for (; at !== null && at !== Error.prototype; at = Object.getPrototypeOf(at)) {
    names.add(bare(String(at.constructor?.name)));
  }
  return names;
}

/** A name without what bundling adds to it: a class has its own again, the frame of its constructor has not. */
function bare(name: string): string {
  return name.replace(/^_|\d+$/g, "");
}
