import assert from "node:assert/strict";
import { test } from "node:test";

import { appendHeaderText, headerBytes, headerText, setHeaderText } from "@edgewit/sdk";
import { fromHeaders, toHeaders } from "../dist/fields.js";

const bytes = (...values: number[]) => Uint8Array.from(values);

test("text is UTF-8 in a type that holds one unit a byte", () => {
  const headers = new Headers();
  setHeaderText(headers, "X-Name", "é€ 😀");
  assert.equal(headerText(headers, "x-name"), "é€ 😀");
  assert.notEqual(headers.get("x-name"), "é€ 😀");
  assert.deepEqual(headerBytes(headers, "x-name")?.slice(0, 2), bytes(0xc3, 0xa9));
  appendHeaderText(headers, "x-name", "ß");
  assert.equal(headerText(headers, "x-name"), "é€ 😀, ß");
  setHeaderText(headers, "x-name", "");
  assert.equal(headerText(headers, "x-name"), "");
  assert.equal(headerText(headers, "none"), undefined);
  assert.equal(headerBytes(headers, "none"), undefined);
});

test("what is not UTF-8 is replaced, and a mark stays", () => {
  const headers = toHeaders([
    ["x", bytes(0xff, 0x41)],
    ["mark", bytes(0xef, 0xbb, 0xbf, 0x41)],
  ]);
  assert.equal(headerText(headers, "x"), "\ufffdA");
  assert.equal(headerText(headers, "mark"), "\ufeffA");
  assert.deepEqual(headerBytes(headers, "x"), bytes(0xff, 0x41));
});

test("what no field can hold is the platform's TypeError, and the fields stay as they were", () => {
  const headers = new Headers({ x: "1" });
  for (const [name, text] of [
    ["x", "a\nb"],
    ["x", "a\0"],
    ["x", "\ud800"],
    ["a b", "1"],
    ["", "1"],
  ] as const) {
    assert.throws(
      () => setHeaderText(headers, name, text),
      TypeError,
      JSON.stringify([name, text]),
    );
    assert.throws(() => appendHeaderText(headers, name, text), TypeError);
  }
  assert.throws(() => toHeaders([["a b", bytes(0x41)]]), TypeError);
  assert.deepEqual([...headers], [["x", "1"]]);
});

test("fields go to the platform's type and back as they are", () => {
  const every = Uint8Array.from({ length: 256 }, (_, byte) => byte).filter(
    (byte) => byte > 0x20 && byte !== 0x7f,
  );
  const long = new Uint8Array(100_000).fill(0xe9);
  const headers = toHeaders([
    ["set-cookie", new TextEncoder().encode("a=1, x")],
    ["X-List", bytes(0x31)],
    ["set-cookie", new TextEncoder().encode("b=2")],
    ["x-list", bytes(0x32)],
    ["every", every],
    ["long", long],
    ["empty", bytes()],
  ]);
  assert.deepEqual(
    fromHeaders(headers).map(([name, value]) => [name, Buffer.from(value).toString("latin1")]),
    [
      ["empty", ""],
      ["every", Buffer.from(every).toString("latin1")],
      ["long", Buffer.from(long).toString("latin1")],
      ["set-cookie", "a=1, x"],
      ["set-cookie", "b=2"],
      ["x-list", "1, 2"],
    ],
  );
});
