// What a `Request` and a `Response` are beside their bodies. Their constructors stay the engine's own, wrapped: they
// refuse what the standard does, and remember what the engine's objects do not tell.

import { define, defineGetter } from "../../define.js";
import type { Asked } from "../engine.js";
import { withBody } from "./bodies.js";
import type { Lack } from "./lacks.js";
import { askedFor, fromInit, madeOf, setAsked, setMade } from "./made.js";

/** The attributes that the engine has not, and what they are where nobody asked for anything. */
const ATTRIBUTES = {
  cache: "default",
  credentials: "same-origin",
  duplex: "half",
  integrity: "",
  keepalive: false,
  mode: "cors",
  redirect: "follow",
  referrer: "about:client",
  referrerPolicy: "",
} as const;

/** A token of RFC 9110. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const FORBIDDEN = new Set(["CONNECT", "TRACE", "TRACK"]);

export const lacks: Record<string, Lack> = {
  "attributes of Request": {
    isThere: () => Object.keys(ATTRIBUTES).every((name) => name in Request.prototype),
    install() {
      for (const [name, otherwise] of Object.entries(ATTRIBUTES)) {
        defineGetter(
          Request.prototype,
          name,
          (request) => askedFor(request, name as keyof RequestInit) ?? otherwise,
        );
      }
    },
  },
  "Request refuses methods and user information": {
    isThere: () =>
      throws(() => new Request("http://h/", { method: "A B" })) &&
      throws(() => new Request("http://h/", { method: "trace" })) &&
      throws(() => new Request("http://user@h/")),
    install: installRequest,
  },
  "Response.error": {
    isThere: () => "error" in Response,
    install() {
      installResponse();
      define(Response, "error", () => {
        const response = new Response(null);
        define(response, "type", "error");
        define(response, "status", 0);
        define(response, "ok", false);
        return response;
      });
    },
  },
};

function installRequest(): void {
  const engine = Request;
  wrap("Request", (args: [RequestInfo | URL, Asked?], newTarget) => {
    const [input, init] = args;
    const from = input instanceof engine ? input : undefined;
    // Before the engine takes the body over, which leaves none to look at.
    const made = init?.body == null && from !== undefined ? madeOf(from) : fromInit(init?.body);
    if (from !== undefined) args[0] = withBody(from);
    const request: Request = Reflect.construct(engine, args, newTarget);
    check(request);
    setMade(request, made);
    setAsked(request, init, from);
    return request;
  });
}

function installResponse(): void {
  const engine = Response;
  wrap("Response", (args: [(BodyInit | null)?, ResponseInit?], newTarget) => {
    const [body] = args;
    const response: Response = Reflect.construct(engine, args, newTarget);
    setMade(response, fromInit(body));
    return response;
  });
  const { json } = engine;
  engine.json = (...args) => {
    const response = json.apply(engine, args);
    setMade(response, { kind: "whole" });
    return response;
  };
}

/** Has `construct` make the objects of a class. */
function wrap<Args extends unknown[]>(
  name: "Request" | "Response",
  construct: (args: Args, newTarget: Function) => object,
): void {
  const engine = globalThis[name];
  const wrapped = new Proxy(engine, {
    construct: (_, args, newTarget) => construct(args as Args, newTarget),
  });
  engine.prototype.constructor = wrapped;
  define(globalThis, name, wrapped);
}

function throws(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch {
    return true;
  }
}

function check(request: Request): void {
  const { method, url } = request;
  if (!TOKEN.test(method) || FORBIDDEN.has(method.toUpperCase())) {
    throw new TypeError(`the method ${JSON.stringify(method)} can't be sent`);
  }
  const authority = url.slice(url.indexOf("//") + 2).split(/[/?#]/, 1)[0]!;
  if (authority.includes("@")) {
    throw new TypeError("a request's URL has no user information; use the field authorization");
  }
}
