import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { App } from "@edgewit/sdk";
import { info } from "@edgewit/sdk/log";
import { onFetch, reset, takeLog, testEnv } from "@edgewit/sdk/testing";

const app = new App()
  .get("/hello/:name", async (c) => {
    const visits = await c.kv("visits").increment(c.param("name"), 1n, { ttlMs: 1000n });
    info("hello", { visits });
    return c.text(`hello ${c.param("name")}, visit ${visits}`);
  })
  .get("/up", () => {
    console.warn("asks");
    return fetch("http://up.test/");
  });

beforeEach(reset);
afterEach(() => void vi.useRealTimers());

test("greets, counts and logs", async () => {
  const env = testEnv("visits");
  vi.useFakeTimers({ toFake: ["Date"] });
  const hello = async () => (await app.request("/hello/ada", {}, env)).text();
  expect(await hello()).toBe("hello ada, visit 1");
  expect(await hello()).toBe("hello ada, visit 2");
  expect(takeLog().map(({ fields }) => fields)).toEqual([[["visits", "1"]], [["visits", "2"]]]);
  vi.advanceTimersByTime(1000);
  expect(await hello()).toBe("hello ada, visit 1");
});

test("a store that was not granted is denied", async () => {
  expect((await app.request("/hello/ada")).status).toBe(500);
  expect(takeLog()[0]?.message).toMatch(/^KvError: denied: the store "visits" is not granted/);
});

test("asks a script instead of other servers", async () => {
  onFetch(({ url }) => new Response(url));
  expect(await (await app.request("/up")).text()).toBe("http://up.test/");
  expect(takeLog()).toEqual([{ level: "warn", target: "console", message: "asks", fields: [] }]);
});
