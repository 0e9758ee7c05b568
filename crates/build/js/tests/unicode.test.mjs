import assert from "node:assert/strict";
import { test } from "node:test";
import { propertyTable, spellsProperties } from "../unicode.mjs";

/** What the line defines. */
function tableOf(code) {
  new Function(propertyTable(code))();
  return globalThis[Symbol.for("edgewit.properties")];
}

test("the ranges of a property are the characters that have it, and no others", () => {
  const names = ["p{L}", "P{L}", "p{Cs}", "p{Any}", "P{Any}", "p{Script=Greek}", "p{Emoji}"];
  const table = tableOf(names.map((name) => `"\\\\${name}"`).join());
  for (const name of names) {
    const ranges = table[name].split(" ").filter((range) => range !== "");
    const had = new Uint8Array(0x110000);
    for (const range of ranges) {
      const [first, last = first] = range.split("-").map((digits) => Number.parseInt(digits, 16));
      assert.ok(first <= last && had[first] === 0, range);
      had.fill(1, first, last + 1);
    }
    const one = new RegExp(`^\\${name}$`, "u");
    const differs = had.findIndex(
      (is, code) => (is === 1) !== one.test(String.fromCodePoint(code)),
    );
    assert.equal(differs, -1, name);
  }
});

test("only what is spelled and a property is in the table", () => {
  const code = String.raw`new RegExp("\\P{Lu}", "u"); /\p{Nd}/; "\\p{RGI_Emoji}"; "\\p{nothing}"; "\\p{a b}"`;
  assert.deepEqual(Object.keys(tableOf(code)), ["P{Lu}", "p{Nd}"]);
  assert.ok(spellsProperties(code));
  assert.ok(!spellsProperties("/[a-z]p{L}/u"));
});
