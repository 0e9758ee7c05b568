// Requests to other servers.

import { App, redirects, upload, setTrailers, trailers } from "@edgewit/sdk";

/** An error, whatever is thrown, as an object to compare. */
export function told(error) {
  if (!(error instanceof Error)) return { thrown: String(error) };
  const { name, message, cause } = error;
  const code = cause?.code ?? null;
  return { name, message, cause: cause?.name ?? null, code };
}

function piece(text) {
  return new TextEncoder().encode(text);
}

const upper = () =>
  new TransformStream({
    transform(chunk, controller) {
      controller.enqueue(piece(new TextDecoder().decode(chunk).toUpperCase()));
    },
  });

export const fetching = {
  async fetch({ query }) {
    const init = { headers: { "x-from": "guest" } };
    if (query("redirect")) init.redirect = query("redirect");
    if (query("method")) init.method = query("method");
    if (query("body")) init.body = query("body");
    try {
      const up = await fetch(query("url"), init);
      const { status, url, redirected, type } = up;
      const text = await up.text();
      return Response.json({ status, url, redirected, type, redirects: redirects(up), text });
    } catch (error) {
      return Response.json(told(error));
    }
  },

  // A request that is made of another one and of what it says beside.
  async made({ query }) {
    const one = new Request(query("url"), {
      method: "PUT",
      headers: { "x-one": "1", "content-type": "a/b" },
      body: "of the first",
    });
    const two = new Request(one, { method: "post", headers: { "x-two": "2" } });
    const first = await (await fetch(two)).text();
    const three = new Request(query("url"), {
      method: "PATCH",
      body: new URLSearchParams({ a: "b c" }),
    });
    const second = await (await fetch(three, { headers: { "x-three": "3" } })).text();
    return Response.json({ first, second });
  },

  // Several at once: in which order they were answered.
  async several({ query }) {
    const done = [];
    const ask = async (url, index) => {
      const text = await (await fetch(url)).text();
      done.push(`${index} ${text}`);
      console.info(`done ${index}`);
    };
    await Promise.all(query.all("url").map(ask));
    return Response.json(done);
  },

  // Ends a fetch by a signal, before its answer or while its body is read.
  async abort({ query }) {
    const controller = new AbortController();
    const reason = new RangeError("the reason");
    const signal = query("any")
      ? AbortSignal.any([controller.signal, new AbortController().signal])
      : controller.signal;
    let read = "";
    const work = (async () => {
      const up = await fetch(query("url"), { signal });
      for await (const chunk of up.body) read += new TextDecoder().decode(chunk);
    })();
    const ended = work.then(
      () => "an end",
      (error) => (error === reason ? "the reason" : JSON.stringify(told(error))),
    );
    await fetch(query("gate"));
    controller.abort(reason);
    const how = await ended;
    console.info(`ended with ${how}`);
    await fetch(query("gate"));
    return Response.json({ how, read });
  },

  // Ends a fetch whose body nobody reads by then.
  async idle({ query }) {
    const controller = new AbortController();
    const up = await fetch(query("url"), { signal: controller.signal });
    await fetch(query("gate"));
    controller.abort("the reason");
    await fetch(query("gate"));
    return new Response(await up.text().catch((error) => `rejected: ${error}`));
  },

  async timeout({ query }) {
    const began = performance.now();
    try {
      await fetch(query("url"), { signal: AbortSignal.timeout(Number(query("ms"))) });
      return new Response("an answer");
    } catch (error) {
      const took = performance.now() - began;
      const { name } = error;
      await fetch(query("gate"));
      return Response.json({
        name,
        dom: error instanceof DOMException,
        waited: took >= query("ms"),
      });
    }
  },

  async aborted({ query }) {
    const all = [];
    for (const signal of [AbortSignal.abort(), AbortSignal.abort("words")]) {
      await fetch(query("url"), { signal }).catch((error) => all.push(error?.name ?? error));
    }
    return Response.json(all);
  },

  // An upload that is made while it is sent: each piece waits for a gate.
  async upload({ query }) {
    let made = 0;
    const body = new ReadableStream({
      async pull(controller) {
        if (made === Number(query("pieces"))) return controller.close();
        if (query("gate")) await fetch(query("gate"));
        made += 1;
        if (query("fail") && made === 2) throw new Error("no more of it");
        controller.enqueue(piece(`piece ${made}`));
      },
    });
    try {
      const up = await fetch(query("url"), { method: "POST", body, duplex: "half" });
      return new Response(await up.text());
    } catch (error) {
      return Response.json({ ...told(error), cause: error.cause?.message });
    }
  },

  // An upload as fast as it is taken, that says how far it is, and once that it got no further.
  async push({ query }) {
    let made = 0;
    let before = 0;
    const id = setInterval(() => {
      if (made === before) console.info("nothing is taken");
      if (made === before) clearInterval(id);
      before = made;
    }, 200);
    const body = new ReadableStream(
      {
        pull(controller) {
          if (made === Number(query("pieces"))) return controller.close();
          made += 1;
          console.info("made a piece");
          controller.enqueue(new Uint8Array(256 * 1024));
        },
      },
      { highWaterMark: 0 },
    );
    const up = await fetch(query("url"), { method: "POST", body, duplex: "half" });
    return new Response(`${await up.text()} ${made}`);
  },

  // An upload that is written by hand.
  async write({ query }) {
    const { response, writable } = upload(query("url"), {
      method: "POST",
      headers: { trailer: "x-sum" },
    });
    const writer = writable.getWriter();
    for (const text of ["one ", "two"]) await writer.write(piece(text));
    setTrailers(writable, new Headers({ "x-sum": "7" }));
    await writer.close();
    const up = await response;
    const text = await up.text();
    return Response.json({ text, end: trailers(up)?.get("x-end") ?? null });
  },

  // An upload that is given up while the server takes nothing of it.
  async giveUp({ query }) {
    const { response, writable } = upload(query("url"), { method: "POST" });
    const settled = (promise) => promise.then(() => "done", told);
    const writer = writable.getWriter();
    const written = settled(writer.write(new Uint8Array(32 * 1024 * 1024)));
    await fetch(query("gate"));
    await writer.abort(new RangeError("given up"));
    await fetch(query("gate"));
    return Response.json({ written: await written, response: await settled(response) });
  },

  // What is set of a fetched response's fields.
  async immutable({ query }) {
    const up = await fetch(query("url"));
    const { headers } = up;
    const all = [
      () => headers.set("a", "b"),
      () => headers.append("a", "b"),
      () => headers.delete("content-length"),
      () => up.clone().headers.set("a", "b"),
    ].map((change) => {
      try {
        return change();
      } catch (error) {
        return error.name;
      }
    });
    const copy = new Response(up.body, up);
    copy.headers.set("a", "b");
    return Response.json({
      all,
      length: headers.get("content-length"),
      is: headers instanceof Headers,
      copied: new Headers(headers).get("content-length"),
      copy: copy.headers.get("a"),
      made: [copy.url, copy.redirected],
      text: await copy.text(),
    });
  },

  // Middleware of the router changes what a handler fetched, whatever has the names of the classes.
  changed({ request, env, ctx, query }) {
    globalThis.Request = globalThis.Response = undefined;
    const app = new App()
      .wrap("/changed", async (_, next) => {
        const reply = await next();
        reply.headers.set("x-by", reply.url);
        return reply;
      })
      .get("/changed", () => fetch(query("url")));
    return app.fetch(request, env, ctx);
  },

  // The trailers of a response that was cloned.
  async clonedTrailers({ query }) {
    const up = await fetch(query("url"));
    const copy = up.clone();
    const before = trailers(copy) ?? null;
    await Promise.all([up.text(), copy.text()]);
    return Response.json([before, trailers(up).get("x-end"), trailers(copy).get("x-end")]);
  },

  // A download on its way to the client.
  async download({ query }) {
    const up = await fetch(query("url"));
    return new Response(up.body.pipeThrough(upper()), {
      headers: { "x-length": String(up.headers.get("content-length")) },
    });
  },

  // Asks while it replies: a piece for each answer.
  busy({ query }) {
    let left = 3;
    const body = new ReadableStream({
      async pull(controller) {
        if (left-- === 0) return controller.close();
        const up = await fetch(query("gate"));
        controller.enqueue(piece(`${up.status} `));
      },
    });
    // One that is not about the reply goes on beside it.
    void fetch(query("gate")).then(() => console.info("beside"));
    return new Response(body);
  },

  // Hands bodies on, in the ways in which one would write it.
  // A reply whose body the signal can end yet.
  async "abort-handed-on"({ query, ctx }) {
    const controller = new AbortController();
    const up = await fetch(query("url"), { signal: controller.signal });
    ctx.waitUntil(fetch(query("gate")).then(() => controller.abort()));
    return up;
  },

  async forward({ request, query }) {
    const url = query("url");
    switch (query("how")) {
      case "response":
        return fetch(url);
      case "init": {
        const up = await fetch(url);
        return new Response(up.body, up);
      }
      case "fields": {
        const { body, status, headers } = await fetch(url);
        return new Response(body, {
          status,
          headers: { ...Object.fromEntries(headers), "x-more": "1" },
        });
      }
      case "body":
        return fetch(url, {
          method: request.method,
          headers: { trailer: "x-end" },
          body: request.body,
          duplex: "half",
        });
      case "request":
        return fetch(new Request(url, request));
      case "input":
        return fetch(url, request);
      case "taken": {
        const { method, body } = request;
        const one = new Request(url, { method, body, duplex: "half" });
        return fetch(new Request(one));
      }
    }
  },
};
