import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { testEnv } from "@edgewit/sdk/testing";
import app from "../src/main.js";

beforeEach(() => void testEnv("visits"));

const text = async (path: string) => (await app.request(path)).text();

test("greets and counts", async () => {
  assert.equal(await text("/hello/ada"), "hello ada, visit 1");
  assert.equal(await text("/hello/ada"), "hello ada, visit 2");
  assert.equal(await text("/hello/bob"), "hello bob, visit 1");
});

test("greets whoever comes", async () => {
  assert.equal(await text("/"), "hello, whoever you are");
  assert.equal((await app.request("/bye")).status, 404);
});
