// The guest under Node, on the SDK's host in memory, behind a small HTTP server: what a component says of the SDK holds in
// a test, too. Prints its URL.

import { createServer } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { testEnv } from "@edgewit/sdk/testing";
import { build } from "esbuild";

/** As many as a host takes. */
const FIELDS_MAX = 1000;

/** Fields of the connection, which an application does not see, beside those that `connection` names. */
const OF_THE_CONNECTION =
  /^(cdn-loop|connection|expect|host|keep-alive|proxy-.*|te|transfer-encoding|upgrade)$/;

/** Methods that hosts do not offer. */
const NOT_OFFERED = new Set(["CONNECT", "TRACE", "TRACK"]);

const bundle = new URL("target/native.mjs", import.meta.url);
await build({
  entryPoints: [fileURLToPath(new URL("src/main.ts", import.meta.url))],
  outfile: fileURLToPath(bundle),
  bundle: true,
  format: "esm",
  packages: "external",
  platform: "node",
});

// What cases without an application of their own are granted.
const env = testEnv("visits");
let requests = 0;

const server = createServer({ maxHeaderSize: 512 * 1024 }, async (incoming, outgoing) => {
  try {
    await send(await answer(incoming), outgoing);
  } catch {
    // A body that breaks off cuts the connection.
    outgoing.destroy();
  }
});
server.maxHeadersCount = 0;
server.on("connect", (_, socket) => socket.end("HTTP/1.1 501 Not Implemented\r\n\r\n"));
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));

async function answer(incoming) {
  if (incoming.rawHeaders.length > 2 * FIELDS_MAX) return new Response(null, { status: 431 });
  if (NOT_OFFERED.has(incoming.method) || incoming.url === "*") {
    return new Response(null, { status: 501 });
  }
  const request = toRequest(incoming);
  if (request === undefined) return new Response(null, { status: 400 });
  // As a component has an instance for each request, so each has a module of its own here.
  const { default: app } = await import(`${bundle}?${++requests}`);
  return app.request(request, undefined, env);
}

/** `undefined` if its target is no URL, or has user information. */
function toRequest(incoming) {
  const { method, rawHeaders, headers, url } = incoming;
  const target = url.startsWith("/") ? `http://${headers.host}${url}` : url;
  if (/[@/?#]/.test(headers.host ?? "") || !URL.canParse(target)) return undefined;
  const named = new Set((headers.connection ?? "").toLowerCase().split(/[\s,]+/));
  const fields = new Headers();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at].toLowerCase();
    if (!OF_THE_CONNECTION.test(name) && !named.has(name)) fields.append(name, rawHeaders[at + 1]);
  }
  const hasBody = "content-length" in headers || "transfer-encoding" in headers;
  const body = hasBody && method !== "GET" && method !== "HEAD" ? Readable.toWeb(incoming) : null;
  return new Request(target, { method, headers: fields, body, duplex: "half" });
}

async function send(response, outgoing) {
  outgoing.writeHead(response.status, [...response.headers].flat());
  if (response.body === null) outgoing.end();
  else await pipeline(Readable.fromWeb(response.body), outgoing);
}
