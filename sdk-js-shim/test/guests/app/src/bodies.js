// Messages by what they are made of.

import { readExactly } from "@edgewit/sdk";

const encoder = new TextEncoder();

function form() {
  const form = new FormData();
  form.append("field", "value");
  form.append("file", new Blob(["content"], { type: "text/x" }), "name.txt");
  return form;
}

const stream = () =>
  new ReadableStream({
    start(controller) {
      for (const text of ["one ", "two"]) controller.enqueue(encoder.encode(text));
      controller.close();
    },
  });

const kinds = {
  none: () => new Response(),
  null: () => new Response(null),
  nothing: () => new Response(null, { status: 204 }),
  empty: () => new Response(""),
  text: () => new Response("täxt"),
  object: () => new Response({ toString: () => "an object" }),
  json: () => Response.json({ a: 1 }),
  bytes: () => new Response(encoder.encode("bytes")),
  buffer: () => new Response(encoder.encode("a buffer").buffer),
  view: () => new Response(new DataView(encoder.encode("a long view").buffer, 2, 4)),
  blob: () => new Response(new Blob(["a ", "blob"], { type: "text/y" })),
  params: () => new Response(new URLSearchParams({ a: "b c" })),
  form: () => new Response(form()),
  stream: () => new Response(stream()),
  blobStream: () => new Response(new Blob(["streamed"]).stream()),
  status: () => new Response("teapot", { status: 418, statusText: "I'm a teapot" }),
  redirect: () => Response.redirect("http://a/b", 303),
};

async function cloned(response) {
  const copy = response.clone();
  return [response, copy];
}

export const bodies = {
  body: ({ query }) => kinds[query("kind")](),

  // One of the two is returned; the other is read, before or meanwhile.
  async clone({ query, ctx }) {
    const [one, two] = await cloned(kinds[query("kind")]());
    const [sent, read] = query("send") === "copy" ? [two, one] : [one, two];
    const done = read.text().then((text) => console.info(`read ${text.length}`));
    ctx.waitUntil(done);
    return sent;
  },

  error: () => Response.error(),

  async consumed() {
    const response = new Response("read");
    await response.text();
    return response;
  },

  async locked() {
    const response = new Response(stream());
    response.body.getReader();
    return response;
  },

  // Of a text, which is not read to be sent.
  async lockedText() {
    const response = new Response("text");
    response.body.getReader();
    return response;
  },

  async lockedJson() {
    const response = Response.json("text");
    response.body.tee();
    return response;
  },

  // What the constructors refuse.
  async refused() {
    const all = {};
    const attempts = {
      "204 with a body": () => new Response("x", { status: 204 }),
      "status 199": () => new Response("x", { status: 199 }),
      "status 600": () => new Response("x", { status: 600 }),
      "a bad name": () => new Headers({ "a b": "c" }),
      "a bad value": () => new Headers({ a: "b\nc" }),
      "beyond a byte": () => new Headers({ a: "ł" }),
      "GET with a body": () => new Request("http://a/", { body: "x" }),
    };
    for (const [what, run] of Object.entries(attempts)) {
      try {
        run();
        all[what] = "taken";
      } catch (error) {
        all[what] = error.name;
      }
    }
    return Response.json(all);
  },

  // Reads the request in one way.
  async read({ request, query }) {
    const how = query("how");
    const before = request.bodyUsed;
    const value = await request[how]();
    const used = request.bodyUsed;
    const again = await request[how]().catch((error) => `${error.name} ${error.cause?.code}`);
    const shown = {
      arrayBuffer: () => new Uint8Array(value).length,
      blob: () => `${value.type} ${value.size}`,
      bytes: () => value.length,
      formData: () => [...value].map(([name, part]) => `${name} ${part.name ?? part}`),
      json: () => value,
      text: () => value,
    };
    return Response.json({ before, value: shown[how](), used, again });
  },

  // Parts of the request: the text of each, or why there is none.
  async parts({ request, query }) {
    const parts = [];
    for (const length of query.all("length")) {
      const part = readExactly(request, Number(length));
      const text = part.then((bytes) => new TextDecoder().decode(bytes));
      parts.push(await text.catch((error) => error.cause.code));
    }
    return Response.json(parts);
  },

  // The request and its copy, both read.
  async twice({ request }) {
    const copy = request.clone();
    const texts = await Promise.all([request.text(), copy.text()]);
    return Response.json(texts);
  },
};
