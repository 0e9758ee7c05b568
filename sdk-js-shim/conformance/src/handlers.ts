// Handlers as an application has them: a second way over the same calls.

import {
  abort,
  type Context,
  EdgewitError,
  type ErrorHandler,
  type Handler,
  Router,
} from "@edgewit/sdk";
import * as log from "@edgewit/sdk/log";
import { exactJson } from "./bodies.js";

let requests = 0;

/** The text of the one error that the application answers by itself. */
const CAUGHT = "caught: the reason";

const mounted = new Router()
  .wrap("/*rest", async (c, next) => {
    const reply = await next();
    reply.headers.set("mounted", c.url.pathname);
    return reply;
  })
  .get("/", (c) => c.text("root"))
  .get("/:id", (c) => c.text(`item ${c.param("id")}`));

export const handlers = new Router()
  .get("/hello/:name", async (c) => {
    const name = c.param("name");
    const visits = await c.kv("visits").increment(name, 1n);
    return c.text(`hello ${name}`, { headers: { visits: String(visits) } });
  })
  .post("/echo", ({ request }) => {
    const type = request.headers.get("content-type");
    return new Response(request.body, type === null ? {} : { headers: { "content-type": type } });
  })
  .get("/fields", () => {
    const headers = new Headers();
    headers.append("set-cookie", "a=1; expires=Mon, 01 Jan 2035 00:00:00 GMT");
    headers.append("set-cookie", "b=2");
    headers.append("x-list", "one");
    headers.append("x-list", "two");
    return new Response(null, { headers });
  })
  .get("/stream", () => {
    const chunks = ["one", "two", "three"];
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        const chunk = chunks.shift();
        if (chunk === undefined) controller.close();
        else controller.enqueue(new TextEncoder().encode(chunk));
      },
    });
    return new Response(stream);
  })
  .get("/forward", () => fetch("http://up.test/"))
  .get("/fan-out", async (c) => {
    const texts = ["1", "2", "3"].map(async (path) => {
      const response = await fetch(`http://up.test/${path}`);
      return response.text();
    });
    return c.text((await Promise.all(texts)).join(","));
  })
  .get("/error", () => {
    throw new Error("refused: the reason");
  })
  .get("/panic", () => abort("broken: the reason"))
  .get("/later", (c) => {
    c.afterReply(() => log.info("later"));
    return c.text("now");
  })
  .get("/levels", (c) => {
    log.trace("trace");
    log.debug("debug");
    log.info("info");
    log.warn("warn");
    log.error("error");
    return c.text("");
  })
  .get("/global", (c) => c.text(String(++requests)))
  .wrap("/wrapped/*rest", async (_, next) => adding("outer", await next()))
  .wrap("/wrapped/*rest", async (c, next) => {
    if (c.param("rest") === "short") return c.text("short", { status: 403 });
    return adding("inner", await next());
  })
  .get("/wrapped/inner", (c) => c.text("inner"))
  .mount("/mounted", mounted)
  .get("/slash", (c) => c.text("without"))
  .get("/slash/", (c) => c.text("with"))
  .get("/caught", () => {
    throw new Error(CAUGHT);
  })
  .post("/json", async (c) => {
    try {
      const { n, name } = await exactJson(c.request);
      if (typeof name !== "string") throw new EdgewitError("json", "`name` is no text");
      return c.json({ hello: name, n });
    } catch (error) {
      if (!(error instanceof EdgewitError) || error.code !== "json") throw error;
      return c.text("json", { status: 400 });
    }
  })
  .get("/pattern/:a", (c) => c.text(`parameter ${c.param("a")}`))
  .get("/pattern/literal", (c) => c.text("literal"))
  .get("/pattern/*rest", (c) => c.text(`rest ${c.param("rest")}`));

export const notFound: Handler<"/"> = (c) => {
  const path = c.url.pathname;
  if (!path.startsWith("/s/absent/")) return new Response(null, { status: 404 });
  return c.text(`no ${path}`, { status: 404 });
};

export const onError: ErrorHandler = (c: Context<never>, error) => {
  if (!(error instanceof Error) || error.message !== CAUGHT) throw error;
  return c.text(CAUGHT, { status: 418 });
};

/** Adds a field with how many a middleware has added before. */
function adding(name: string, reply: Response): Response {
  const before = ["outer", "inner"].filter((name) => reply.headers.has(name)).length;
  reply.headers.set(name, String(before));
  return reply;
}
