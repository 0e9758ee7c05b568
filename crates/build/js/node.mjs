// What Node has and an application at the edge has not: what to use instead.

import { builtinModules } from "node:module";

const INSTEAD = {
  async_hooks: "a value that is handed on with the request, such as the router's context",
  buffer: "Uint8Array, TextEncoder and TextDecoder",
  child_process: "fetch to a server that does the work",
  crypto: "the global `crypto` (Web Crypto)",
  dns: "fetch, which resolves names itself",
  events: "EventTarget",
  fs: "a store of `@edgewit/sdk/kv`, or import the file itself (`./page.html` is a string)",
  http: "fetch",
  http2: "fetch",
  https: "fetch",
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

/** The same of its globals. */
const GLOBALS = new Map([
  ["Buffer", INSTEAD.buffer],
  ["__dirname", "an import of the file itself"],
  ["__filename", "an import of the file itself"],
  ["process", INSTEAD.process],
  ["setImmediate", "`setTimeout`"],
]);

/** What to say of an exception's message if a global of Node's is missed, else `undefined`. */
export function globalOfNode(message) {
  const [, name] = /^ReferenceError: (\w+) is not defined/.exec(message) ?? [];
  const instead = GLOBALS.get(name);
  return instead && `${name} is a part of Node and not there at the edge; use ${instead}`;
}

/** What to say of esbuild's message if it is about a module of Node's, else `undefined`. */
export function inNode({ text, location }) {
  const [, asked] = /^Could not resolve "([^"]+)"/.exec(text) ?? [];
  const name = asked?.replace(/^node:/, "");
  if (!asked || !(asked.startsWith("node:") || builtinModules.includes(name))) return undefined;
  const owner = location && packageOf(location.file);
  const place = location ? `${location.file}:${location.line}:${location.column + 1}: ` : "";
  const who = owner ? `the package ${owner} imports` : "this imports";
  const instead = INSTEAD[name.split("/")[0]];
  const advice = instead
    ? `use ${instead}`
    : "only what browsers have is there: look for a package, or an entry of it, for browsers";
  return `${place}${who} "${asked}", which is a part of Node and not there at the edge; ${advice}`;
}

/** The npm package that a file is from: of `…/node_modules/@scope/name/…` it is `@scope/name`. */
export function packageOf(file) {
  const inside = file.split("node_modules/").slice(1).at(-1);
  if (inside === undefined) return undefined;
  const parts = inside.split("/");
  return parts.slice(0, parts[0].startsWith("@") ? 2 : 1).join("/");
}
