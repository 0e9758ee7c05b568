// An application of Hono's, exported as it is.

import { Hono } from "hono";
import { cors } from "hono/cors";
import { streamSSE } from "hono/streaming";
import { Store } from "@edgewit/sdk/kv";

const app = new Hono<{ Bindings: { visits: Store } }>();

app.use("*", cors());

app.get("/hello/:name", async (c) => {
  const visits = await c.env.visits.increment(c.req.param("name"), 1n);
  c.executionCtx.waitUntil(Promise.resolve().then(() => console.info(`visit ${visits}`)));
  return c.json({ hello: c.req.param("name"), visits: Number(visits) });
});

app.post("/echo", async (c) => c.text(await c.req.text(), 201));

app.get("/events", (c) =>
  streamSSE(c, async (stream) => {
    for (let n = 0; n < 3; n++) {
      await stream.writeSSE({ data: `event ${n}`, id: String(n) });
      await stream.sleep(5);
    }
  }),
);

app.get(
  "/up",
  async (c, next) => {
    await next();
    c.header("x-by", "middleware");
  },
  (c) => fetch(c.req.query("url")!),
);

app.get("/fails", () => {
  throw new Error("of Hono");
});

export default app;
