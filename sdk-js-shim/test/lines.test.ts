// Where lines of a bundle are from, by the table that the build leaves.

import assert from "node:assert/strict";
import { test } from "node:test";

import { framesOf, useLines } from "../dist/guest/lines.js";

const runs = ["2", "3,a,0", "1", "k,2s,1", "4,d,0"].join(" ");
const joined = "r,6,2s r,9,2t";
const table = ["a.ts", "node_modules/b/b.js", joined, runs].join("\n");
Object.assign(globalThis, { [Symbol.for("edgewit.lines")]: table });

const frames = (...lines: number[]) => lines.map((line) => ({ name: "f", line, column: 5 }));

test("while the application is built a place is one of the bundle", () => {
  assert.deepEqual(framesOf(frames(3)), ["f (source.js:3:5)"]);
  useLines();
});

test("a line of a bundle is one of a file, or nobody's", () => {
  const places = Array.from({ length: 32 }, (_, line) => framesOf(frames(line + 1)));
  const due: string[][] = Array.from({ length: 32 }, () => []);
  for (let n = 0; n < 3; n++) due[2 + n] = [`f (a.ts:${10 + n})`];
  for (let n = 0; n < 20; n++) due[6 + n] = [`f (node_modules/b/b.js:${100 + n})`];
  for (let n = 0; n < 4; n++) due[26 + n] = [`f (a.ts:${13 + n})`];
  // The last run is as long as the bundle is.
  due[30] = ["f (a.ts:17)"];
  due[31] = ["f (a.ts:18)"];
  assert.deepEqual(places, due);
});

test("ten frames are shown, and one of the application's own however deep it is", () => {
  const inPackage = Array.from({ length: 15 }, (_, n) => 7 + n);
  const deep = framesOf(frames(...inPackage, 1, 3, 4, ...inPackage));
  assert.equal(deep.length, 11);
  assert.deepEqual(deep.slice(9), ["f (node_modules/b/b.js:109)", "f (a.ts:10)"]);
  assert.equal(framesOf(frames(3, ...inPackage)).length, 10);
  assert.equal(framesOf(frames(...inPackage)).length, 10);
});

test("a line of a bundle may hold several of a file", () => {
  const of = (column: number) => framesOf([{ name: "", line: 27, column }])[0];
  assert.deepEqual([5, 6, 8, 9, 99].map(of), [
    "a.ts:13",
    "a.ts:100",
    "a.ts:100",
    "a.ts:101",
    "a.ts:101",
  ]);
});
