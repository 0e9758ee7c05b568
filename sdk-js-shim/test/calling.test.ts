// An application called in process has what it has in a component.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import {
  App,
  bodyLength,
  type EdgewitError,
  FixedLengthStream,
  trailers,
  withTrailers,
} from "@edgewit/sdk";
import type { Store } from "@edgewit/sdk/kv";
import * as log from "@edgewit/sdk/log";
import { listener, onFetch, request, reset, takeLog, testEnv } from "@edgewit/sdk/testing";
import { Hono } from "hono";
import { cors } from "hono/cors";
import { logger } from "hono/logger";

beforeEach(reset);

const lines = () => takeLog().map(({ level, target, message }) => [level, target, message]);

/** The name and the code of what `work` rejects with. */
async function failing(work: () => Promise<unknown>): Promise<string> {
  const error = await work().then(
    () => assert.fail("it did not fail"),
    (error: TypeError) => error,
  );
  return `${error.name} ${(error.cause as EdgewitError | undefined)?.code}`;
}

test("what an application prints is in its log, with the level that it has there", async () => {
  const app = new App().get("/", (c) => {
    console.log("a %s of %o", "line", { n: 1n });
    console.debug("debug");
    console.group("group");
    console.warn(new Map([["a", 1]]));
    console.groupEnd();
    console.error("error");
    console.assert(false, "assert");
    log.info("between");
    console.trace("trace");
    return c.text("");
  });
  console.info("of the test, and no line");
  await (await app.request("/")).text();
  console.info("of the test, and no line");
  const said = lines();
  const trace = said.pop();
  assert.deepEqual(said, [
    ["info", "console", "a line of { n: 1n }"],
    ["debug", "console", "debug"],
    ["info", "console", "group"],
    ["warn", "console", "  Map(1) { 'a' => 1 }"],
    ["error", "console", "error"],
    ["error", "console", "Assertion failed: assert"],
    ["info", "app", "between"],
  ]);
  assert.deepEqual(trace?.slice(0, 2), ["trace", "console"]);
  assert.match(trace?.[2] ?? "", /^Trace: trace\n    at [^]*calling\.test/);
});

test("what is printed in colours is in the log without", async () => {
  const app = new Hono().use(logger()).get("/", (c) => {
    console.info({ a: "\x1b[1;31mred\x1b[0m" }, "\x1b[32mgreen\x1b[39m \x1b[K");
    return c.text("");
  });
  await request(app, "/");
  const [, printed, reply] = lines().map(([, , text]) => text!);
  assert.equal(printed, "{ a: '\\x1B[1;31mred\\x1B[0m' } green \x1b[K");
  assert.match(reply!, /^--> GET \/ 200 \d+ms$/);
});

test("a call's groups, counts and times are its own", async () => {
  let met = () => {};
  const meeting = new Promise<void>((resolve) => (met = resolve));
  const app = new App()
    .get("/first", async (c) => {
      console.group("first");
      console.count();
      console.time();
      await meeting;
      console.count();
      return c.text("");
    })
    .get("/second", () => {
      console.count();
      console.timeLog();
      met();
      throw new Error("it ends within no group");
    });
  await Promise.all([app.request("/first"), app.request("/second")]);
  const told = lines().filter(([, target]) => target === "console");
  assert.deepEqual(
    told.map(([, , text]) => text),
    ["first", "  default: 1", "default: 1", "  default: 2"],
  );
});

test("it prints while its body is read, and after its reply", async () => {
  const chunks = ["one", "two"];
  const app = new App().get("/", (c) => {
    assert.throws(() => c.waitUntil((async () => {}) as never), /call the function/);
    c.waitUntil(new Promise((resolve) => setTimeout(resolve, 5)).then(() => console.info("work")));
    c.afterReply(() => console.info("after"));
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          const chunk = chunks.shift();
          console.info(`pull ${chunk}`);
          if (chunk === undefined) controller.close();
          else controller.enqueue(new TextEncoder().encode(chunk));
        },
      },
      { highWaterMark: 0 },
    );
    return new Response(body);
  });
  const reply = await app.request("/");
  assert.deepEqual(lines(), []);
  assert.equal(await reply.text(), "onetwo");
  const messages = lines().map(([, , message]) => message);
  assert.deepEqual(messages, ["pull one", "pull two", "pull undefined", "after", "work"]);
});

test("a body that was read is `consumed`, and what is no JSON is `json`", async () => {
  onFetch(() => new Response("upstream"));
  const app = new App().post("/", async (c) => {
    const bad = c.request.clone();
    const codes = [await failing(() => bad.json())];
    await c.request.text();
    codes.push(await failing(() => c.request.json()));
    const response = await fetch("http://up.test/");
    await response.arrayBuffer();
    codes.push(await failing(() => response.text()));
    const latin = new Response(Uint8Array.of(0x22, 0xff, 0x22));
    codes.push(await failing(() => latin.json()));
    assert.equal(await new Response("\ufeff1").json(), 1);
    return c.json(codes);
  });
  const reply = await app.request("/", { method: "POST", body: "{" });
  const json = "SyntaxError json";
  const consumed = "TypeError consumed";
  assert.deepEqual(await reply.json(), [json, consumed, consumed, json]);
});

test("a reply that is whole is counted, and a stream's length is told where it was promised", async () => {
  const stream = () => new Blob(["abc"]).stream();
  const replies: Record<string, () => Response> = {
    text: () => new Response("hé", { headers: { "content-length": "9" } }),
    form: () => new Response(new URLSearchParams({ a: "1" })),
    handed: () => new Response(new Response("abc").body),
    copied: () => new Response("abc").clone(),
    stream: () => new Response(stream(), { headers: { "content-length": "9" } }),
    promised: () => new Response(stream().pipeThrough(new FixedLengthStream(3))),
    none: () => new Response(null, { headers: { "content-length": "9" } }),
    empty: () => new Response(""),
    "no-content": () => new Response(null, { status: 204, headers: { "content-length": "9" } }),
    "not-modified": () => new Response(null, { status: 304, headers: { "content-length": "9" } }),
    fails: () => {
      throw new Error("by the test");
    },
  };
  const app = new App().get("/:kind", (c) => replies[c.param("kind")]!());
  const lengths = async (method: string) => {
    const all: Record<string, string | null> = {};
    for (const kind of Object.keys(replies)) {
      const reply = await app.request(`/${kind}`, { method });
      await reply.text();
      all[kind] = reply.headers.get("content-length");
    }
    return all;
  };
  const due = {
    text: "3",
    form: "3",
    handed: "3",
    copied: "3",
    stream: null,
    promised: "3",
    none: "0",
    empty: "0",
    "no-content": null,
    "not-modified": "9",
    fails: "0",
  };
  assert.deepEqual(await lengths("GET"), due);
  assert.deepEqual(await lengths("HEAD"), { ...due, none: "9", empty: null });
});

test("a body arrives with the length that its client knows", async () => {
  const app = new App().post("/*path", ({ request, url }) => {
    const length = `${request.headers.get("content-length")} ${bodyLength(request)}`;
    const handed = url.pathname === "/handed" ? request.body : "";
    return new Response(handed, { headers: { length } });
  });
  const of = async (body: string | URLSearchParams | ReadableStream, path = "/", headers = {}) => {
    const init = { method: "POST", body, headers, duplex: "half" } as const;
    const reply = await app.request(path, init);
    return [reply.headers.get("length"), reply.headers.get("content-length"), await reply.text()];
  };
  const stream = () => new Blob(["abc"]).stream();
  const announced = { "content-length": "3" };
  assert.deepEqual(await of("hé"), ["3 3", "0", ""]);
  assert.deepEqual(await of(new URLSearchParams({ a: "1" })), ["3 3", "0", ""]);
  assert.deepEqual(await of(stream()), ["null undefined", "0", ""]);
  assert.deepEqual(await of(stream(), "/", announced), ["3 3", "0", ""]);
  assert.deepEqual(await of("abc", "/handed"), ["3 3", "3", "abc"]);
  assert.deepEqual(await of(stream(), "/handed"), ["null undefined", null, "abc"]);
  assert.deepEqual(await of(stream(), "/handed", announced), ["3 3", "3", "abc"]);
});

test("a reply whose stream fails has one line of the log", async () => {
  const app = new App().get("/", (c) => {
    c.afterReply((error) => console.info(`over: ${error?.code}`));
    const pull = () => Promise.reject(new Error("lost", { cause: new RangeError("beneath") }));
    return new Response(new ReadableStream({ pull }));
  });
  const reply = await app.request("/");
  assert.deepEqual(lines(), []);
  await assert.rejects(reply.text(), /lost/);
  assert.deepEqual(lines(), [
    ["error", "edgewit", "lost: RangeError: beneath"],
    ["info", "console", "over: other"],
  ]);
});

test("the trailers of a reply are known at its end", async () => {
  const app = new App().get(
    "/",
    () =>
      new Response(withTrailers(new Blob(["abc"]).stream(), () => new Headers({ "x-sum": "7" }))),
  );
  const reply = await app.request("/");
  assert.equal(trailers(reply), undefined);
  const { body } = reply;
  assert.equal(await reply.text(), "abc");
  assert.deepEqual([...trailers(body!)!], [["x-sum", "7"]]);
});

test("what Node 20 lacks of a component is there", async () => {
  const app = new App().get("/", async (c) => {
    const bytes = await (c.request as Request & { bytes(): Promise<Uint8Array> }).bytes();
    const { parse } = URL as unknown as { parse(url: string): URL | null };
    const { navigator } = globalThis as unknown as { navigator: { userAgent: unknown } };
    return c.json([bytes.length, parse("no url"), typeof navigator.userAgent]);
  });
  assert.deepEqual(await (await app.request("/")).json(), [0, null, "string"]);
});

test("an application of Hono's is called as any other, and so is one that it has listen", async () => {
  const env = testEnv("visits");
  const hono = () =>
    new Hono<{ Bindings: { visits: Store } }>().get("/hello/:name", async (c) => {
      c.executionCtx.waitUntil(Promise.resolve().then(() => console.info("waited")));
      return c.text(`hello ${c.req.param("name")}`);
    });
  const counting = hono().get("/visits", async (c) =>
    c.json(Number(await c.env.visits.increment("ada", 1n))),
  );
  assert.equal(await (await request(counting, "/hello/ada", {}, env)).text(), "hello ada");
  assert.equal(await (await request(counting, "/visits", {}, env)).json(), 1);
  const listening = await listener(async () => hono().fire());
  assert.equal(await (await request(listening, "/hello/bob")).text(), "hello bob");
  assert.deepEqual(lines(), [
    ["info", "console", "waited"],
    ["info", "console", "waited"],
  ]);
});

test("Hono's middleware changes what a handler fetched", async () => {
  onFetch(() => new Response("up"));
  const app = new Hono()
    .use(cors())
    .use(async (c, next) => {
      await next();
      c.header("x-by", "middleware");
    })
    .get("/", () => fetch("http://up.test/"));
  const reply = await request(app, "/");
  const { headers } = reply;
  assert.deepEqual(
    [headers.get("access-control-allow-origin"), headers.get("x-by"), await reply.text()],
    ["*", "middleware", "up"],
  );
});

test("what the host knows of a request is the same each time", async () => {
  const app = new App().get("/", (c) =>
    c.json([c.attributes === c.attributes, c.attributes.get("network.protocol.version")]),
  );
  assert.deepEqual(await (await app.request("/")).json(), [true, "1.1"]);
});

test("the fields of a copy of a fetched response stay as well", async () => {
  onFetch(() => new Response("up", { headers: { a: "1" } }));
  const response = await fetch("http://up.test/");
  const copy = response.clone();
  assert.throws(() => copy.headers.set("a", "2"), /immutable/);
  assert.equal(await copy.text(), "up");
});

test("an application that listens is one that can be called", async () => {
  const app = await listener(() => import("./listening.js"));
  assert.ok(!("addEventListener" in globalThis));
  assert.equal(await (await request(app, "/hello")).text(), "hello from fetch");
  assert.deepEqual(lines(), [["info", "console", "waited"]]);
  assert.equal(await (await request(app, "/object")).text(), "an object");
  assert.equal((await request(app, "/other")).status, 500);
  assert.match(takeLog()[0]?.message ?? "", /no listener of `fetch` called respondWith/);
  await assert.rejects(
    listener(() => import("./listening.js")),
    /imported before/,
  );
  await assert.rejects(
    listener(() => Promise.reject(new Error("of the module"))),
    /of the module/,
  );
  assert.ok(!("removeEventListener" in globalThis));
});

test("an application that another one loads is an error, and no wait without an end", async () => {
  await assert.rejects(
    listener(() => listener(() => import("./listening.js"))),
    /`listener` was called by what another `listener` loads/,
  );
});

test("applications that are loaded at once listen each for itself", async () => {
  const before = Object.getOwnPropertyDescriptor(globalThis, "addEventListener");
  const loading = (text: string, ms: number) =>
    listener(async () => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      addEventListener("fetch", (event) => event.respondWith(new Response(text)));
    });
  const failed = listener(() => Promise.reject(new Error("of the module")));
  const [slow, fast] = await Promise.all([
    loading("slow", 20),
    loading("fast", 1),
    assert.rejects(failed, { message: "of the module" }),
  ]);
  assert.equal(await (await request(slow, "/")).text(), "slow");
  assert.equal(await (await request(fast, "/")).text(), "fast");
  assert.deepEqual(Object.getOwnPropertyDescriptor(globalThis, "addEventListener"), before);
});

test("a platform's own events stay its own, and a listener that is added twice answers once", async () => {
  const heard: string[] = [];
  const names = ["addEventListener", "removeEventListener"] as const;
  const own = names.map((name) => (type: string) => void heard.push(`${name} ${type}`));
  names.forEach((name, at) =>
    Object.defineProperty(globalThis, name, { value: own[at], configurable: true }),
  );
  const app = await listener(async () => {
    const answer = (event: FetchEvent): void => event.respondWith(new Response("once"));
    for (const type of ["error", "fetch", "fetch"] as const) {
      addEventListener(type as "fetch", answer);
    }
    removeEventListener("error" as "fetch", answer);
  });
  const left = names.map((name) => globalThis[name]);
  // Node has none.
  for (const name of names) Reflect.deleteProperty(globalThis, name);
  assert.deepEqual(left, own);
  assert.deepEqual(heard, ["addEventListener error", "removeEventListener error"]);
  assert.equal(await (await request(app, "/")).text(), "once");
});
