// What a `Request` and a `Response` are beyond the engine's.

import { engine } from "#engine";
import type { Message } from "../engine/engine.js";
import { define, defineGetter } from "../internal/define.js";
import { fromHeaders } from "../fields.js";
import { FixedLengthStream, withPromisedLength } from "../fixed-length.js";
import type { http } from "../generated/edge.js";
import { extra } from "../message.js";
import { own } from "../internal/own.js";
import { utf8 } from "../internal/text.js";
import { installReading } from "./reading.js";

/** The fields with which `message` is sent. */
export function fieldsOf(message: Message): http.Field[] {
  const headers = fromHeaders(message.headers);
  const { kind } = engine.madeOf(message);
  if (kind === "none") return headers;
  return withPromisedLength(headers, kind === "stream" ? message.body! : undefined);
}

type Whole = Uint8Array<ArrayBuffer> | undefined;

/** The bytes of `message`, unless its body is a stream; at once where they are known. Rejects as reading it does. */
export function wholeOf(message: Message): Whole | Promise<Whole> {
  const made = engine.madeOf(message);
  switch (made.kind) {
    case "none":
      return new Uint8Array();
    case "bytes":
      return typeof made.bytes === "string" ? utf8(made.bytes) : made.bytes;
    case "whole":
      return read(message);
    case "stream":
      return undefined;
  }
}

async function read(message: Message): Promise<Whole> {
  return new Uint8Array(await message.arrayBuffer());
}

/** Makes messages, and what they are made of, what the SDK says they are. */
export function installMessages(): void {
  Object.assign(own, { Headers, Request, Response });
  define(globalThis, "FixedLengthStream", FixedLengthStream);
  installReading();
  defineGetter(
    Response.prototype,
    "url",
    (response, engine) => extra(response).uri ?? engine(response),
  );
  defineGetter(Response.prototype, "redirected", (response, engine) => {
    const { redirects } = extra(response);
    return redirects === undefined ? engine(response) : redirects > 0;
  });
}
