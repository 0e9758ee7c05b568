// A `Response` as the reply of `edge:sdk/handler`.

import type { handler } from "../generated/edge.js";
import { hintsOf } from "../message.js";
import { takeHandle } from "./incoming.js";
import { fieldsOf, wholeOf } from "./messages.js";
import { Source } from "./source.js";

const { Promise } = globalThis;

/** As in the WIT, with a source whose calls are promises. */
type Body = Exclude<handler.ReplyBody, { tag: "source" }> | { tag: "source"; val: Source };

/** What the host is handed. */
export interface Reply extends Omit<handler.Reply, "body"> {
  body: Body;
}

/** What the host is handed. Throws as reading the body of `response` does. */
export async function toReply(
  response: Response,
  background: (work: Promise<unknown>) => void,
): Promise<Reply> {
  const whole = wholeOf(response);
  return {
    status: response.status,
    headers: fieldsOf(response),
    // Most are whole, and each promise is dear.
    body: toBody(response, whole instanceof Promise ? await whole : whole, background),
    hints: hintsOf(response),
  };
}

function toBody(
  response: Response,
  whole: Uint8Array | undefined,
  background: (work: Promise<unknown>) => void,
): Body {
  if (whole !== undefined) {
    return whole.length === 0 ? { tag: "none" } : { tag: "bytes", val: whole };
  }
  const stream = response.body!;
  const handle = takeHandle(stream);
  if (handle !== undefined) return { tag: "incoming", val: handle };
  return { tag: "source", val: new Source(stream, background) };
}
