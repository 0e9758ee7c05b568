// Route patterns: segments of literal text, `:name`, or a last `*name`, compared with raw paths.

/**
 * The names of the parameters of a pattern; any text where the pattern is not known to the
 * compiler.
 */
export type ParamName<Pattern extends string> = string extends Pattern
  ? string
  : Pattern extends `${infer Segment}/${infer Rest}`
    ? SegmentName<Segment> | ParamName<Rest>
    : SegmentName<Pattern>;

type SegmentName<Segment extends string> = string extends Segment
  ? string
  : Segment extends `:${infer Name}` | `*${infer Name}`
    ? Name
    : never;

/** What a name never holds: to other routers it means that a segment is optional, repeated or of some form. */
type NoName = "?" | "*" | "+" | "(" | ")" | "{" | "}" | "[" | "]" | "." | ":" | "|";

/** `Path` if it may be a pattern, as far as the compiler knows it; else what is wrong with it. */
export type PatternOf<Path extends string> = string extends Path
  ? Path
  : Path extends `/${string}`
    ? [Extract<ParamName<Path>, "" | `${string}${NoName}${string}`>] extends [never]
      ? Path
      : "a parameter's name is letters, digits, `_` and `-`"
    : "a pattern begins with `/`";

/** In the order of preference. */
type Kind = "literal" | "param" | "rest";

interface Segment {
  kind: Kind;
  /** A literal as it was written, or a parameter's name. */
  text: string;
  /** A literal as a URL has it. */
  encoded: string;
}

/** What a parameter's bytes are as text; `undefined` if they are none. */
export type Decode = (raw: string) => string | undefined;

/** What ASCII has for punctuation means something to other routers. */
const NAME = /^[\w\-\u{80}-\u{10ffff}]+$/u;

const RANK: Record<Kind, string> = { literal: "0", param: "1", rest: "2" };

/**
 * A pattern, taken apart when it is registered: that is at build time, for whatever the top level
 * of a module does.
 */
export class Pattern {
  readonly text: string;
  /** Equal for patterns that match the same paths, whatever their parameters are called. */
  readonly key: string;
  /**
   * Less for the better of two patterns that match one path: literal before parameter before rest,
   * segment by segment.
   */
  readonly order: string;
  readonly names: readonly string[];
  readonly #segments: readonly Segment[];

  /** Throws: `TypeError` if the pattern is malformed. */
  constructor(text: string) {
    if (typeof text !== "string") {
      throw new TypeError(`a pattern is text, not ${typeof text}`);
    }
    this.text = text;
    this.#segments = segments(text).map(parse);
    const params = this.#segments.filter(({ kind }) => kind !== "literal");
    this.names = params.map((segment) => segment.text);
    const wrong = this.#wrong(params);
    if (wrong !== undefined) {
      throw new TypeError(`malformed pattern \`${text}\`: ${wrong}`);
    }
    // No literal begins with `:` or `*`.
    const keys = {
      literal: (segment: Segment) => segment.encoded,
      param: () => ":",
      rest: () => "*",
    };
    this.key = this.#segments.map((segment) => keys[segment.kind](segment)).join("/");
    this.order = this.#segments.map(({ kind }) => RANK[kind]).join("");
  }

  #wrong(params: readonly Segment[]): string | undefined {
    if (!this.text.startsWith("/")) {
      return "it does not begin with `/`; `/*rest` is every path";
    }
    if (this.#segments.slice(0, -1).some(({ kind }) => kind === "rest")) {
      return "`*name` is not its last segment";
    }
    if (!this.names.every((name) => NAME.test(name))) {
      return (
        "a parameter's name is letters, digits, `_` and `-`; what may be absent is two patterns, the rest of a path is " +
        "a last `*name`, and the form of a value is the handler's to check"
      );
    }
    if (new Set(this.names).size < params.length) {
      return "two parameters have one name";
    }
    return this.text.isWellFormed() ? undefined : "a lone surrogate is no text";
  }

  /** Whether it matches the raw segments of a path. */
  matches(path: readonly string[]): boolean {
    return matches(this.#segments, path);
  }

  /**
   * Whether a middleware here stands in front of a path: what it matches, and the path before a
   * last `*name`.
   */
  covers(path: readonly string[]): boolean {
    const rest = this.#segments.at(-1)?.kind === "rest";
    return this.matches(path) || (rest && matches(this.#segments.slice(0, -1), path));
  }

  /**
   * The values of the parameters, for a path that it matches or covers, in the order of {@link
   * names}; `undefined` if `decode` gives none for one.
   */
  values(path: readonly string[], decode: Decode): string[] | undefined {
    const values: string[] = [];
    for (let index = 0; index < this.#segments.length; index++) {
      const { kind } = this.#segments[index] as Segment;
      if (kind !== "literal") {
        const raw = kind === "rest" ? path.slice(index).join("/") : (path[index] ?? "");
        const value = decode(raw);
        if (value === undefined) {
          return undefined;
        }
        values.push(value);
      }
    }
    return values;
  }
}

/** `pattern` below `prefix`; the root is the prefix itself. */
export function join(prefix: string, pattern: string): string {
  if (prefix === "/") {
    return pattern;
  }
  return pattern === "/" ? prefix : prefix + pattern;
}

/** The path of a serialized URL, as it was sent: parsing it again would tell nothing more. */
export function pathOf(url: string): string {
  const path = url.slice(url.indexOf("/", url.indexOf("//") + 2));
  const end = path.search(/[?#]/);
  return end < 0 ? path : path.slice(0, end);
}

/** The raw segments of a path. */
export function segments(path: string): string[] {
  return path.slice(path.startsWith("/") ? 1 : 0).split("/");
}

/**
 * The text of a percent-encoded segment; `undefined` if it is not UTF-8. An escape that is none
 * stays.
 */
export function decode(raw: string): string | undefined {
  if (!raw.includes("%")) {
    return raw;
  }
  try {
    return decodeURIComponent(raw.replace(/%(?![0-9a-f]{2})/gi, "%25"));
  } catch {
    return undefined;
  }
}

/** As {@link decode}, with U+FFFD for what is not UTF-8. */
export function decodeLossy(raw: string): string {
  // Forms are decoded so, but for two characters of their own.
  const form = () => new URLSearchParams(`=${raw.replace(/[&+]/g, encodeURIComponent)}`);
  return decode(raw) ?? form().get("") ?? "";
}

function matches(pattern: readonly Segment[], path: readonly string[]): boolean {
  for (let index = 0; index < pattern.length; index++) {
    const { kind, text, encoded } = pattern[index] as Segment;
    const raw = path[index];
    if (raw === undefined) {
      return false;
    }
    if (kind === "rest") {
      return true;
    }
    if (kind === "param" ? raw === "" : raw !== text && raw !== encoded) {
      return false;
    }
  }
  return path.length === pattern.length;
}

function parse(segment: string): Segment {
  const kind = segment.startsWith(":") ? "param" : segment.startsWith("*") ? "rest" : "literal";
  return kind === "literal"
    ? { kind, text: segment, encoded: encode(segment) }
    : { kind, text: segment.slice(1), encoded: "" };
}

/** With the path percent-encode set of WHATWG URL. A pattern that is no text is refused later. */
function encode(literal: string): string {
  return literal.toWellFormed().replace(/[^!$-;=@-\]_a-z|~]/gu, encodeURIComponent);
}
