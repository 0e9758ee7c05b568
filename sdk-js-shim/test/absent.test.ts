// What components lack, and how it is told. That it is absent there is for a component to say.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { absent, insteadOf } from "../dist/engine/starlingmonkey/absent.js";

test("what is absent is what the README shows", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const [table] = /^\| absent \| instead \|\n[^]*?\n\n/m.exec(readme)!;
  const due = Object.entries(absent).map(
    ([names, instead]) => `| \`${names.split(" ").join("`, `")}\` | ${instead} |`,
  );
  assert.deepEqual(table.trim().split("\n").slice(2), due);
});

test("what is missed is told with what to use instead", () => {
  for (const [text, name] of [
    ["ReferenceError: WebSocket is not defined", "WebSocket"],
    ["process is not defined", "process"],
    ["fetch failed: ReferenceError: caches is not defined", "caches"],
    ["TypeError: globalThis.Worker is not a constructor", "Worker"],
    ['TypeError: can\'t access property "open", self.caches is undefined', "caches"],
    ["TypeError: crypto.subtle.encrypt is not a function", "crypto.subtle.encrypt"],
    ["TypeError: subtle.generateKey is not a function", "crypto.subtle.generateKey"],
    ["TypeError: String.prototype.normalize is not a function", "String.prototype.normalize"],
    ["TypeError: performance.mark is not a function", "performance.mark"],
    ['Dynamic require of "fs" is not supported', "require"],
  ] as const) {
    const begin = `; instead of \`${name}\`: `;
    assert.equal(insteadOf(text).slice(0, begin.length), begin, text);
    assert.ok(insteadOf(text).length > begin.length, text);
  }
});

test("what is called on a variable is no method of strings for sure", () => {
  for (const text of [
    "TypeError: this.title.normalize is not a function",
    "TypeError: path.normalize is not a function",
  ]) {
    const due = "; of a string, instead of `String.prototype.normalize`: a package";
    assert.equal(insteadOf(text).slice(0, due.length), due, text);
  }
});

test("of anything else nothing is told", () => {
  for (const text of [
    "",
    "ReferenceError: visits is not defined",
    "TypeError: job.process is not a function",
    'TypeError: can\'t access property "title", document is undefined',
    "TypeError: process is not a function",
    "TypeError: Worker is not a constructor",
    "TypeError: encrypt is not a function",
    "TypeError: box.encrypt is not a function",
    "WebSocket is not defined here",
  ]) {
    assert.equal(insteadOf(text), "", text);
  }
});
