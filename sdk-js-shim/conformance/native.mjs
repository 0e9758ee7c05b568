// The guest under Node, on the SDK's host in memory, behind a small HTTP server: what a component says of the SDK holds in
// a test, too. Prints its URL.

import { METHODS, createServer } from "node:http";
import { createServer as createListener } from "node:net";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { testEnv } from "@edgewit/sdk/testing";
import { build } from "esbuild";

/** As many as a host takes. */
const FIELDS_MAX = 1000;

/** A body of an announced length up to so many is read before the application begins. */
const WHOLE_BYTES = 16 * 1024;

/** Fields of the connection, which an application does not see, beside those that `connection` names. */
const OF_THE_CONNECTION =
  /^(cdn-loop|connection|expect|host|keep-alive|proxy-.*|te|transfer-encoding|upgrade)$/;

/** Methods that hosts do not offer, in any case, and those that are refused in another case than this. */
const NOT_OFFERED = new Set(["CONNECT", "TRACE", "TRACK"]);
const COMMON = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]);

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
  // The method of the next request on it would be the parser's to judge.
  outgoing.shouldKeepAlive = false;
  try {
    await send(await answer(incoming), outgoing);
  } catch {
    // A body that breaks off cuts the connection.
    outgoing.destroy();
  }
});
server.maxHeadersCount = 0;

// The parser refuses methods that it does not know: such a request comes to it as a POST, and its own is kept here.
const methods = new WeakMap();
const listener = createListener((socket) => {
  socket.on("error", () => socket.destroy());
  socket.once("data", (first) => {
    socket.pause();
    const end = first.indexOf(" ");
    const method = first.toString("latin1", 0, end);
    const isKnown = METHODS.includes(method) && method !== "CONNECT";
    if (!isKnown) methods.set(socket, method);
    socket.unshift(isKnown ? first : Buffer.concat([Buffer.from("POST"), first.subarray(end)]));
    server.emit("connection", socket);
    socket.resume();
  });
});
listener.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${listener.address().port}/`));

async function answer(incoming) {
  const method = methods.get(incoming.socket) ?? incoming.method;
  const refused = (status) => new Response(null, { status, headers: { "content-length": "0" } });
  if (incoming.rawHeaders.length > 2 * FIELDS_MAX) return refused(431);
  const upper = method.toUpperCase();
  if (NOT_OFFERED.has(upper) || incoming.url === "*") return refused(501);
  if (COMMON.has(upper) && method !== upper) return refused(400);
  const request = await toRequest(incoming, method);
  if (request === undefined) return refused(400);
  // As a component has an instance for each request, so each has a module of its own here.
  const { default: app } = await import(`${bundle}?${++requests}`);
  return app.request(request, undefined, env);
}

/** `undefined` if its target is no URL, or has user information. */
async function toRequest(incoming, method) {
  const { rawHeaders, headers, url } = incoming;
  const target = url.startsWith("/") ? `http://${headers.host}${url}` : url;
  if (/[@/?#]/.test(headers.host ?? "") || !URL.canParse(target)) return undefined;
  const named = new Set((headers.connection ?? "").toLowerCase().split(/[\s,]+/));
  const fields = new Headers();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at].toLowerCase();
    if (!OF_THE_CONNECTION.test(name) && !named.has(name)) fields.append(name, rawHeaders[at + 1]);
  }
  const body = method === "GET" || method === "HEAD" ? null : await toBody(incoming);
  return new Request(target, { method, headers: fields, body, duplex: "half" });
}

async function toBody(incoming) {
  const { "content-length": length, "transfer-encoding": encoding } = incoming.headers;
  if (length === undefined && encoding === undefined) return null;
  return length <= WHOLE_BYTES ? buffer(incoming) : Readable.toWeb(incoming);
}

async function send(response, outgoing) {
  outgoing.writeHead(response.status, [...response.headers].flat());
  if (response.body === null) outgoing.end();
  else await pipeline(Readable.fromWeb(response.body), outgoing);
}
