// A `Response` as the reply of `edge:sdk/handler`.

import { engine } from "#engine";
import type { Made } from "../engine/engine.js";
import type { handler } from "../generated/edge.js";
import { hintsOf } from "../message.js";
import { utf8 } from "../internal/text.js";
import { takeHandle } from "./incoming.js";
import { fieldsOf } from "./messages.js";
import { Source } from "./source.js";

/** As in the WIT, with a source whose calls are promises. */
type Body = Exclude<handler.ReplyBody, { tag: "source" }> | { tag: "source"; val: Source };

/** What the host is handed. */
export interface Reply extends Omit<handler.Reply, "body"> {
  body: Body;
}

const NO_BODY: Body = { tag: "none" };

/** What the host is handed. Throws as reading the body of `response` does. */
export async function toReply(
  response: Response,
  background: (work: Promise<unknown>) => void,
): Promise<Reply> {
  const made = engine.madeOf(response);
  return {
    status: response.status,
    headers: fieldsOf(response),
    body: await toBody(response, made, background),
    hints: hintsOf(response),
  };
}

async function toBody(
  response: Response,
  made: Made,
  background: (work: Promise<unknown>) => void,
): Promise<Body> {
  switch (made.kind) {
    case "none":
      return NO_BODY;
    case "bytes":
      return ofBytes(typeof made.bytes === "string" ? utf8(made.bytes) : made.bytes);
    case "whole":
      return ofBytes(new Uint8Array(await response.arrayBuffer()));
    case "stream": {
      const stream = response.body!;
      if (stream.locked)
        throw new TypeError("the body of the returned Response is held by a reader");
      const handle = takeHandle(stream);
      if (handle !== undefined) return { tag: "incoming", val: handle };
      return { tag: "source", val: new Source(stream, background) };
    }
  }
}

function ofBytes(bytes: Uint8Array): Body {
  return bytes.length === 0 ? NO_BODY : { tag: "bytes", val: bytes };
}
