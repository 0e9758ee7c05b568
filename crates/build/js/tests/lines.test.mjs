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

/** As the SDK reads the table. */
function placeOf(table, wanted) {
  const files = table.split("\n");
  const runs = files.pop();
  let at = 1;
  let file = 0;
  for (const run of runs.split(" ")) {
    const [count, line, changed] = run.split(",").map((digits) => Number.parseInt(digits, 36));
    file = changed ?? file;
    if (wanted < at + count)
      return line === undefined ? "" : `${files[file]}:${line + wanted - at}`;
    at += count;
  }
  return undefined;
}

test("each line of a bundle is found again", () => {
  const text = lineTable(BUNDLE.join("\n"), places);
  assert.equal(text.trimEnd().split("\n").length, 1);
  const symbol = Symbol.for("edgewit.lines");
  new Function(text)();
  const table = globalThis[symbol];
  assert.equal(table, "a.ts\nb.ts\n2 2,a,0 1,2s,1 1,2u 1 1,2v 1,c,0 1");
  assert.deepEqual(
    BUNDLE.map((_, index) => placeOf(table, index + 1)),
    BUNDLE,
  );
  assert.equal(placeOf(table, BUNDLE.length + 1), undefined);
});
