import assert from "node:assert/strict";
import { test } from "node:test";
import { lineTable } from "../lines.mjs";

/** Places of a bundle whose lines name where they are from. */
const places = {
  at: (line) => {
    const [, file, from] = /^(\S+):(\d+)$/.exec(BUNDLE[line - 1]) ?? [];
    return file && { file, line: Number(from), column: 1 };
  },
};
const BUNDLE = [
  "",
  "",
  "a.ts:10",
  "a.ts:11",
  "b.ts:100",
  "b.ts:102",
  "",
  "b.ts:103",
  "a.ts:12",
  "",
];

// How it is read is tested in the SDK.
test("lines of a file that follow each other are one run", () => {
  const text = lineTable(BUNDLE.join("\n"), places);
  assert.equal(text.trimEnd().split("\n").length, 1);
  new Function(text)();
  const table = globalThis[Symbol.for("edgewit.lines")];
  assert.equal(table, "a.ts\nb.ts\n2 2,a,0 1,2s,1 1,2u 1 1,2v 1,c,0 1");
});
