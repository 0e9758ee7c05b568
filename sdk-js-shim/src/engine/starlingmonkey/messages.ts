// What a `Request` and a `Response` are beside their bodies. Their constructors stay the engine's own, wrapped: they
// refuse what the standard does.

import { define, defineGetter, wrap } from "../../internal/define.js";
import type { Asked } from "../engine.js";
import { askedFor } from "../made.js";
import { withBody } from "./bodies.js";
import type { Lack } from "../lacks.js";
import { partsOf, streamOf } from "./parts.js";

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

/** The attributes that have one of some values. */
const VALUES = new Map<string, readonly string[]>([
  ["cache", ["default", "no-store", "reload", "no-cache", "force-cache", "only-if-cached"]],
  ["credentials", ["omit", "same-origin", "include"]],
  ["duplex", ["half"]],
  ["mode", ["same-origin", "no-cors", "cors"]],
  ["priority", ["high", "low", "auto"]],
  ["redirect", ["follow", "error", "manual"]],
]);

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
  "Request refuses methods, user information and values that are none": {
    isThere: () =>
      throws(() => new Request("http://h/", { redirect: "other" as never })) &&
      throws(() => new Request("http://h/", { method: "A B" })) &&
      throws(() => new Request("http://h/", { method: "trace" })) &&
      throws(() => new Request("http://user@h/")),
    install: installRequest,
  },
  "a body that is a Blob in one piece": {
    async isThere() {
      const { body } = new Response(new Blob([new Uint8Array(200_000)]));
      return (await body!.getReader().read()).value?.length === 200_000;
    },
    install: installResponse,
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

function installRequest(): void {
  const engine = Request;
  wrap("Request", (args: [RequestInfo | URL, Asked?], newTarget) => {
    const [input, init] = args;
    if (input instanceof engine) args[0] = withBody(input);
    const whole = partsOf(init?.body);
    if (whole !== undefined) args[1] = { ...init, body: streamOf(whole.parts), duplex: "half" };
    const request: Request = Reflect.construct(engine, args, newTarget);
    if (whole !== undefined) setType(request, whole.type);
    check(request);
    if (init !== undefined) checkValues(init);
    return request;
  });
}

function installResponse(): void {
  const engine = Response;
  wrap("Response", (args: [(BodyInit | null)?, ResponseInit?], newTarget) => {
    const whole = partsOf(args[0]);
    if (whole !== undefined) args[0] = streamOf(whole.parts);
    const response: Response = Reflect.construct(engine, args, newTarget);
    if (whole !== undefined) setType(response, whole.type);
    return response;
  });
}

/** A body's own type, where its message was given none. */
function setType({ headers }: Request | Response, type: string): void {
  if (type !== "" && !headers.has("content-type")) headers.set("content-type", type);
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

function checkValues(init: Asked): void {
  // The names that it has are fewer than those that it may have.
  for (const [name, value] of Object.entries(init)) {
    const values = value === undefined ? undefined : VALUES.get(name);
    if (values !== undefined && !values.includes(String(value))) {
      throw new TypeError(`${name} of a request is ${values.join(", ")}, not ${String(value)}`);
    }
  }
}
