// Without the stores of `edge.toml` any name of a store compiles, and `env` has none.

import { App } from "@edgewit/sdk";
import { event } from "@edgewit/sdk/log";
import { testEnv } from "@edgewit/sdk/testing";

new App().get("/", async (c) => {
  await c.kv("whatever").get("a");
  // @ts-expect-error no store is known
  c.env.whatever;
  // @ts-expect-error no such level
  event("fatal", "");
  return c.text("");
});

testEnv("whatever");
