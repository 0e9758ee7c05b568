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
  assert.equal(table, "a.ts\nb.ts\n\n2 2,a,0 1,2s,1 1,2u 1 1,2v 1,c,0 1");
});

test("a line that goes on with others of its file says where", () => {
  const text = "  a.b(1).c(2).d(3)";
  const at = { 3: 7, 5: 7, 10: 8, 15: 9 };
  const starts = Object.keys(at).map(Number);
  const own = (file) => ({
    at: (_, column) => {
      const start = starts.findLast((it) => it <= column);
      return start && { file, line: at[start], column: 1 };
    },
  });
  const tableOf = (file) => {
    new Function(lineTable(text, own(file)))();
    return globalThis[Symbol.for("edgewit.lines")];
  };
  assert.equal(tableOf("a.ts"), "a.ts\n1,a,8 1,f,9\n1,7,0");
  assert.equal(tableOf("node_modules/b/b.js"), "node_modules/b/b.js\n\n1,7,0");
});
