// Greets by name, and counts the visits of each.

import { App } from "@edgewit/sdk";

const GREETING = "hello";

export default new App()
  .get("/", (c) => c.text(`${GREETING}, whoever you are`))
  .get("/hello/:name", async (c) => {
    const visits = await c.kv("visits").increment(c.param("name"), 1n);
    console.info(`hello visits=${visits}`);
    return c.text(`${GREETING} ${c.param("name")}, visit ${visits}`);
  });
