import assert from "node:assert/strict";
import { test } from "node:test";

import { decode, decodeLossy, join, Pattern, segments } from "../dist/pattern.js";

const matches = (pattern: string, path: string) => new Pattern(pattern).matches(segments(path));
const covers = (pattern: string, path: string) => new Pattern(pattern).covers(segments(path));
const values = (pattern: string, path: string) =>
  new Pattern(pattern).values(segments(path), decode);

test("matches segment by segment", () => {
  const cases: [pattern: string, path: string, expected: boolean][] = [
    ["/", "/", true],
    ["/", "/a", false],
    ["/a", "/a", true],
    ["/a", "/a/", false],
    ["/a/", "/a/", true],
    ["/a", "/A", false],
    ["/:x", "/a", true],
    ["/:x", "/", false],
    ["/a/:x", "/a/", false],
    ["/a/:x/c", "/a/b/c", true],
    ["/a/:x/c", "/a/b/d", false],
    ["/a/*rest", "/a/b/c", true],
    ["/a/*rest", "/a/", true],
    ["/a/*rest", "/a", false],
    ["/*rest", "/", true],
    ["/é", "/%C3%A9", true],
    ["/é", "/%c3%a9", false],
    ["/é", "/%C3%A9x", false],
    ["/a b", "/a%20b", true],
    ["/a^b", "/a%5Eb", true],
    ["/a^b", "/a^b", true],
    ["/%C3%A9", "/%C3%A9", true],
    ["/😀", "/%F0%9F%98%80", true],
    ["/a*b/c:d", "/a*b/c:d", true],
    ["//", "//", true],
    ["//", "/", false],
  ];
  for (const [pattern, path, expected] of cases) {
    assert.equal(matches(pattern, path), expected, `${pattern} ${path}`);
  }
});

test("literals are encoded with the path set of WHATWG URL", () => {
  // The rest of ASCII is for the standard's own parser to say, but for what it takes for another
  // part of a URL.
  for (let code = 0x21; code < 0x7f; code++) {
    const literal = String.fromCharCode(code);
    if (!"/\\?#.:*^".includes(literal)) {
      const { pathname } = new URL(`http://host/a${literal}`);
      assert.ok(matches(`/a${literal}`, pathname), `${literal} ${pathname}`);
    }
  }
  for (const [literal, path] of [
    ["?", "/a%3F"],
    ["#", "/a%23"],
    ["\\", "/a\\"],
    ["\x7f", "/a%7F"],
    ["\0", "/a%00"],
  ]) {
    assert.ok(matches(`/a${literal}`, path as string), path);
  }
});

test("a last rest covers the path before it", () => {
  const cases: [pattern: string, path: string, expected: boolean][] = [
    ["/admin/*rest", "/admin", true],
    ["/admin/*rest", "/admin/", true],
    ["/admin/*rest", "/admin/a/b", true],
    ["/admin/*rest", "/administrator", false],
    ["/*rest", "/", true],
    ["/*rest", "/a", true],
    ["/:x/*rest", "/a", true],
    ["/:x/*rest", "/", false],
    ["/a", "/a/b", false],
  ];
  for (const [pattern, path, expected] of cases) {
    assert.equal(covers(pattern, path), expected, `${pattern} ${path}`);
  }
  assert.deepEqual(values("/:x/*rest", "/a"), ["a", ""]);
});

test("the root below a prefix is the prefix", () => {
  assert.equal(join("/api", "/"), "/api");
  assert.equal(join("/api", "/x/"), "/api/x/");
  assert.equal(join("/", "/x"), "/x");
  assert.equal(join("/", "/"), "/");
});

test("the same patterns are known as such", () => {
  const cases: [string, string, boolean][] = [
    ["/a/:x", "/a/:y", true],
    ["/é", "/%C3%A9", true],
    ["/a/*x", "/a/*y", true],
    ["/a/:x", "/a/*x", false],
    ["/a", "/a/", false],
    ["/ab", "/a/b", false],
  ];
  for (const [a, b, expected] of cases) {
    assert.equal(new Pattern(a).key === new Pattern(b).key, expected, `${a} ${b}`);
  }
});

test("values are decoded once", () => {
  assert.deepEqual(values("/:x/b", "/a%252F/b"), ["a%2F"]);
  assert.deepEqual(values("/:x/*y", "/a/b%20c/d/"), ["a", "b c/d/"]);
  assert.deepEqual(values("/a/*y", "/a/"), [""]);
  assert.equal(values("/:x", "/%FF"), undefined);
});

test("decodes bytes", () => {
  for (const [raw, text] of [
    ["a+b", "a+b"],
    ["%zz%", "%zz%"],
    ["%4", "%4"],
    ["%2", "%2"],
    ["%25zz", "%zz"],
    ["%e2%82%ac", "€"],
    ["%E2%82", undefined],
    ["%C0%80", undefined],
    ["%ED%A0%80", undefined],
    ["%EF%BB%BFa", "\ufeffa"],
  ] as const) {
    assert.equal(decode(raw), text, raw);
  }
  for (const [raw, text] of [
    ["%E2%82+&=x%zz", "\ufffd+&=x%zz"],
    ["%FFa%C3%A9", "\ufffdaé"],
    ["%EF%BB%BF%FF", "\ufeff\ufffd"],
  ] as const) {
    assert.equal(decodeLossy(raw), text, raw);
  }
});

test("malformed patterns are told", () => {
  for (const pattern of ["", "a", "*", "/*x/b", "/:x/:x", "/:x/*x", "/\ud800"]) {
    assert.throws(() => new Pattern(pattern), TypeError, pattern);
  }
  // As other routers have them: optional, repeated, of some form, and two in one segment.
  for (const name of [
    "",
    "x?",
    "x*",
    "x+",
    "id(\\d+)",
    "id{[0-9]+}",
    "x.json",
    "from-:to",
    "a b",
    "$x",
    "id<int>",
  ]) {
    for (const pattern of [`/a/:${name}`, `/*${name}`]) {
      assert.throws(() => new Pattern(pattern), /`: a parameter's name is letters,/, pattern);
    }
  }
  const noText = /^TypeError: a pattern is text, not function$/;
  assert.throws(() => new Pattern((() => "/") as unknown as string), noText);
  for (const pattern of ["/", "/:x/:y/*z", "/a*b/c:d", "/:größe/:a-b_2", "/a?/(b)"]) {
    assert.doesNotThrow(() => new Pattern(pattern), pattern);
  }
});

/**
 * Walks a tree of patterns as a router with backtracking does, by the rules and not by an order of
 * patterns.
 */
function best(patterns: readonly string[], path: readonly string[]): string | undefined {
  const walk = (left: readonly [string, string[]][], depth: number): string | undefined => {
    const raw = path[depth];
    if (raw === undefined) {
      return left.find(([, parts]) => parts.length === depth)?.[0];
    }
    const fits = (is: (part: string) => boolean) =>
      left.filter(([, parts]) => parts[depth] !== undefined && is(parts[depth]));
    const rest = fits((part) => part.startsWith("*"))[0]?.[0];
    return (
      walk(
        fits((part) => part === raw),
        depth + 1,
      ) ??
      (raw === ""
        ? undefined
        : walk(
            fits((part) => part.startsWith(":")),
            depth + 1,
          )) ??
      rest
    );
  };
  return walk(
    patterns.map((pattern) => [pattern, pattern.slice(1).split("/")]),
    0,
  );
}

test("of many patterns the best is what backtracking comes to first", () => {
  let state = 7;
  const random = (below: number) => (state = (state * 48271) % 0x7fffffff) % below;
  const some = (parts: string[]) => parts[random(parts.length)] as string;
  for (let round = 0; round < 2000; round++) {
    const patterns = new Map<string, Pattern>();
    for (let count = random(8) + 1; count > 0; count--) {
      const parts = Array.from({ length: random(4) + 1 }, (_, at) =>
        some(["a", "b", `:p${at}`, ""]),
      );
      if (random(3) === 0) parts.push("*rest");
      const pattern = new Pattern(`/${parts.join("/")}`);
      patterns.set(pattern.key, pattern);
    }
    const path = Array.from({ length: random(5) + 1 }, () => some(["a", "b", "c", ""]));
    const texts = [...patterns.values()].map(({ text }) => text);
    const matching = [...patterns.values()].filter((pattern) => pattern.matches(path));
    matching.sort((a, b) => (a.order < b.order ? -1 : 1));
    assert.equal(matching[0]?.text, best(texts, path), `${texts.join(" ")} for /${path.join("/")}`);
  }
});
