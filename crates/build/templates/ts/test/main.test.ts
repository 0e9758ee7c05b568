import assert from "node:assert/strict";
import { test } from "node:test";

import { testEnv } from "@edgewit/sdk/testing";
import app from "../src/main.js";

test("greets and counts", async () => {
  const env = testEnv("visits");
  const get = async (path: string) => (await app.request(path, {}, env)).text();
  assert.equal(await get("/hello/ada"), "hello ada, visit 1");
  assert.equal(await get("/hello/ada"), "hello ada, visit 2");
  assert.equal((await app.request("/bye", {}, env)).status, 404);
});
