// What an `env` has not, as a component's engine tells of it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { notGranted, watchedEnv } from "../dist/internal/granted.js";

test("what an `env` has not is told where a message names it, and never else", () => {
  const env: Record<string, unknown> = watchedEnv(["visits", "settings"], () => 1);
  const of = (message: string) => notGranted(new TypeError(message), message);
  const nope = [
    `can't access property "get", env.nope is undefined`,
    `can't access property "get", c.env["nope"] is undefined`,
    `can't access property "get", this.#env2.nope is undefined`,
    "nope is undefined",
  ];
  // Not before it was asked for.
  assert.deepEqual(nope.map(of), ["", "", "", ""]);
  assert.equal(env["nope"], undefined);
  for (const name of ["then", "toJSON", "toString", "constructor"]) void env[name];
  void (env as never)[Symbol.iterator];
  const due =
    '; the store "nope" is not granted ([kv.nope] in edge.toml, in a test `testEnv`): `env` has visits, settings';
  for (const message of nope) assert.equal(of(message), due, message);
  for (const message of [
    `can't access property "get", cache is undefined`,
    `can't access property "nope", cache is undefined`,
    `can't access property "get", options.nope is undefined`,
    "then is undefined",
    "nope is undefined here",
    "Cannot read properties of undefined (reading 'get')",
  ]) {
    assert.equal(of(message), "", message);
  }
  assert.equal(notGranted(new Error(nope[0]), nope[0]!), "");
  assert.ok(!("nope" in env));
});
