import { logging as host } from "#host";
import type { logging } from "./generated/edge.js";

/** How important a line is, least first. Source: `edge:sdk/logging#level`. */
export type Level = logging.Level;

/** What a field may say; it is logged as text. */
export type FieldValue = string | number | bigint | boolean;

/** Fields of a line, in order: an object, or pairs where a name is to come more than once. */
export type Fields =
  Readonly<Record<string, FieldValue>> | readonly (readonly [string, FieldValue])[];

/** Where a line comes from, unless {@link event} says another. */
const TARGET = "app";
const LEVELS: readonly Level[] = ["trace", "debug", "info", "warn", "error"];

/** Logs a line of the level `trace`. Never throws. Source: `edge:sdk/logging#log`. */
export function trace(message: string, fields?: Fields): void {
  event("trace", message, { fields });
}

/** Logs a line of the level `debug`. Never throws. Source: `edge:sdk/logging#log`. */
export function debug(message: string, fields?: Fields): void {
  event("debug", message, { fields });
}

/** Logs a line of the level `info`. Never throws. Source: `edge:sdk/logging#log`. */
export function info(message: string, fields?: Fields): void {
  event("info", message, { fields });
}

/** Logs a line of the level `warn`. Never throws. Source: `edge:sdk/logging#log`. */
export function warn(message: string, fields?: Fields): void {
  event("warn", message, { fields });
}

/** Logs a line of the level `error`. Never throws. Source: `edge:sdk/logging#log`. */
export function error(message: string, fields?: Fields): void {
  event("error", message, { fields });
}

/**
 * Logs a line of any level, from any target, which is `app` where none is said. A message is one
 * line, whatever it holds, of 64 KiB at most; the host cuts a longer one. A lone surrogate is
 * replaced by U+FFFD. Never throws. Source: `edge:sdk/logging#log`.
 */
export function event(
  level: Level,
  message: string,
  options: { target?: string | undefined; fields?: Fields | undefined } = {},
): void {
  try {
    write(level, message, options.target ?? TARGET, options.fields ?? []);
  } catch {
    // While an application is built there is no host, and what is no field can't be told.
    console.log(`${level}: ${text(message)}`);
  }
}

function write(level: Level, message: string, target: string, fields: Fields): void {
  const least = minLevel();
  if (least === undefined || LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
  const pairs = Array.isArray(fields)
    ? (fields as readonly [string, FieldValue][])
    : Object.entries(fields);
  host.log(
    level,
    text(target),
    text(message),
    pairs.map(([name, value]): [string, string] => [text(name), text(value)]),
  );
}

/**
 * The least level that is kept, the same for a whole request, to save composing what would not be;
 * `undefined` if nothing is.
 * Source: `edge:sdk/logging#min-level`.
 */
export function minLevel(): Level | undefined {
  return host.minLevel();
}

/** Whatever JavaScript hands over: logging is no place to fail. */
function text(value: unknown): string {
  try {
    return String(value).toWellFormed();
  } catch {
    return Object.prototype.toString.call(value);
  }
}
