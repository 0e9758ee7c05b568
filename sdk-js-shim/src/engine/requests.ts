// What a `Request` and a `Response` are beside their bodies.

import { askedFor } from "../guest/bodies.js";
import { define, defineGetter } from "../define.js";
import { withBody } from "./bodies.js";
import type { Lack } from "./starlingmonkey.js";

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
    install() {
      globalThis.Request = new Proxy(Request, {
        construct(target, [input, ...rest], newTarget) {
          const from = input instanceof Request ? withBody(input) : input;
          const request: Request = Reflect.construct(target, [from, ...rest], newTarget);
          check(request);
          return request;
        },
      });
    },
  },
  "Response.error": {
    isThere: () => "error" in Response,
    install() {
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
