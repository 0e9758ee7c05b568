// The modules that Node has and an application at the edge has not: what to use instead.

import { builtinModules } from "node:module";

const HTTP = "fetch, and export what answers: `export default { fetch(request) { … } }`";

const INSTEAD = {
  async_hooks: "a value that is handed on with the request, such as the router's context",
  buffer: "Uint8Array, TextEncoder and TextDecoder",
  child_process: "fetch to a server that does the work",
  crypto: "the global `crypto` (Web Crypto)",
  dns: "fetch, which resolves names itself",
  events: "EventTarget",
  fs: "a store of `@edgewit/sdk/kv`, or import the file itself (`./page.html` is a string)",
  http: HTTP,
  http2: HTTP,
  https: HTTP,
  net: "fetch",
  os: "`navigator.userAgent`, or a store with `env` in edge.toml",
  path: "URL",
  perf_hooks: "the global `performance`",
  process: "a store with `env` in edge.toml for the environment",
  querystring: "URLSearchParams",
  stream: "ReadableStream, WritableStream and TransformStream",
  string_decoder: "TextDecoder with `{ stream: true }`",
  timers: "the globals `setTimeout` and `setInterval`",
  tls: "fetch",
  tty: "`console`",
  url: "the globals URL and URLSearchParams",
  util: "`structuredClone`, TextEncoder and TextDecoder, and promises as they are",
  worker_threads: "promises: several fetches wait side by side",
  zlib: "CompressionStream and DecompressionStream",
};

/** What to say of an import of a module of Node's, else `undefined`. */
export function insteadOf(asked) {
  const name = asked.replace(/^node:/, "");
  if (!(asked.startsWith("node:") || builtinModules.includes(name))) return undefined;
  const instead = INSTEAD[name.split("/")[0]];
  const advice = instead
    ? `use ${instead}`
    : "only what browsers have is there: look for a package, or an entry of it, for browsers";
  return `which is a part of Node and not there at the edge; ${advice}`;
}
