import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import * as log from "@edgewit/sdk/log";
import { reset, takeLog } from "@edgewit/sdk/testing";

beforeEach(reset);

test("each level has a function, and lines keep their order", () => {
  for (const level of ["trace", "debug", "info", "warn", "error"] as const) {
    log[level](`at ${level}`);
  }
  const lines = takeLog();
  const seen = lines.map(({ level, message, target, fields }) => [level, message, target, fields]);
  assert.deepEqual(seen, [
    ["trace", "at trace", "app", []],
    ["debug", "at debug", "app", []],
    ["info", "at info", "app", []],
    ["warn", "at warn", "app", []],
    ["error", "at error", "app", []],
  ]);
  assert.deepEqual(takeLog(), []);
  assert.equal(log.minLevel(), "trace");
});

test("fields are an object's or pairs', in order, repeated names included", () => {
  log.info("a", { visits: 2n, name: "ada", n: 1.5, is: true });
  log.event("warn", "b", {
    target: "guest",
    fields: [
      ["x", "1"],
      ["x", "2"],
    ],
  });
  const [a, b] = takeLog();
  assert.deepEqual(a?.fields, [
    ["visits", "2"],
    ["name", "ada"],
    ["n", "1.5"],
    ["is", "true"],
  ]);
  assert.deepEqual(
    [b?.target, b?.fields],
    [
      "guest",
      [
        ["x", "1"],
        ["x", "2"],
      ],
    ],
  );
});

test("whatever is logged is one line, and nothing throws", () => {
  log.info("one\ntwo \ud800", { "\udc00": "\ud800a" });
  log.info("");
  log.info(
    {
      toString: () => {
        throw new Error("no");
      },
    } as unknown as string,
    {
      symbol: Symbol("s") as unknown as string,
      bare: Object.create(null),
    },
  );
  const lines = takeLog();
  assert.deepEqual(
    [lines[0]?.message, lines[0]?.fields],
    ["one\ntwo \ufffd", [["\ufffd", "\ufffda"]]],
  );
  assert.equal(lines[1]?.message, "");
  assert.equal(lines[2]?.message, "[object Object]");
  assert.deepEqual(lines[2]?.fields, [
    ["symbol", "Symbol(s)"],
    ["bare", "[object Object]"],
  ]);
});
