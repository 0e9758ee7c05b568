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

/** Statuses whose responses have no body. */
const BODILESS = new Set([204, 205, 304]);

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
      [
        () => new Request("http://h/", { redirect: "other" as never }),
        () => new Request("http://h/", { method: "A B" }),
        () => new Request("http://h/", { method: "trace" }),
        () => new Request("http://user@h/"),
      ].every((refused) => thrownBy(refused) !== undefined),
    install: installRequest,
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

/**
 * Has a Blob or a form be read as `parts.ts` says, and a status that has no body be named where it is refused: the engine
 * refuses it as well, and says of none which it is.
 */
export function installResponse(): void {
  const engine = Response;
  wrap("Response", (args: [(BodyInit | null)?, ResponseInit?], newTarget) => {
    const [body, init] = args;
    if (body != null && BODILESS.has(init?.status ?? 200)) {
      throw new TypeError(`a response with the status ${init!.status} has no body`);
    }
    const whole = partsOf(body);
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

function thrownBy(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
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
