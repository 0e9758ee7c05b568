// What a handler is given.

import { Store } from "@edgewit/sdk/kv";

export const handling = {
  given({ env, ctx, app }) {
    return Response.json({
      app: app.name,
      env: Object.getOwnPropertyNames(env),
      symbols: Object.getOwnPropertySymbols(env).length,
      store: typeof env.visits.increment,
      passThroughOnException: "passThroughOnException" in ctx,
      requestId: ctx.requestId.length > 0,
      client: ctx.client,
      protocol: ctx.attributes.get("network.protocol.version"),
    });
  },

  async visit({ env, query }) {
    return new Response(String(await env.visits.increment(query("key"), 1n)));
  },

  ungranted: () => new Store("nope").get("key"),

  // Waits at a gate, and then asks another server, both for as long as the client is there.
  async watch({ request, query }) {
    request.signal.addEventListener("abort", () => console.info("the event came"));
    try {
      await fetch(query("url"), { signal: request.signal });
    } catch (error) {
      console.info(`${error.name}: ${error.message}, ${error === request.signal.reason}`);
    }
    await fetch(query("gate"));
    console.info("went on");
    return new Response("late");
  },

  // As above, without a look at the client.
  async ignore({ query }) {
    await fetch(query("gate"));
    console.info("went on");
    return new Response("late");
  },

  async signals({ request, query }) {
    const before = request.signal.aborted;
    await fetch(query("gate"));
    return Response.json({ before, after: request.signal.aborted });
  },

  // What is left over is done after the reply.
  left({ ctx, query }) {
    ctx.waitUntil(fetch(query("gate")).then(() => console.info("waited")));
    return new Response("at once");
  },

  async after({ ctx, query }) {
    ctx.waitUntil(fetch(query("gate")).then(() => console.info("waited")));
    ctx.afterReply((error) => console.info(`after ${error?.code}`));
    ctx.afterReply(async () => {
      await fetch(query("gate"));
      console.info("after a fetch");
    });
    return new Response("at once");
  },
};
