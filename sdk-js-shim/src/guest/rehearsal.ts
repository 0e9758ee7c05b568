// What answers in the application's place while it is built.
//
// The build calls a component a few times before it takes the engine's memory, so that an engine which learns as it runs
// has done so once for all requests. The application itself has not been asked for anything then.

import { own } from "../internal/own.js";
import { type Exports, toExports } from "./handler.js";

/** The id of the build's requests; it looks for this text to know that they are answered here. */
const REHEARSAL = "edgewit-rehearsal";

function reply(request: Request): Response {
  const text = `${request.method} ${request.url} ${request.headers.get("accept")}`;
  return new own.Response(text, { headers: { "content-type": "text/plain" } });
}

/** `exports`, but for the build's requests until the reply to one of them fails. */
export function rehearsed(exports: Exports): Exports {
  const rehearsal = toExports(reply, {}, () => {});
  let isOver = false;
  let current = exports;
  return {
    BodySource: exports.BodySource,
    handle(request, from) {
      current = !isOver && from.requestId === REHEARSAL ? rehearsal : exports;
      return current.handle(request, from);
    },
    afterReply(sent) {
      isOver ||= sent.tag === "err";
      return current.afterReply(sent);
    },
  };
}
