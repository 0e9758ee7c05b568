// Steps on a router of their own.

import { Router } from "@edgewit/sdk";
import type { Verbs } from "./script.js";

export const routes: Verbs = {
  "route.twice"(_, operands) {
    new Router()
      .get(operands.text(0), (c) => c.text("one"))
      .get(operands.text(1), (c) => c.text("other"));
  },
  async "route.next-twice"() {
    const router = new Router()
      .wrap("/*path", async (_, next) => {
        await next();
        return next();
      })
      .get("/", (c) => c.text("root"));
    await router.fetch(new Request("http://router.test/"));
  },
};
