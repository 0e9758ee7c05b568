// What components do by the standards, Node does as well, so that a test sees it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { reset } from "@edgewit/sdk/testing";

const { standard } = (await import(
  new URL("../test/guests/app/src/standard.js", import.meta.url).href
)) as { standard: Record<string, () => unknown> };

reset();

for (const [name, check] of Object.entries(standard)) {
  test(name, async () => assert.equal(await check(), true));
}
