// How `console` shows what the Web's objects hold behind getters.

import { inspect, type InspectOptions } from "node-inspect-extracted";
import { define } from "../internal/define.js";

/** By this name the formatter finds out how an object is shown. */
const CUSTOM = Symbol.for("nodejs.util.inspect.custom");

const SHOWN = {
  AbortSignal: ["aborted"],
  Blob: ["size", "type"],
  File: ["size", "type", "name", "lastModified"],
  ReadableStream: ["locked"],
  Request: ["method", "url", "headers"],
  Response: ["status", "statusText", "headers", "url"],
  URL: [
    "href",
    "origin",
    "protocol",
    "username",
    "password",
    "host",
    "hostname",
    "port",
    "pathname",
    "search",
    "searchParams",
    "hash",
  ],
  WritableStream: ["locked"],
} as const;

/** Has these objects be shown as Node does, as far as its versions agree. */
export function installInspect(): void {
  for (const [name, getters] of Object.entries(SHOWN)) {
    show(name as keyof typeof SHOWN, (it, options) => {
      const held = getters.map((getter) => [getter, it[getter]]);
      return inspect(Object.fromEntries(held), options);
    });
  }
  show("Headers", (it, options) => inspect(fieldsIn(it as object as Headers), options));
  for (const name of ["FormData", "URLSearchParams"] as const) show(name, pairs);
}

/** What has several values, as `set-cookie` may, has them in one text. */
function fieldsIn(headers: Headers): Record<string, string> {
  return Object.fromEntries(Array.from(headers.keys(), (name) => [name, headers.get(name)!]));
}

function pairs(it: object, options: InspectOptions): string {
  const all = Array.from(it as Iterable<[string, unknown]>, (pair) =>
    pair.map((part) => inspect(part, options)).join(" => "),
  );
  return all.length === 0 ? "{}" : `{ ${all.join(", ")} }`;
}

type Held = Record<string, unknown>;

function show(
  name: keyof typeof SHOWN | "FormData" | "Headers" | "URLSearchParams",
  held: (it: Held, options: InspectOptions) => string,
): void {
  define(
    globalThis[name].prototype,
    CUSTOM,
    function (this: Held, depth: number, options: InspectOptions) {
      return depth < 0 ? `[${name}]` : `${name} ${held(this, { ...options, depth })}`;
    },
  );
}
