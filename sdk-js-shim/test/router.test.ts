import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { App, type Context, EdgewitError, Router } from "@edgewit/sdk";
import { request, reset, takeLog, testEnv } from "@edgewit/sdk/testing";

beforeEach(reset);

async function body(app: Router, input: string, init?: RequestInit): Promise<string> {
  return (await app.request(input, init)).text();
}

const named = (text: string) => (c: Context) => c.text(text);

test("literal beats parameter beats rest, whatever the order of registration", async () => {
  const app = new App()
    .get("/p/*rest", (c) => c.text(`rest ${c.param("rest")}`))
    .get("/p/:a", (c) => c.text(`parameter ${c.param("a")}`))
    .get("/p/literal", named("literal"))
    .get("/a/b/d", named("abd"))
    .get("/a/:x/c", named("axc"));
  assert.equal(await body(app, "/p/literal"), "literal");
  assert.equal(await body(app, "/p/other"), "parameter other");
  assert.equal(await body(app, "/p/a/b"), "rest a/b");
  assert.equal(await body(app, "/p/"), "rest ");
  assert.equal((await app.request("/p")).status, 404);
  assert.equal(await body(app, "/a/b/c"), "axc");
});

test("parameters are matched raw and decoded once", async () => {
  const app = new App()
    .get("/p/literal", named("literal"))
    .get("/p/:a", (c) => c.text(c.param("a")));
  for (const [path, text] of [
    ["/p/hono%2Fposts", "hono/posts"],
    ["/p/%6Citeral", "literal"],
    ["/p/%2525", "%25"],
    ["/p/%zz", "%zz"],
    ["/p/a+b?c#d", "a+b"],
    ["/p/a#b?c/d", "a"],
    ["/p/é", "é"],
  ] as const) {
    assert.equal(await body(app, path), text, path);
  }
  const reply = await app.request("/p/%A4%A2");
  assert.deepEqual([reply.status, await reply.text()], [400, ""]);
});

test("a pattern counts if it has a handler for the method", async () => {
  const app = new App()
    .get("/x/a", named("get"))
    .post("/x/:p", named("post"))
    .all("/x/*rest", named("all"));
  assert.equal(await body(app, "/x/a"), "get");
  assert.equal(await body(app, "/x/a", { method: "POST" }), "post");
  assert.equal(await body(app, "/x/a", { method: "PUT" }), "all");
  assert.equal(await body(app, "/x/a", { method: "M-SEARCH" }), "all");
});

test("a handler of its own comes before that of all methods", async () => {
  const app = new App().all("/", named("all")).get("/", named("get"));
  assert.equal(await body(app, "/"), "get");
  assert.equal(await body(app, "/", { method: "POST" }), "all");
  const head = new App().all("/", named("all")).get("/", (c) => c.text("", { status: 201 }));
  assert.equal((await head.request("/", { method: "HEAD" })).status, 201);
});

test("HEAD has GET's handler unless it has its own, and no body", async () => {
  const app = new App()
    .get("/a", named("get"))
    .get("/b", named("get"))
    .head("/b", (c) => c.text("head", { headers: { own: "yes" } }));
  const inherited = await app.request("/a", { method: "HEAD" });
  assert.deepEqual([inherited.status, inherited.body], [200, null]);
  assert.equal((await app.request("/b", { method: "HEAD" })).headers.get("own"), "yes");
});

test("each method has its verb, and `route` takes any", async () => {
  const app = new App();
  const verbs = ["get", "post", "put", "patch", "delete", "head", "options"] as const;
  for (const verb of verbs) {
    app[verb]("/", (c) => c.text("", { headers: { verb } }));
  }
  app.route("PURGE", "/", (c) => c.text("", { headers: { verb: "purge" } }));
  for (const verb of [...verbs, "purge"]) {
    const reply = await app.request("/", { method: verb.toUpperCase() });
    assert.equal(reply.headers.get("verb"), verb);
  }
});

test("a match under another method is a 405 that says which, no match a 404", async () => {
  const app = new App()
    .put("/a", named(""))
    .get("/:x", named(""))
    .delete("/a/b", named(""))
    .get("/slash", named("without"))
    .get("/slash/", named("with"));
  const reply = await app.request("/a", { method: "POST" });
  assert.equal(reply.status, 405);
  assert.equal(reply.headers.get("allow"), "GET, HEAD, PUT");
  assert.equal(await reply.text(), "");
  assert.equal((await app.request("/a/b")).headers.get("allow"), "DELETE");
  assert.equal((await app.request("/a", { method: "OPTIONS" })).status, 405);
  const none = await app.request("/a/");
  assert.deepEqual([none.status, none.headers.get("allow"), none.body], [404, null, null]);
  assert.equal(await body(app, "/slash"), "without");
  assert.equal(await body(app, "/slash/"), "with");
});

test("one method has one handler for a pattern", () => {
  const twice = (one: string, other: string) => () =>
    new Router().get(one, named("")).get(other, named(""));
  for (const [one, other] of [
    ["/a", "/a"],
    ["/a/:x", "/a/:y"],
    ["/a/*x", "/a/*y"],
    ["/é", "/%C3%A9"],
  ] as const) {
    assert.throws(twice(one, other), { code: "duplicate-route" }, `${one} ${other}`);
  }
  for (const [one, other] of [
    ["/a/:x/b", "/a/:y/c"],
    ["/a/:x", "/a/b"],
    ["/a/:x", "/a/*y"],
    ["/a", "/a/"],
  ] as const) {
    assert.doesNotThrow(twice(one, other), `${one} ${other}`);
  }
  const all = new Router().all("/a", named("")).get("/a", named(""));
  assert.throws(() => all.all("/a", named("")), EdgewitError);
  assert.throws(() => new Router().mount("/b", all).get("/b/a", named("")), EdgewitError);
});

test("methods of one pattern may call its parameters as they like", async () => {
  const app = new App()
    .get("/:a", (c) => c.text(`a ${c.param("a")}`))
    .post("/:b", (c) => c.text(`b ${c.param("b")}`));
  assert.equal(await body(app, "/x"), "a x");
  assert.equal(await body(app, "/x", { method: "POST" }), "b x");
});

test("malformed patterns and prefixes are told at once", () => {
  const router = new Router();
  assert.throws(() => router.get(String("a"), named("")), /malformed pattern `a`/);
  assert.throws(() => router.wrap("/*rest/a", (_, next) => next()), TypeError);
  for (const prefix of ["a", "/a/", "/a/*rest", "/*rest"]) {
    assert.throws(() => router.mount(prefix, new Router()), TypeError, prefix);
  }
  const inner = new Router().get("/:id", named(""));
  assert.throws(() => router.mount("/:id", inner), /two parameters have one name/);
});

test("what other routers take is refused where it is registered, with what to write", () => {
  // What the compiler refuses as well.
  const app = new App() as unknown as Record<string, (...given: unknown[]) => unknown>;
  const handler = named("");
  const cases: [register: () => unknown, told: RegExp][] = [
    [() => app["get"]!("/a", handler, handler), /^`\/a` takes one handler at a time: `wrap\(/],
    [() => app["route"]!("GET", "/a", handler, handler), /one handler at a time/],
    [() => app["wrap"]!("/*rest", handler, handler), /one middleware at a time/],
    [() => app["get"]!("/a"), /^the handler of `\/a` is a function, not undefined$/],
    [() => app["wrap"]!("/a", {}), /^the middleware of `\/a` is a function, not object$/],
    [() => app["wrap"]!(handler), /^a pattern is text, not function$/],
    [() => app["route"]!("/api", new Router()), /`mount\(prefix, router\)` adds a router/],
    [() => app["use"]!("*", handler), /^there is no `use` here: `wrap\(/],
    [() => app["listen"]!(3000), /`edgewit serve` listens/],
    [() => app["fire"]!(), /^there is no `fire` here: a module exports/],
    [() => app["basePath"]!("/api"), /^there is no `basePath` here: `mount\(prefix, router\)`/],
    [() => app["mount"]!("/api", handler), /^`mount` takes a prefix and a router of this package;/],
    [() => app["mount"]!(new Router()), /^`mount` takes a prefix and a router of this package;/],
    [() => app["get"]!("*", handler), /`\/\*rest` is every path/],
  ];
  for (const [register, told] of cases) {
    assert.throws(register, (error) => error instanceof TypeError && told.test(error.message));
  }
  assert.doesNotThrow(() => app["get"]!("/a", handler));
});

test("what other contexts have is told with what to write", async () => {
  const cases: [use: (c: any) => unknown, told: RegExp][] = [
    [(c) => c.json({}, 201), /^the last argument of .* is `{ status, headers }`, not a number$/],
    [(c) => c.text("", 404), /, not a number$/],
    [(c) => c.req.param("id"), /^there is no `req` here: the request is `c.request`/],
    [(c) => c.status(201), /`{ status, headers }`$/],
    [(c) => (c.status = 201), /`{ status, headers }`$/],
    [(c) => c.redirect("/"), /headers: { location }/],
    [(c) => c.notFound(), /^there is no `notFound` here: `new Response\(null, { status: 404 }\)`$/],
    [(c) => c.cookie("id"), /`c.request.headers.get\("cookie"\)`/],
    [(c) => c.params.id, /^there is no `params` here: `c.param\(name\)`$/],
    [(c) => c.set("user", {}), /`WeakMap`, by `c.request`$/],
    [(c) => c.var.user, /`WeakMap`, by `c.request`$/],
    [(c) => c.param(), /^the pattern `\/:id` has no parameter `undefined`$/],
  ];
  for (const [use, told] of cases) {
    const app = new App().get("/:id", (c) => use(c) as Response);
    await assert.rejects(app.fetch(new Request("http://h/a")), {
      name: "TypeError",
      message: told,
    });
  }
});

test("who takes what was thrown for the first argument of `onError` is told", async () => {
  const swapped: (error: any, c: any) => Response = (error, c) => c.json({ error: error.message });
  const app = new App().onError(swapped).get("/", () => {
    throw new Error("thrown");
  });
  await assert.rejects(app.fetch(new Request("http://h/")), {
    name: "TypeError",
    message: /^there is no `message` here: `onError` calls its function with .* `\(c, error\)`$/,
  });
});

/** Appends its name to the field `order` of what comes from inside. */
const mark = (name: string) => async (_: Context, next: () => Promise<Response>) => {
  const reply = await next();
  reply.headers.append("order", name);
  return reply;
};

test("middleware is an onion, around the 404, the 405 and the 400 too", async () => {
  const app = new App()
    .wrap("/w/*rest", mark("outer"))
    .wrap("/w/*rest", mark("inner"))
    .get("/w/a", named("a"))
    .get("/w/p/:x", named("x"))
    .get("/other", named("other"));
  for (const [path, status] of [
    ["/w/a", 200],
    ["/w", 404],
    ["/w/nowhere", 404],
    ["/w/p/%FF", 400],
  ] as const) {
    const reply = await app.request(path);
    assert.deepEqual([reply.status, reply.headers.get("order")], [status, "inner, outer"], path);
  }
  assert.equal((await app.request("/w/a", { method: "PUT" })).headers.get("order"), "inner, outer");
  assert.equal((await app.request("/other")).headers.get("order"), null);
});

test("a middleware that answers leaves the rest out", async () => {
  let ran = false;
  const app = new App()
    .wrap("/*rest", (c, next) =>
      c.param("rest") === "short" ? c.text("short", { status: 403 }) : next(),
    )
    .get("/short", (c) => {
      ran = true;
      return c.text("");
    });
  assert.equal((await app.request("/short")).status, 403);
  assert.equal(ran, false);
});

test("a middleware's parameters are its own, and lossy", async () => {
  const seen: string[] = [];
  const app = new App()
    .wrap("/:first/*rest", async (c, next) => {
      seen.push(c.param("rest"));
      const reply = await next();
      seen.push(c.param("first"));
      return reply;
    })
    .get("/a/:x", (c) => {
      assert.throws(() => c.param("rest" as "x"), /`\/a\/:x` has no parameter `rest`/);
      c.afterReply(() => seen.push(c.param("x")));
      return c.text("");
    });
  await body(app, "/a/b%20c");
  await body(app, "/%FF/%FF+");
  assert.deepEqual(seen, ["b c", "a", "b c", "\ufffd+", "\ufffd"]);
});

test("`next` runs once", async () => {
  const error = async (middleware: (next: () => Promise<Response>) => Promise<unknown>) => {
    let caught: unknown;
    const app = new App()
      .onError((c, thrown) => {
        caught = thrown;
        return c.text("");
      })
      .wrap("/*rest", async (c, next) => {
        await middleware(next);
        return c.text("");
      })
      .get("/", named(""));
    await app.request("/");
    return caught;
  };
  const twice = async (next: () => Promise<Response>) => {
    await next();
    await next();
  };
  assert.equal(((await error(twice)) as EdgewitError).code, "next-twice");
  const atOnce = (next: () => Promise<Response>) => Promise.all([next(), next()]);
  assert.equal(((await error(atOnce)) as EdgewitError).code, "next-twice");
  assert.equal(await error((next) => next()), undefined);
});

test("a middleware may put another request in its place", async () => {
  const app = new App()
    .wrap("/old/*rest", (c, next) => {
      c.request = new Request(new URL(`/new/${c.param("rest")}?q=1`, c.url), { method: "POST" });
      assert.equal(c.url.pathname, "/new/a");
      return next();
    })
    .post("/new/:x", (c) => c.text(`${c.param("x")} ${c.query("q")} ${c.url.pathname}`));
  assert.equal(await body(app, "/old/a"), "a 1 /new/a");
});

test("a mounted router has its routes and middleware below the prefix", async () => {
  const items = new Router()
    .wrap("/*rest", async (c, next) => {
      const reply = await next();
      reply.headers.set("mounted", c.url.pathname);
      return reply;
    })
    .get("/", named("root"))
    .get("/:id", (c) => c.text(`item ${c.param("id")}`))
    .notFound(named("not this"))
    .onError(named("nor this"));
  const app = new App().mount("/m", items).get("/slash", named("without"));
  items.get("/late/r", named("late"));
  for (const [path, status, text] of [
    ["/m", 200, "root"],
    ["/m/a%20b", 200, "item a b"],
    ["/m/a/b", 404, ""],
    ["/m/late/r", 404, ""],
  ] as const) {
    const reply = await app.request(path);
    const found = [reply.status, await reply.text(), reply.headers.get("mounted")];
    assert.deepEqual(found, [status, text, path]);
  }
  assert.equal((await app.request("/slash")).headers.get("mounted"), null);
  assert.equal(await body(new App().mount("/", items), "/a"), "item a");
  const deep = new App().mount("/:tenant", new Router().mount("/m", items));
  assert.equal(await body(deep, "/t/m/a"), "item a");
});

test("a router may be mounted in itself", async () => {
  const app = new App().get("/a", named("a"));
  app.mount("/b", app);
  assert.equal(await body(app, "/b/a"), "a");
  assert.equal((await app.request("/b/b/a")).status, 404);
});

test("onError answers what was thrown; what it hands on is a 500 and a line", async () => {
  const app = new App()
    .get("/caught", () => {
      throw new Error("caught: the reason");
    })
    .get("/error", async () => {
      throw new Error("refused: the reason", { cause: new TypeError("below") });
    })
    .wrap("/wrapped/*rest", async (_, next) => {
      await next();
      throw new Error("caught: the reason");
    })
    .onError((c, error) => {
      if (error instanceof Error && error.message === "caught: the reason") {
        return c.text(error.message, { status: 418 });
      }
      throw error;
    });
  const caught = await app.request("/caught");
  assert.deepEqual([caught.status, await caught.text()], [418, "caught: the reason"]);
  assert.equal((await app.request("/wrapped/a")).status, 418);
  const failed = await app.request("/error");
  assert.deepEqual([failed.status, await failed.text()], [500, ""]);
  const [line, more] = takeLog();
  assert.equal(line?.level, "error");
  assert.match(line?.message ?? "", /refused: the reason: TypeError: below/);
  assert.equal(more, undefined);
  await assert.rejects(app.fetch(new Request("http://h/error")), {
    message: "refused: the reason",
  });
});

test("a middleware can catch what is thrown inside", async () => {
  const app = new App()
    .wrap("/*rest", (c, next) => next().catch((error) => c.text(String(error), { status: 503 })))
    .get("/", () => {
      throw new Error("inside");
    });
  assert.equal((await app.request("/")).status, 503);
});

test("notFound answers what no pattern matches, and no 405", async () => {
  const app = new App()
    .get("/a", named(""))
    .notFound((c) => c.text(`no ${c.url.pathname}`, { status: 404 }));
  const reply = await app.request("/b");
  assert.deepEqual([reply.status, await reply.text()], [404, "no /b"]);
  assert.equal((await app.request("/a", { method: "PUT" })).status, 405);
});

test("a forgotten `return` is told with the pattern", async () => {
  const forgotten = (() => {}) as unknown as () => Response;
  const app = new App().get("/a/:b", forgotten).wrap("/w/*rest", forgotten);
  await assert.rejects(app.fetch(new Request("http://h/a/b")), {
    message: "the handler of `/a/:b` returned no Response but undefined; is a `return` missing?",
  });
  await assert.rejects(
    app.fetch(new Request("http://h/w")),
    /middleware of `\/w\/\*rest` returned/,
  );
  const text = (() => "secret") as unknown as () => Response;
  const other = new App().get("/", text);
  await assert.rejects(other.fetch(new Request("http://h/")), {
    message: "the handler of `/` returned no Response but a string; `new Response(text)` is one",
  });
});

test("text and JSON have their types unless another is said", async () => {
  const app = new App()
    .get("/text", (c) => c.text("a"))
    .get("/html", (c) => c.text("a", { status: 201, headers: { "content-type": "text/html" } }))
    .get("/json", (c) => c.json({ n: 9007199254740993n, list: [-1n, NaN, Infinity, "integer:5"] }))
    .get("/problem", (c) => c.json({}, { headers: [["Content-Type", "application/problem+json"]] }))
    .get("/none", (c) => c.json(undefined));
  const of = async (path: string) => {
    const reply = await app.request(path);
    return [reply.status, reply.headers.get("content-type"), await reply.text()];
  };
  assert.deepEqual(await of("/text"), [200, "text/plain; charset=utf-8", "a"]);
  assert.deepEqual(await of("/html"), [201, "text/html", "a"]);
  const json = '{"n":9007199254740993,"list":[-1,null,null,"integer:5"]}';
  assert.deepEqual(await of("/json"), [200, "application/json", json]);
  assert.deepEqual(await of("/problem"), [200, "application/problem+json", "{}"]);
  assert.equal((await of("/none"))[0], 500);
});

test("a reply is as a response that it is like", async () => {
  const like = new Response("other", { status: 203, statusText: "Like", headers: { a: "b" } });
  const app = new App().get("/", (c) => c.text("text", like));
  const { status, statusText, headers } = await app.request("/");
  assert.deepEqual([status, statusText, headers.get("a")], [203, "Like", "b"]);
});

test("a context has the query, the client and the stores", async () => {
  const env = testEnv("visits");
  const app = new App().get("/", async (c) => {
    assert.equal(c.query("a"), "1 2");
    assert.equal(c.query("none"), undefined);
    assert.deepEqual(c.queryPairs(), [
      ["a", "1 2"],
      ["b", "\ufffd"],
      ["a", "%zz"],
    ]);
    assert.equal(c.client, "127.0.0.1");
    assert.match(c.requestId, /^test-\d+$/);
    assert.equal(c.attributes.get("network.protocol.version"), "1.1");
    assert.equal(c.env, env);
    assert.equal(c.kv("visits"), c.kv("visits"));
    return c.text(`${await c.kv("visits").increment("ada", 1n)}`);
  });
  assert.equal(await (await app.request("/?a=1+2&b=%FF&a=%zz", {}, env)).text(), "1");
});

test("`fetch` needs no `this`, and a context only where one is asked", async () => {
  const { fetch } = new App().get("/", named("a")).get("/id", (c) => c.text(c.requestId));
  assert.equal(await (await fetch(new Request("http://h/"))).text(), "a");
  await assert.rejects(fetch(new Request("http://h/id")), /without its third argument/);
});

test("`request` takes paths, URLs and requests", async () => {
  const app = new App().all("/*rest", async (c) =>
    c.text(`${c.request.url} ${await c.request.text()}`),
  );
  assert.equal(await body(app, "/a?b"), "http://localhost/a?b ");
  assert.equal(await body(app, "https://h/a", { method: "POST", body: "x" }), "https://h/a x");
  const made = new Request("http://r/", { method: "PUT", body: "y" });
  assert.equal(await (await app.request(made)).text(), "http://r/ y");
  const other = { fetch: (request: Request) => new Response(request.method) };
  assert.equal(await (await request(other, "/")).text(), "GET");
});

test("what is no reply is a 500 and a line, as in a component", async () => {
  const used = new Response("a");
  await used.text();
  const [held, branched] = [new Response("a"), Response.json("a")];
  held.body!.getReader();
  branched.body!.tee();
  for (const [answer, line] of [
    [undefined, /no Response but undefined/],
    [used, /used already/],
    [held, /held by a reader/],
    [branched, /held by a reader/],
    [Response.error(), /status 0/],
  ] as const) {
    const app = { fetch: () => answer as Response };
    assert.equal((await request(app, "/")).status, 500);
    assert.match(takeLog()[0]?.message ?? "", line);
  }
});

test("what is thrown is a line that tells it as Node does", async () => {
  const several = () => Promise.any([Promise.reject(new RangeError("one")), Promise.reject(2)]);
  for (const [fail, line] of [
    [
      () => Promise.reject({ a: [1], b: { c: { d: { e: 1 } } } }),
      "{ a: [ 1 ], b: { c: { d: [Object] } } }",
    ],
    [() => Promise.reject(takeLog), "[Function: takeLog]"],
    [several, "AggregateError: All promises were rejected: [RangeError: one, 2]"],
  ] as const) {
    takeLog();
    assert.equal((await new App().get("/", fail).request("/")).status, 500);
    assert.deepEqual(
      takeLog().map(({ message }) => message),
      [line],
    );
  }
});

test("work that is left is done once the body was read, and before that where there is none", async () => {
  const done: unknown[] = [];
  const later = async (text: string) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    done.push(text);
  };
  const app = new App().get("/:body", (c) => {
    c.waitUntil(later("work"));
    c.waitUntil(Promise.reject(new Error("lost")));
    c.afterReply(async (error) => {
      done.push(error?.code);
      c.waitUntil(later("more"));
    });
    c.afterReply(() => {
      throw new Error("task");
    });
    c.afterReply(() => done.push("last"));
    return c.param("body") === "none" ? new Response(null) : c.text("body");
  });
  const order = async (use: (reply: Response) => unknown, path: string) => {
    done.length = 0;
    await use(await app.request(path));
    return done;
  };
  assert.deepEqual(await order(() => {}, "/none"), [undefined, "last", "work", "more"]);
  assert.deepEqual(await order((reply) => reply.text(), "/a"), [undefined, "last", "work", "more"]);
  assert.deepEqual(await order((reply) => reply.body?.cancel(), "/a"), [
    "closed",
    "last",
    "work",
    "more",
  ]);
  const messages = takeLog().map(({ message }) => message);
  assert.deepEqual(messages.slice(0, 2).sort(), ["lost", "task"]);
});

test("a stream that breaks tells the work that is left", async () => {
  let code: string | undefined;
  const app = new App().get("/", (c) => {
    c.afterReply((error) => (code = error?.message));
    return new Response(
      new ReadableStream({
        pull() {
          throw new Error("broken");
        },
      }),
    );
  });
  await assert.rejects((await app.request("/")).text(), { message: "broken" });
  assert.equal(code, "other: broken");
});

test("cookies stay several on the way out", async () => {
  const app = new App().get("/", (c) => {
    const headers: [string, string][] = [
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
    ];
    return c.text("", { headers });
  });
  assert.deepEqual((await app.request("/")).headers.getSetCookie(), ["a=1", "b=2"]);
});
