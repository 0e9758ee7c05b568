// Properties of Unicode in regular expressions: `\p{…}` as the characters that have it.

import { define } from "../../internal/define.js";
import type { Lack } from "../lacks.js";

/**
 * Where the build leaves the characters of each property that the application's text spells: by a key such as `p{L}`,
 * ranges of code points to the base 16, `41-5a 61-7a aa …`. Absent where it spells none.
 */
const TABLE = Symbol.for("edgewit.properties");

/** What parts an expression where a property may mean something else: outside of a class, and within one. */
const PARTS = /\\(?:([pP]\{[^}]*\})|[^])|[[\]]/g;

const PROPERTY = /\\[pP]\{/;

export const lacks: Record<string, Lack> = {
  "properties of Unicode in regular expressions": {
    isThere: () => isTaken(`\\p${"{L}"}`),
    install() {
      const table = (globalThis as { [TABLE]?: Table })[TABLE];
      if (table !== undefined) install(table);
    },
  },
};

type Table = Record<string, string>;

function install(table: Table): void {
  const engine = RegExp;
  const made: RegExpConstructor = new Proxy(engine, {
    construct(_, args, to) {
      const { copied, source } = spelledOut(args, engine, table);
      const expression = Reflect.construct(engine, copied, to) as RegExp;
      if (source !== undefined) sources.set(expression, source);
      return expression;
    },
    // A regular expression is handed back as it is.
    apply: (_, __, [pattern, flags]) =>
      pattern instanceof engine && flags === undefined && pattern.constructor === made
        ? pattern
        : new made(pattern, flags),
  });
  define(globalThis, "RegExp", made);
  define(engine.prototype, "constructor", made);
  const own = Object.getOwnPropertyDescriptor(engine.prototype, "source")!;
  Object.defineProperty(engine.prototype, "source", {
    ...own,
    get(this: RegExp) {
      return sources.get(this) ?? own.get!.call(this);
    },
  });
}

function isTaken(pattern: string): boolean {
  try {
    return new RegExp(pattern, "u").test("a");
  } catch {
    return false;
  }
}

/** What the `source` of an expression with properties says. */
const sources = new WeakMap<RegExp, string>();

/** How many expressions are kept: one in a function is made each time that it is called. */
const KEPT_MOST = 100;
const kept = new Map<string, RegExp>();

/**
 * The arguments for the engine's constructor, and, where they have properties, what they were: those of the engine are
 * an expression to copy then, which has the characters instead.
 */
function spelledOut(
  args: unknown[],
  engine: RegExpConstructor,
  table: Table,
): { copied: unknown[]; source?: string | undefined } {
  const [pattern, flags] = args;
  const isExpression = pattern instanceof engine;
  if (isExpression && flags === undefined) return { copied: args, source: sources.get(pattern) };
  if (typeof flags !== "string" || !/[uv]/.test(flags)) return { copied: args };
  const source = isExpression ? pattern.source : String(pattern);
  if (!PROPERTY.test(source)) return { copied: args };
  const key = `${flags}/${source}`;
  let expression = kept.get(key);
  if (expression === undefined) {
    expression = new engine(replaced(source, flags.includes("v"), table), flags);
    if (kept.size === KEPT_MOST) kept.clear();
    kept.set(key, expression);
  }
  return { copied: [expression], source };
}

function replaced(text: string, hasSets: boolean, table: Table): string {
  let isInClass = false;
  return text.replace(PARTS, (part, property?: string) => {
    if (property === undefined) {
      if (part === "[") isInClass = true;
      if (part === "]") isInClass = false;
      return part;
    }
    const characters = charactersOf(property, table);
    // With the flag `v` a class may be within a class, and be taken from another.
    return isInClass && !hasSets ? characters : `[${characters}]`;
  });
}

function charactersOf(property: string, table: Table): string {
  const ranges = table[property];
  if (ranges === undefined) {
    throw new SyntaxError(
      `\\${property} in a regular expression: the engine knows no properties of Unicode, and the build none of that name that the application spells out`,
    );
  }
  // Once: it is long.
  return (table[property] = ranges.startsWith("\\")
    ? ranges
    : ranges.replace(/[0-9a-f]+/g, "\\u{$&}").replaceAll(" ", ""));
}
