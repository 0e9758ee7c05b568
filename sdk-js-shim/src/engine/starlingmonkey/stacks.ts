// The stacks of exceptions.

import { define, defineGetter } from "../../internal/define.js";
import type { Component, Frame } from "../engine.js";
import type { Lack } from "../lacks.js";

/** A line of a stack as the engine writes it, of the bundle's. */
const FRAME = /^(.*)@source\.js:(\d+):(\d+)$/;

export const lacks: Record<string, Lack> = {
  // `writeStacks` has them so.
  "stacks as V8 writes them": {
    isThere: () => /^Error: a\n    at /.test(String(new Error("a").stack)),
  },
  "the place of a DOMException": {
    isThere: () => Boolean(new DOMException("a").stack),
  },
};

type Write = Parameters<Component["writeStacks"]>[0];
type Capture = (object: object, above?: unknown) => void;

/** Gives `error` the stack of `asked`, where it has none: what the engine rejects with is made within. */
export function placeWhereAsked(error: unknown, asked: Error): void {
  if (!(error instanceof Error) || /\n    at /.test(String(error.stack))) return;
  const [, ...frames] = String(asked.stack).split("\n    at ");
  define(error, "stack", [String(error), ...frames].join("\n    at "));
}

export function writeStacks(write: Write): void {
  defineGetter(Error.prototype, "stack", (error, engine) => {
    const stack = engine(error);
    return typeof stack === "string" ? write(error, framesOf(stack)) : stack;
  });
  placeExceptions(writeCaptured(write));
}

/**
 * Gives a `DOMException` the stack of where it was made, which the engine does not: by a function in the place of its
 * class, whose prototype and constants are the class's.
 */
function placeExceptions(capture: Capture): void {
  const engine = DOMException;
  const { construct } = Reflect;
  function placed(...args: unknown[]): DOMException {
    if (new.target === undefined) throw new TypeError("a DOMException is made by `new`");
    const exception = construct(engine, args, new.target) as DOMException;
    capture(exception, placed);
    return exception;
  }
  Object.defineProperties(
    placed,
    Object.getOwnPropertyDescriptors(engine) as PropertyDescriptorMap,
  );
  define(engine.prototype, "constructor", placed);
  define(globalThis, "DOMException", placed);
}

/** Packages whose errors are made deep within give them the stack of where they were called by it. */
function writeCaptured(write: Write): Capture {
  const { captureStackTrace: engine } = Error as unknown as { captureStackTrace: Capture };
  const capture: Capture = (object, above = capture) => {
    engine(object, above);
    const { stack } = object as { stack: string };
    let text: string | undefined;
    Object.defineProperty(object, "stack", {
      get: () => (text ??= write(object as Error, framesOf(stack))),
      set: (value) => define(object, "stack", value),
      enumerable: false,
      configurable: true,
    });
  };
  define(Error, "captureStackTrace", capture);
  return capture;
}

function* framesOf(stack: string): Iterable<Frame> {
  for (const text of stack.split("\n")) {
    const [, name, line, column] = FRAME.exec(text) ?? [];
    if (name !== undefined) yield { name, line: Number(line), column: Number(column) };
  }
}
