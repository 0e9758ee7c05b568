// What must compile, and what must not, where `Env` has the stores of `edge.toml`.

import { App, type Context, type ExecutionContext, type Env, type Handler } from "@edgewit/sdk";
import type { ReadOnlyStore, Store } from "@edgewit/sdk/kv";
import { listener, request, testEnv } from "@edgewit/sdk/testing";
import { Hono } from "hono";

const app = new App();

app.get("/hello/:name/*rest", async (c) => {
  const name: string = c.param("name") + c.param("rest");
  // @ts-expect-error the pattern has no parameter of this name
  c.param("nam");
  // @ts-expect-error the colon is no part of the name
  c.param(":name");

  const visits: bigint = await c.kv("visits").increment(name, 1n);
  const { settings } = c.env;
  // @ts-expect-error no store of this name is in edge.toml
  c.kv("visit");
  // @ts-expect-error no store of this name is in edge.toml
  c.env.visit;
  // @ts-expect-error a number where a bigint is due
  await c.kv("visits").increment(name, 1);
  // @ts-expect-error a number where a bigint is due
  await c.env.visits.set(name, "", { ttlMs: 1000 });
  // @ts-expect-error a number where a bigint is due
  await c.env.visits.set(name, "", { condition: { ifVersion: 1 } });
  // @ts-expect-error no such condition
  await c.env.visits.set(name, "", { condition: "if-present" });
  // @ts-expect-error a store with `values` is only read
  await settings.set(name, "");
  // @ts-expect-error a store with `values` is only read
  await settings.increment(name, 1n);
  // @ts-expect-error a store with `values` is only read
  await c.kv("settings").delete(name);
  // @ts-expect-error who writes is not given what is only read
  const written: Store = settings;
  const read: ReadOnlyStore = c.env.visits;
  await read.keys();

  const entry = await settings.get("greeting");
  // @ts-expect-error there may be no such entry
  entry.value;
  // @ts-expect-error JSON may be anything
  entry?.json().name;
  return c.text(`${visits} ${entry?.text()}`);
});

app.get("/plain", (c) => {
  // @ts-expect-error the pattern has no parameters
  c.param("name");
  return c.json({});
});

// @ts-expect-error a handler returns a response
app.post("/plain", (c) => {
  c.text("");
});

app.wrap("/admin/*path", async (c, next) => {
  c.param("path");
  // @ts-expect-error the pattern has no parameter of this name
  c.param("name");
  const reply: Response = await next();
  return reply;
});

const plain: Handler<"/plain"> = (c) => c.text("");
// @ts-expect-error nothing is optional
app.get("/o/:x?", (c) => c.text(""));
// @ts-expect-error no expression says what matches
app.get("/o/:id{[0-9]+}/a", (c) => c.text(""));
// @ts-expect-error the rest of a path has a name
app.wrap("/*", (_, next) => next());
// @ts-expect-error a pattern begins with a slash
app.wrap("*", (_, next) => next());
// @ts-expect-error one handler, and middleware is `wrap`
app.get("/plain", plain, plain);
// @ts-expect-error a router is mounted
app.route("/api", new App());
// @ts-expect-error middleware is `wrap`
app.use("/*rest", plain);
// @ts-expect-error a status has its name
app.get("/status", (c) => c.json({}, 201));
// @ts-expect-error only a middleware has something behind it
app.get("/next", (_, next) => next());

app.onError((c, error) => {
  // @ts-expect-error what is thrown may be anything
  error.message;
  // @ts-expect-error there is no pattern
  c.param("name");
  return c.text("");
});

const item: Handler<"/:id"> = (c) => c.text(c.param("id"));
app.get("/:id", item);
// @ts-expect-error the pattern does not have what the handler asks for
app.get("/:other", item);

// A helper is given the context of any pattern, and a pattern may come from elsewhere.
const user = (c: Context): string => c.requestId;
app.get("/users/:user", (c) => c.text(user(c)));
app.get(String("/:any"), (c) => c.text(c.param("any")));
app.get(`/${String("a")}/:b`, (c) => c.text(c.param("b")));

testEnv("visits", { settings: { greeting: "hello" } });
// @ts-expect-error no store of this name is in edge.toml
testEnv("visit");

// What an application exports by itself.
const exported = {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    ctx.waitUntil(env.visits.delete(request.url));
    return app.fetch(request, env, ctx);
  },
};
export default exported;

// A test calls any of them, with stores or without.
const env = testEnv("visits");
const hono = new Hono<{ Bindings: { visits: Store } }>();
await request(hono, "/hello/ada", { method: "POST" }, env);
await request(app, new URL("http://h/"));
await request(exported, "/");
await request({ fetch: () => new Response() }, "/");
await request(await listener(() => import("./app.js")), "/");
// @ts-expect-error an application has a `fetch`
await request({}, "/");
// @ts-expect-error it returns a response
await request({ fetch: () => "" }, "/");
// @ts-expect-error the context has no such member
await request({ fetch: (_: Request, __: Env, ctx: { stores: Env }) => new Response() }, "/");
