// Exceptions in every place from which one can come.

const encoder = new TextEncoder();

// What names itself within is given another name by bundling.
class OwnError extends Error {
  static unknown = new OwnError("unknown");

  constructor(message) {
    super(message);
    this.name = new.target.name;
  }
}

function fail() {
  return new OwnError("of my own");
}

const thrown = {
  string: () => "a text",
  undefined: () => undefined,
  null: () => null,
  number: () => 42,
  symbol: () => Symbol("sym"),
  causes: () => new Error("outer", { cause: new TypeError("middle", { cause: "inner" }) }),
  // One line of the bundle.
  chained: () =>
    [1]
      .map((it) => it)
      .map(() => new Error("in a chain"))
      .map((it) => it)[0],
  circle: () => {
    const error = new Error("round");
    error.cause = error;
    return error;
  },
  object: () => ({ a: 1 }),
  bare: () => Object.create(null),
  proxy: () =>
    new Proxy(new Error("hidden"), {
      get: () => {
        throw new Error("from the proxy");
      },
    }),
  hostile: () => ({
    toString() {
      throw new Error("from toString");
    },
  }),
  getters: () =>
    Object.defineProperty(new Error("with getters"), "message", {
      get() {
        throw new Error("from a getter");
      },
    }),
  stack: () =>
    Object.defineProperty(new Error("with a stack"), "stack", {
      get() {
        throw new Error("from a getter");
      },
    }),
  aggregate: () => new AggregateError([new Error("one"), new Error("two")], "several"),
  dom: () => new DOMException("of the Web", "DataError"),
  deep: () => ({ a: { b: { c: { d: 1 } } }, list: [1, 2, 3, 4, 5, 6, 7] }),
  function: () => fail,
  integer: () => 42n,
  own: fail,
  surrogate: () => new Error("half \ud800 of it"),
  long: () => new Error("x".repeat(200_000)),
};

const returned = {
  text: "no response",
  undefined: undefined,
  null: null,
  object: { status: 200 },
  symbol: Symbol("sym"),
  bare: Object.create(null),
  own: fail(),
  hostile: new Proxy(
    {},
    {
      getPrototypeOf: (of) => {
        if (of.isAsked) throw new Error("from the proxy");
        of.isAsked = true;
        return null;
      },
    },
  ),
};

export const failing = {
  throw({ query }) {
    throw thrown[query("what")]();
  },

  async reject({ query }) {
    await null;
    throw thrown[query("what")]();
  },

  // None of them was thrown by itself.
  async any() {
    await Promise.any([Promise.reject(new RangeError("one")), Promise.reject("two")]);
  },

  gathered() {
    const error = new AggregateError([new Error("one", { cause: "its cause" })], "several");
    error.errors.push(error);
    throw error;
  },

  async key() {
    const algorithm = { name: "ECDSA", namedCurve: "P-256" };
    await crypto.subtle.importKey("pkcs8", new Uint8Array(8), algorithm, false, ["sign"]);
  },

  return: ({ query }) => returned[query("what")],

  async conflict({ env }) {
    await env.visits.set("ada", "1");
    await env.visits.set("ada", "2", { condition: "if-absent" });
  },

  // What `env` has not.
  missed({ env, query }) {
    const { nope } = env;
    switch (query("how")) {
      case "member":
        return env.nope.get("a");
      case "variable":
        return nope.anything;
      case "method": {
        const store = env["nope"];
        return store.put("a", "b");
      }
      case "probed": {
        let cache;
        if (env.DEBUG) cache = new Map();
        return cache.get("a");
      }
      case "awaited": {
        let cache;
        return (async () => env)().then(() => cache.get("a"));
      }
      case "unrelated":
        return query.undefined.length;
      case "detected": {
        const names = [];
        for (const name in env) names.push(name);
        return new Response(`${"nope" in env} ${nope} ${env.toString} ${names}`);
      }
    }
  },

  getter() {
    const response = new Response("x");
    Object.defineProperty(response, "status", {
      get() {
        throw new Error("from a getter");
      },
    });
    return response;
  },

  // What nobody waits for fails while the handler goes on.
  async elsewhere({ query, ctx, request }) {
    const what = query("what");
    const fail = () => {
      throw thrown[what]();
    };
    switch (query("where")) {
      case "promise":
        void Promise.reject(thrown[what]());
        break;
      case "waitUntil":
        ctx.waitUntil(Promise.reject(thrown[what]()));
        break;
      case "afterReply":
        ctx.afterReply(fail);
        break;
      case "timer":
        setTimeout(fail, 1);
        break;
      case "microtask":
        queueMicrotask(fail);
        break;
      case "listener": {
        const target = new EventTarget();
        target.addEventListener("x", fail);
        target.dispatchEvent(new Event("x"));
        break;
      }
      case "abort": {
        const controller = new AbortController();
        controller.signal.addEventListener("abort", fail);
        controller.abort();
        break;
      }
      case "onabort": {
        const controller = new AbortController();
        const { signal } = controller;
        signal.onabort = fail;
        if (signal.onabort !== fail) throw new Error("it is another");
        controller.abort();
        break;
      }
      case "pull":
        return new Response(new ReadableStream({ pull: fail }, { highWaterMark: 0 }));
      case "start":
        return new Response(new ReadableStream({ start: fail }));
      case "transform":
        return new Response(
          new ReadableStream({
            start(controller) {
              controller.enqueue(encoder.encode("x"));
            },
          }).pipeThrough(new TransformStream({ transform: fail })),
        );
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
    return new Response("went on");
  },

  // What is left behind where a pipe fails, and the last of all.
  async pipes({ query }) {
    const fail = () => {
      throw new Error("in a pipe");
    };
    const source = () => new ReadableStream({ pull: (it) => it.enqueue(encoder.encode("x")) });
    const piped = () => source().pipeTo(new WritableStream({ write: fail }));
    switch (query("what")) {
      case "caught":
        await piped().catch(() => {});
        break;
      case "through":
        await new Response(source().pipeThrough(new TransformStream({ transform: fail })))
          .text()
          .catch(() => {});
        break;
      case "cancelled":
        await source().pipeThrough(new TransformStream()).cancel("no more");
        break;
      case "ignored":
        void piped();
        break;
      case "awaited":
        void (async () => await piped())();
        break;
      case "pending": {
        const rejected = Promise.reject(new Error("handled in the end"));
        await piped().catch(() => {});
        await rejected.catch(() => {});
        break;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
    void Promise.reject(`the last of ${query("what")}`);
    return new Response("went on");
  },

  // A rejection that nobody handles, where what tells of it may be the application's own.
  replaced({ query }) {
    const never = () => new Promise(() => {});
    const fail = () => {
      throw new Error("not to be called");
    };
    const ofSets = Object.getPrototypeOf(new Set().values());
    const all = {
      throws: () =>
        class extends Promise {
          catch = fail;
        },
      never: () =>
        class extends Promise {
          catch = never;
        },
      then: () =>
        class extends Promise {
          then = never;
        },
      species: () => Object.defineProperty(class extends Promise {}, Symbol.species, { get: fail }),
      // All that it makes but the first throw where they are settled.
      settling: () => {
        let made = 0;
        return class extends Promise {
          constructor(executor) {
            super(made++ === 0 ? executor : () => executor(fail, fail));
          }
        };
      },
      catch: () => void (Promise.prototype.catch = never),
      reject: () => void (Promise.reject = fail),
      next: () => void (ofSets.next = () => ({ done: false, value: 1 })),
      apply: () => void (Reflect.apply = fail),
    };
    const what = query("what");
    const Class = all[what]() ?? Promise;
    void new Class((_, reject) => reject(new Error(`left: ${what}`)));
    return new Response("went on");
  },

  // A rejection that somebody handles, but late.
  async late() {
    const rejected = Promise.reject(new Error("handled in the end"));
    void Promise.reject(new Error("never handled"));
    await new Promise((resolve) => setTimeout(resolve, 5));
    return new Response(await rejected.catch((error) => error.message));
  },

  recursion({ query }) {
    const deeper = (n) => deeper(n + 1) + 1;
    if (query("caught")) {
      try {
        deeper(0);
      } catch (error) {
        return new Response(`${error instanceof Error} ${error.name}`);
      }
    }
    return deeper(0);
  },

  allocation({ query }) {
    const all = [];
    switch (query("what")) {
      case "buffer":
        return new Response(String(new ArrayBuffer(2 ** 31).byteLength));
      case "array":
        return new Response(String(new Array(2 ** 32).length));
      case "text":
        return new Response(String("x".repeat(2 ** 30).length));
      case "buffers":
        for (;;) all.push(new Uint8Array(1024 * 1024).fill(1));
    }
  },
};
