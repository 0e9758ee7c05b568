// What a `Request` and a `Response` are beside their bodies. Their constructors stay the engine's own, wrapped: they
// refuse what the standard does.

import { define, defineGetter } from "../../internal/define.js";
import { own } from "../../internal/own.js";
import { utf8 } from "../../internal/text.js";
import type { Asked } from "../engine.js";
import type { Lack } from "../lacks.js";
import {
  askedFor,
  bodyOf,
  madeOf,
  type RequestArguments,
  requestOf,
  type ResponseArguments,
} from "../messages.js";
import { partsOf, streamOf } from "./parts.js";

/** The attributes that the engine has not, and what they are where nobody asked for anything. */
const ATTRIBUTES = {
  cache: "default",
  credentials: "same-origin",
  destination: "",
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

/** A reason-phrase of RFC 9112. */
const REASON = /^[\t\x20-\x7e\x80-\xff]*$/;

const USUAL = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]);
const FORBIDDEN = new Set(["CONNECT", "TRACE", "TRACK"]);

/** Statuses whose responses have no body. */
const BODILESS = new Set([204, 205, 304]);

/** What a request refuses, by what is wrong with it. */
const REFUSED = {
  "a value that is none": () => new Request("http://h/", { redirect: "other" as never }),
  "a method that is none": () => new Request("http://h/", { method: "A B" }),
  "a method that nobody may send": () => new Request("http://h/", { method: "trace" }),
  "user information": () => new Request("http://user@h/"),
};

export const lacks: Record<string, Lack> = {
  ...each(ATTRIBUTES, "attribute of Request: ", (name, otherwise) => ({
    isThere: () => name in Request.prototype,
    install: () =>
      defineGetter(
        Request.prototype,
        name,
        (request) => askedFor(request, name as keyof RequestInit) ?? otherwise,
      ),
  })),
  ...each(REFUSED, "Request refuses ", (_, make) => ({
    isThere: () => thrownBy(make) !== undefined,
    ways: { request: constructRequest },
  })),
  "Response refuses a text of a status that is none": {
    isThere: () => thrownBy(() => new Response(null, { statusText: "a\nb" })) !== undefined,
    ways: { response: constructResponse },
  },
  "Response names the status that has no body": {
    isThere: () => String(thrownBy(() => new Response("a", { status: 204 }))).includes("204"),
    ways: { response: constructResponse },
  },
  // `wrapMessages` has them so.
  "fields of Response.redirect that nobody changes": {
    isThere: () =>
      thrownBy(() => Response.redirect("http://h/").headers.set("a", "b")) !== undefined,
  },
  "the URL of Response.redirect": {
    isThere: () => Response.redirect("HTTP://A").headers.get("location") === "http://a/",
    install() {
      const { redirect } = Response;
      const { URL } = globalThis;
      define(Response, "redirect", (url: string | URL, status?: number) =>
        redirect.call(EngineResponse, new URL(url).href, status),
      );
    },
  },
  "Response.error": {
    isThere: () => "error" in Response,
    install() {
      define(Response, "error", () => {
        const response = new own.Response(null);
        define(response, "type", "error");
        define(response, "status", 0);
        define(response, "ok", false);
        return response;
      });
    },
  },
};

/** A lack for each of `all`, whose name goes behind `before`. */
function each<Value>(
  all: Readonly<Record<string, Value>>,
  before: string,
  lack: (name: string, value: Value) => Lack,
): Record<string, Lack> {
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => [before + name, lack(name, value)]),
  );
}

// The engine's own.
const EngineRequest = Request;
const EngineResponse = Response;

function constructRequest(args: RequestArguments, to: Function, asked: Asked | undefined): Request {
  const init = args[1];
  const parts = partsOf(init?.body);
  const body = parts === undefined ? bodyTaken(args[0], init) : streamOf(parts.parts);
  // To look at the signal of a request is to watch its client.
  if (body !== null || requestOf(init) !== undefined) args[1] = withBody(init, asked, body);
  const request: Request = Reflect.construct(EngineRequest, args, to);
  if (parts !== undefined) setType(request, parts.type);
  checkMethod(request.method);
  checkUrl(request.url);
  if (asked !== undefined) checkValues(asked);
  return request;
}

/** What the engine reads of `init`, whose members may be those of a class, with `body` unless that is `null`. */
function withBody(
  init: Asked | undefined,
  asked: Asked | undefined,
  body: BodyInit | null,
): RequestInit {
  const all = { ...asked, body: body ?? init?.body ?? null, duplex: "half" };
  return Object.assign(all, init && { method: init.method, headers: init.headers }) as RequestInit;
}

/**
 * The body that a request takes from another one. The engine would put a stream of its own around it, and one that
 * reads from the host is to be known. Of a text that nobody looked at no stream is made, nor is it given a type anew.
 */
function bodyTaken(input: unknown, init: Asked | undefined): BodyInit | null {
  if (!(input instanceof EngineRequest) || init?.body != null) return null;
  const made = madeOf(input);
  if (made.kind !== "bytes" || bodyOf(input).stream !== undefined) return input.body;
  return typeof made.bytes === "string" ? utf8(made.bytes) : made.bytes;
}

/**
 * Reads a Blob or a form as `parts.ts` says, and names a status that has no body where it refuses it: the engine
 * refuses it as well, and says of none which it is.
 */
function constructResponse(args: ResponseArguments, to: Function): Response {
  const body = args[0];
  const init = args[1];
  if (init != null) checkInit(init, body != null);
  const parts = partsOf(body);
  if (parts !== undefined) args[0] = streamOf(parts.parts);
  const response: Response = Reflect.construct(EngineResponse, args, to);
  if (parts !== undefined) setType(response, parts.type);
  return response;
}

function checkInit({ status, statusText }: ResponseInit, hasBody: boolean): void {
  // As WebIDL makes an `unsigned short` of it.
  const number = status === undefined ? 200 : Number(status) & 0xffff;
  if (hasBody && BODILESS.has(number)) {
    throw new TypeError(`a response with the status ${number} has no body`);
  }
  if (statusText !== undefined && !REASON.test(String(statusText))) {
    throw new TypeError(`${JSON.stringify(statusText)} is no text of a status`);
  }
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

// What is most often so is looked at first: expressions are interpreted as well.

function checkMethod(method: string): void {
  if (USUAL.has(method)) return;
  if (!TOKEN.test(method) || FORBIDDEN.has(method.toUpperCase())) {
    throw new TypeError(`the method ${JSON.stringify(method)} can't be sent`);
  }
}

function checkUrl(url: string): void {
  if (url.includes("@") && /^[^/]*\/\/[^/?#]*@/.test(url)) {
    throw new TypeError("a request's URL has no user information; use the field authorization");
  }
}

function checkValues(asked: Asked): void {
  for (const [name, value] of Object.entries(asked)) {
    const values = VALUES.get(name);
    if (values !== undefined && !values.includes(String(value))) {
      throw new TypeError(`${name} of a request is ${values.join(", ")}, not ${String(value)}`);
    }
  }
}
