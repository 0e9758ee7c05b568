// `console`.

import { values } from "./values.js";

export const printing = {
  // One line for each of the values.
  print() {
    for (const [name, args] of Object.entries(values)) {
      console.debug(`value ${name}`);
      console.info(...args);
    }
    return new Response("printed");
  },

  // Of these Node's versions show more, and not the same.
  messages() {
    const form = new FormData();
    form.append("a", "1");
    console.info(new Request("http://a/", { method: "POST", headers: { b: "c" }, body: "x" }));
    console.info(new Response("x", { status: 201, headers: { d: "e" } }));
    console.info({ a: { b: { c: new Request("http://a/") } } });
    console.info(form);
    const cookies = new Headers({ a: "1" });
    for (const cookie of ["b=2", "c=3"]) cookies.append("set-cookie", cookie);
    console.info(cookies);
    return new Response("printed");
  },

  levels() {
    console.trace("of trace", { a: 1 });
    console.debug("of debug");
    console.log("of log");
    console.info("of info");
    console.dir({ a: { b: { c: { d: 1 } } } }, { depth: 0 });
    console.warn("of warn");
    console.error("of error", new RangeError("beside it"));
    console.assert(true, "of a truth");
    console.assert(false, "of a lie %d", 1);
    console.assert(false);
    console.log();
    console.log("half \ud800 of it");
    return new Response("printed");
  },

  counting() {
    console.count();
    console.count("own");
    console.count();
    console.countReset();
    console.count();
    console.countReset("unknown");
    console.time("t");
    console.timeLog("t", "on the way");
    console.timeEnd("t");
    console.timeEnd("t");
    console.time("t");
    console.time("t");
    console.group("outer");
    console.info("one\ntwo");
    console.groupCollapsed("inner");
    console.warn("deep");
    console.groupEnd();
    console.groupEnd();
    console.groupEnd();
    console.info("out");
    return new Response("printed");
  },

  table() {
    console.table([
      { a: 1, b: "x" },
      { a: 2, c: true },
    ]);
    console.table([
      [1, 2],
      [3, 4],
    ]);
    console.table({ one: { v: 1 }, two: { v: 2 } }, ["v"]);
    console.table(new Map([["k", 1]]));
    console.table(5);
    return new Response("printed");
  },

  // What can't be formatted is no reason to fail.
  hostile() {
    console.info({
      get a() {
        throw new Error("from a getter");
      },
    });
    console.info("%s", {
      toString() {
        throw new Error("from toString");
      },
    });
    console.info(
      new Proxy(
        {},
        {
          get() {
            throw new Error("from a proxy");
          },
        },
      ),
    );
    console.info({ [Symbol.toStringTag]: 5, constructor: null });
    const error = new Error("an error");
    Object.defineProperty(error, "stack", {
      get() {
        throw new Error("from stack");
      },
    });
    console.info(error);
    return new Response("went on");
  },

  "error-printed": function printed() {
    const error = new TypeError("of a handler", { cause: new Error("its cause") });
    error.code = "E_CODE";
    console.info(error);
    console.info({ error });
    return new Response("printed");
  },
};
