// Fields that an engine refuses: its errors name neither the field nor what is wrong with its value.

import { define, wrap } from "../internal/define.js";
import type { Lack } from "./lacks.js";

/** What no value has, but for its ends. */
const REFUSED = /[\0\n\r]|[^\0-\xff]/;

/** What is taken off the ends: the whitespace of HTTP, which is less than that of the language. */
const ENDS = /^[\t\n\r ]+|[\t\n\r ]+$/g;

const NO_BYTE =
  "which is no single byte: `setHeaderText` and `appendHeaderText` of `@edgewit/sdk` send text as UTF-8";

export const lacks = {
  "the name of a field that is refused": {
    isThere: () => isNamed(() => new Headers({ name: "\0" })),
    install,
  },
} satisfies Record<string, Lack>;

function isNamed(refused: () => unknown): boolean {
  try {
    refused();
    return false;
  } catch (error) {
    return String(error).includes('"name"');
  }
}

/** Has the error on a value that no field can hold say which and why. */
function install(): void {
  const engine = Headers;
  wrap("Headers", (args: [init?: HeadersInit], to) => {
    try {
      return Reflect.construct(engine, args, to);
    } catch (error) {
      throw explained(error, args[0]);
    }
  });
  for (const method of ["append", "set"] as const) {
    const change = engine.prototype[method];
    define(engine.prototype, method, function (this: Headers, ...field: [string, string]) {
      try {
        change.apply(this, field);
      } catch (error) {
        throw explained(error, [field]);
      }
    });
  }
}

/** `error`, with which an engine refused fields, or where a value is the reason, one that tells of it. */
export function explained(error: unknown, fields: HeadersInit | undefined): unknown {
  if (!(error instanceof TypeError)) return error;
  for (const [name, value] of pairsOf(fields)) {
    const text = value.replace(ENDS, "");
    const at = text.search(REFUSED);
    if (at < 0) continue;
    const character = String.fromCodePoint(text.codePointAt(at)!);
    const where = `has ${JSON.stringify(character)} at index ${value.indexOf(text) + at}`;
    const why = character > "\xff" ? NO_BYTE : "which no field holds";
    return new TypeError(`the value of the field ${JSON.stringify(name)} ${where}, ${why}`, {
      cause: error,
    });
  }
  return error;
}

function pairsOf(fields: unknown): [name: string, value: string][] {
  try {
    const isIterable = Symbol.iterator in (fields as object);
    const pairs = isIterable ? [...(fields as Iterable<[]>)] : Object.entries(fields as object);
    return pairs.map(([name, value]) => [String(name), String(value)]);
  } catch {
    // What is none of it has been told by the engine.
    return [];
  }
}
