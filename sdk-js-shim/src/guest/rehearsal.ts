// What answers in the application's place while it is built.
//
// The build calls a component a few times before it takes the engine's memory, so that an engine which learns as it
// runs has done so once for all requests. The application itself has not been asked for anything then. A method of the
// Web's or the language's that it changed is its own all the same, and called as it would be for a request: what that
// throws ends the rehearsal, and the memory is the one from before.

import { own } from "../internal/own.js";
import type { Exports } from "./handler.js";

/** The id of the build's requests; it looks for this text to know that they are answered here. */
const REHEARSAL = "edgewit-rehearsal";

/**
 * The application of a rehearsal: what most do, so that the engine has learnt it for all of them. Its classes are those
 * of the time when this is called, which is to be before an application may put its own in their place.
 */
export function rehearsing(): (request: Request) => Promise<Response> {
  const { Headers, ReadableStream, TextEncoder, URL } = globalThis;
  const streamOf = (text: string) => {
    const bytes = new TextEncoder().encode(text);
    const parts = [bytes, bytes];
    return new ReadableStream<Uint8Array>({
      pull(controller) {
        const part = parts.pop();
        if (part === undefined) controller.close();
        else controller.enqueue(part);
      },
    });
  };
  return async (request) => {
    const url = new URL(request.url);
    const headers = new Headers(request.headers);
    headers.set("content-type", "application/json");
    const body = JSON.stringify({ path: url.pathname, query: [...url.searchParams] });
    const inner = new own.Request(url, { method: "POST", headers, body });
    const answer = await inner.json();
    if (request.method === "GET") return own.Response.json(answer, { headers: [...headers] });
    const read = await new own.Response(streamOf(body)).text();
    return new own.Response(streamOf(read), { headers: { "content-type": "text/plain" } });
  };
}

/**
 * `exports`, but for `rehearsal` in a rehearsal. Until a request was the application's, the build has one begin where
 * it tells of a reply that went well, and end where of one that failed; no host tells of a reply before a request.
 */
export function rehearsed(exports: Exports, rehearsal: Exports): Exports {
  let isRehearsing = false;
  let current: Exports | undefined;
  return {
    BodySource: exports.BodySource,
    handle(request, from) {
      current = isRehearsing && from.requestId === REHEARSAL ? rehearsal : exports;
      return current.handle(request, from);
    },
    afterReply(sent) {
      if (current !== exports) isRehearsing = sent.tag === "ok";
      return current?.afterReply(sent) ?? Promise.resolve();
    },
  };
}
