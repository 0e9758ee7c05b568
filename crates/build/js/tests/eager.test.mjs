import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { compiled } from "../eager.mjs";

/** The names of the functions that are looked at, of a bundle. */
function lookedAt(code) {
  const names = new Set();
  const tell = (it) => names.add(it.name);
  const watch =
    "const look = Object.getOwnPropertyDescriptor;" +
    'Object.getOwnPropertyDescriptor = (it, key) => { if (key === "length") tell(it); return look(it, key); };';
  runInNewContext(`${watch}\n${code}\n${compiled(code)}`, { tell });
  return [...names].sort();
}

test("functions, classes and methods of the outermost scope are compiled, and none is called", () => {
  const code = [
    "function one() {",
    "  function within() {}",
    "  throw new Error();",
    "}",
    "async function* many() {}",
    "var arrow = async (a) => a;",
    "var single = a => a;",
    "class Plain { static get length() { throw new Error(); } }",
    "var Named = class _Named {",
    "  #a; get both() { throw new Error(); } set both(value) {}",
    "  static made() {}",
    "}",
    "var handler = {",
    "  fetch() {},",
    "};",
    "let number = 1;",
  ].join("\n");
  const functions = ["arrow", "fetch", "made", "many", "one", "single"];
  const due = ["Plain", "_Named", ...functions, "get both", "get length", "set both"];
  deepEqual(lookedAt(code), due.sort());
});

test("what only looks like code is none", () => {
  deepEqual(lookedAt("const text = `\nfunction none() {}\n`;\nfunction some() {}"), ["some"]);
  equal(compiled("1;\n"), "");
});
