import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { App, EdgewitError, FetchError } from "@edgewit/sdk";
import { open, type Store } from "@edgewit/sdk/kv";
import { onFetch, request, reset, takeLog, testEnv } from "@edgewit/sdk/testing";

const platform = globalThis.fetch;

test("a script answers for other servers", async () => {
  reset();
  onFetch(async (request) => {
    const text = await request.text();
    return new Response(`${request.method} ${request.url} ${text} ${request.headers.get("x")}`);
  });
  const app = new App().get("/", async (c) => {
    const [a, b] = await Promise.all([
      fetch("http://up.test/a", { method: "POST", body: "b", headers: { x: "1" } }),
      fetch(new URL("http://up.test/b")),
    ]);
    return c.text(`${await a.text()}; ${b.url} ${b.status}`);
  });
  const expected = "POST http://up.test/a b 1; http://up.test/b 200";
  assert.equal(await (await app.request("/")).text(), expected);
});

test("what no script answers is denied, a TypeError with its cause", async () => {
  const denied = (error: unknown) =>
    error instanceof TypeError &&
    error.cause instanceof FetchError &&
    error.cause.code === "denied";
  for (const begin of [reset, testEnv, () => onFetch(() => undefined)]) {
    globalThis.fetch = platform;
    begin();
    await assert.rejects(fetch("http://up.test/"), denied);
  }
  onFetch(() => new Response());
  reset();
  await assert.rejects(fetch("http://up.test/"), denied);
  await assert.rejects(fetch("not a url"), TypeError);
  const app = new App().get("/", () => fetch("https://up.test:81/secret?key=secret#a"));
  assert.equal((await app.request("/")).status, 500);
  assert.equal(
    takeLog()[0]?.message,
    "TypeError: fetch of https://up.test:81 failed: denied: this origin, or where it leads, " +
      "is not granted (`fetch` in edge.toml, in a test `onFetch`)",
  );
});

test("what is denied names the line that asked", async () => {
  reset();
  const app = new App().get("/", async () => {
    await null;
    return fetch("http://up.test/");
  });
  let printed: unknown;
  mock.method(console, "error", (error: unknown) => (printed = error), { times: 1 });
  assert.equal((await app.request("/")).status, 500);
  mock.restoreAll();
  const { stack = "" } = printed as Error;
  assert.match(
    stack,
    /^TypeError: fetch of http:\/\/up.test failed: denied: .*\n    at .*testing\.test/,
  );
});

test("a script that answers with no response is told of it", async () => {
  const asking = () => fetch("http://up.test/");
  for (const [answer, message] of [
    [
      "text",
      /^the function of `onFetch` returned no Response but a string; `new Response\(text\)`/,
    ],
    [{ ok: true }, /but an object; `Response.json\(value\)` is one$/],
    [null, /but null$/],
  ] as const) {
    onFetch((() => answer) as unknown as () => Response);
    await assert.rejects(asking, { name: "TypeError", message });
  }
  const once = new Response("once");
  onFetch(() => once);
  assert.equal(await (await asking()).text(), "once");
  await assert.rejects(asking, /used already/);
  assert.throws(
    () => onFetch("text" as never),
    /^TypeError: `onFetch` takes a function that answers a request, not a string$/,
  );
  await assert.rejects(request("/" as never, "/"), {
    message: "`request` takes an application first, whose `fetch` is a function, not undefined",
  });
});

test("a script may fail as a host does, or by mistake", async () => {
  onFetch(() => {
    throw new FetchError({ tag: "connection-refused", val: "127.0.0.1:1" });
  });
  await assert.rejects(fetch("http://up.test/"), (error: unknown) => {
    const { cause } = error as TypeError;
    return error instanceof TypeError && (cause as EdgewitError).code === "connection-refused";
  });
  onFetch(() => assert.fail("by mistake"));
  await assert.rejects(fetch("http://up.test/"), assert.AssertionError);
});

test("a script's response is as fetched: from a URL without a fragment, with fields that stay", async () => {
  onFetch(() => new Response("", { headers: { a: "1" } }));
  const response = await fetch("http://up.test/a?b#c");
  assert.equal(response.url, "http://up.test/a?b");
  for (const change of [
    () => response.headers.set("a", "2"),
    () => response.headers.append("a", "2"),
    () => response.headers.delete("a"),
  ]) {
    assert.throws(change, {
      name: "TypeError",
      message:
        /^`a` can't be \w+: the headers of a response that was fetched, from http:\/\/up.test, are immutable; those of `new Response\(response.body, response\)`, a copy, are not$/,
    });
  }
  const own = new Response(response.body, response);
  own.headers.set("a", "2");
  assert.deepEqual([response.headers.get("a"), own.headers.get("a")], ["1", "2"]);
});

test("middleware changes the fields of a fetched response, too", async () => {
  onFetch(() => new Response("up", { status: 201, headers: { a: "1" } }));
  const app = new App()
    .wrap("/*path", async (_, next) => {
      const reply = await next();
      reply.headers.set("b", reply.url);
      return reply;
    })
    .get("/", () => fetch("http://up.test/"));
  const reply = await app.request("/");
  const { status, headers } = reply;
  assert.deepEqual(
    [status, headers.get("a"), headers.get("b"), await reply.text()],
    [201, "1", "http://up.test/", "up"],
  );
});

test("an `env` has stores by any name, and nothing else", async () => {
  const env = testEnv("__proto__", { constructor: { greeting: "hello" } }) as Record<string, Store>;
  assert.deepEqual(Reflect.ownKeys(env), ["__proto__", "constructor"]);
  assert.equal(await env["__proto__"]?.increment("a", 1n), 1n);
  assert.equal((await env["constructor"]?.get("greeting"))?.text(), "hello");
  assert.equal(env["toString"], undefined);
});

test("a signal ends the wait for a script", async () => {
  onFetch(() => new Promise(() => {}));
  const control = new AbortController();
  const pending = fetch("http://up.test/", { signal: control.signal });
  control.abort(new Error("enough"));
  await assert.rejects(pending, { message: "enough" });
  await assert.rejects(fetch("http://up.test/", { signal: control.signal }), { message: "enough" });
});

test("nothing but a server is fetched, and no script is asked for it", async () => {
  onFetch(() => assert.fail("by mistake"));
  for (const [url, of] of [
    ["data:text/plain,hi", "data:"],
    ["ftp://up.test/a", "ftp://up.test"],
  ] as const) {
    await assert.rejects(fetch(url), {
      name: "TypeError",
      message: `fetch of ${of} failed: invalid-request: the scheme is neither http nor https`,
    });
  }
});

test("fake timers turn the clock of the stores", async (t) => {
  reset();
  t.after(() => mock.timers.reset());
  mock.timers.enable({ apis: ["Date"], now: 1000 });
  testEnv("visits");
  const store = await open("visits");
  await store.set("a", "x", { ttlMs: 50n });
  assert.equal((await store.get("a"))?.expiresInMs, 50n);
  mock.timers.tick(50);
  assert.equal(await store.exists("a"), false);
});

test("a server that never answers is ended by a timeout", async () => {
  onFetch(() => new Promise(() => {}));
  const signal = AbortSignal.timeout(5);
  await assert.rejects(fetch("https://never.example/", { signal }), { name: "TimeoutError" });
});
