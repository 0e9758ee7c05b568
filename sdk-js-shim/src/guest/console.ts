// `console`, as events of the log.

import { logging } from "#host";
import { format, inspect } from "node-inspect-extracted";
import type { logging as wit } from "../generated/edge.js";
import { describe } from "./failure.js";
import { drawTable } from "./table.js";

const LEVELS: wit.Level[] = ["trace", "debug", "info", "warn", "error"];

/** Which method writes an event of which level. */
const METHODS = {
  debug: "debug",
  dirxml: "info",
  error: "error",
  info: "info",
  log: "info",
  warn: "warn",
} as const;

/** Colours and the like, which some packages print wherever they are: a log is no terminal. */
const STYLES = /\x1b\[[\d;]*m/g;

/** The least level that is kept, the same for a whole request; asked for once. */
let least: number | undefined;

/** What a request's calls of `console` leave for those that follow. */
export class Kept {
  indent = "";
  readonly counts = new Map<string, number>();
  readonly began = new Map<string, number>();
}

type Write = (level: wit.Level, text: () => string) => void;
type Take = (level: wit.Level, text: () => string, indent: string) => void;

/**
 * The methods of a `console` each of whose calls is one event, which `take` takes. Objects are formatted as Node does.
 * `now` are milliseconds on a clock that never goes back, and `kept` is that of the request.
 */
export function consoleOf(take: Take, now: () => number, kept: () => Kept): Console {
  const write: Write = (level, text) => take(level, () => safely(text), kept().indent);
  const own: Partial<Console> = {};
  for (const [name, level] of Object.entries(METHODS)) {
    own[name as keyof typeof METHODS] = (...args: unknown[]) => write(level, () => plain(args));
  }
  return Object.assign(own, {
    assert(condition?: unknown, ...args: unknown[]) {
      if (condition) return;
      const [first, ...rest] = args;
      const more = () => (args.length === 0 ? "" : `: ${String(first)}`);
      write("error", () => format(`Assertion failed${more()}`, ...rest));
    },
    clear() {},
    count(label = "default") {
      const count = (kept().counts.get(label) ?? 0) + 1;
      kept().counts.set(label, count);
      write("info", () => `${label}: ${count}`);
    },
    countReset(label = "default") {
      kept().counts.delete(label);
    },
    dir(value: unknown, options?: object) {
      write("info", () => inspect(value, options));
    },
    group(...args: unknown[]) {
      if (args.length > 0) write("info", () => plain(args));
      kept().indent += "  ";
    },
    groupCollapsed(...args: unknown[]) {
      own.group!(...args);
    },
    groupEnd() {
      kept().indent = kept().indent.slice(2);
    },
    table(value?: unknown, columns?: readonly string[]) {
      const isTable = typeof value === "object" && value !== null;
      write("info", () => (isTable ? drawTable(value, columns) : plain([value])));
    },
    time(label = "default") {
      kept().began.set(label, now());
    },
    timeEnd(label = "default") {
      own.timeLog!(label);
      kept().began.delete(label);
    },
    timeLog(label = "default", ...args: unknown[]) {
      const since = kept().began.get(label);
      if (since === undefined) return;
      write("info", () => format(`${label}: ${(now() - since).toFixed(3)}ms`, ...args));
    },
    trace(...args: unknown[]) {
      const { stack } = new Error();
      const frames = stack!.split("\n").slice(1).join("\n");
      write("trace", () => `Trace: ${plain(args)}\n${frames}`);
    },
  }) as Console;
}

function plain(args: unknown[]): string {
  return args.length === 1 && typeof args[0] === "string" ? args[0] : format(...args);
}

/** Writes an event of the log. */
export function log(level: wit.Level, make: () => string, indent: string): void {
  least ??= LEVELS.indexOf(logging.minLevel() ?? ("none" as wit.Level));
  if (least < 0 || LEVELS.indexOf(level) < least) return;
  const text = make().replace(STYLES, "");
  const message = indent === "" ? text : indent + text.replaceAll("\n", `\n${indent}`);
  logging.log(level, "console", message.toWellFormed(), []);
}

/** A getter or `toString` of what is printed may throw, which is no reason for a handler to fail. */
function safely(make: () => string): string {
  try {
    return make();
  } catch (error) {
    return `what can't be told as text: ${describe(error)}`;
  }
}
