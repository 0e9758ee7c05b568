// Field values, which are bytes.

import { headerText, setHeaderText, trailers, withTrailers } from "@edgewit/sdk";

export const fields = {
  fields({ request }) {
    const headers = new Headers({ "x-latin": "caf\u00e9" });
    setHeaderText(headers, "x-utf-8", "łódź");
    headers.append("set-cookie", "a=1");
    headers.append("set-cookie", "b=2, c");
    headers.append("x-many", "one");
    headers.append("x-many", "two");
    setHeaderText(headers, "x-text", headerText(request.headers, "x-in") ?? "none");
    headers.set(
      "x-units",
      [...(request.headers.get("x-in") ?? "")].map((unit) => unit.charCodeAt(0)).join(),
    );
    headers.set("x-cookies", String(headers.getSetCookie().length));
    return new Response("x", { headers });
  },

  // The trailers that came, and others that go.
  async trailers({ request }) {
    const before = trailers(request) === undefined;
    const text = await request.text();
    const end = trailers(request)?.get("x-end");
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(`${text} ${before} ${end}`));
        controller.close();
      },
    });
    const due = withTrailers(body, () => new Headers({ "x-length": String(text.length) }));
    return new Response(due, { headers: { trailer: "x-length" } });
  },

  // Bodies that would be handed on, or sent whole.
  ownTrailers({ request, query }) {
    const body = query("whole") !== null ? new Response("text").body : request.body;
    const due = withTrailers(body, () => new Headers({ "x-length": "own" }));
    return new Response(due, { headers: { trailer: "x-length" } });
  },
};
