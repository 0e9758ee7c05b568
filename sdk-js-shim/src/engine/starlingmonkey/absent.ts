// What the engine has not and the SDK does not add, with what to use instead. README.md shows it, `edgewit build` tells
// of it where the top level of an application misses something, and `edgewit types` refuses it.

/** Names, parted by blanks, and what to use instead of them. */
export const absent = {
  Intl: "dates and numbers are formatted in one way, for no locale; a package that brings its own data",
  "String.prototype.normalize": "a package that brings its own data",
  URLPattern: "the router's patterns",
  "crypto.subtle.encrypt crypto.subtle.decrypt crypto.subtle.wrapKey crypto.subtle.unwrapKey":
    "a package in plain JavaScript, such as `@noble/ciphers`",
  "crypto.subtle.generateKey crypto.subtle.exportKey":
    "`crypto.getRandomValues` makes the bytes of a key for HMAC, and `crypto.subtle.importKey` takes them; for a pair of keys a package such as `@noble/curves`",
  "crypto.subtle.deriveKey crypto.subtle.deriveBits":
    "a package in plain JavaScript, such as `@noble/hashes`",
  "crypto.subtle.timingSafeEqual":
    "`crypto.subtle.verify` of an HMAC, which takes as long wherever two of them differ",
  ReadableStreamBYOBReader:
    "`readExactly` of this package; asking a stream for such a reader is an error",
  "WebAssembly SharedArrayBuffer Atomics Worker":
    "plain JavaScript; what waits is a promise, and many can wait at once",
  "MessageChannel MessagePort MessageEvent BroadcastChannel postMessage":
    "`EventTarget`, and `queueMicrotask` for what is to run a little later",
  "ErrorEvent PromiseRejectionEvent reportError onerror onunhandledrejection onrejectionhandled":
    "`try`; what a handler or a listener throws is a line of the log, and so is, at the end of a request, a rejected promise that nobody handled",
  "TransformStreamDefaultController WritableStreamDefaultController WritableStreamDefaultWriter":
    "the objects are there, as what streams hand out; only these names of their classes are not",
  "performance.mark performance.measure performance.getEntries PerformanceEntry PerformanceObserver":
    "`performance.now`, `console.time`",
  "WebSocket WebSocketPair EventSource XMLHttpRequest": "`fetch`, whose body is a stream",
  "navigator.sendBeacon": "`fetch`, handed to `ctx.waitUntil`",
  "caches localStorage sessionStorage indexedDB": "a store of `@edgewit/sdk/kv`",
  "window document": "`globalThis`; there is no page",
  "DOMParser HTMLRewriter": "a package in plain JavaScript, such as `htmlparser2`",
  FileReader: "the methods of a `Blob`: `text`, `arrayBuffer`, `stream`",
  "setImmediate clearImmediate requestAnimationFrame requestIdleCallback": "`setTimeout`",
  process: "a store with `env` in `edge.toml` for the environment",
  Buffer: "`Uint8Array`, `TextEncoder` and `TextDecoder`",
  "require importScripts": "`import`",
  "__dirname __filename": "an import of the file itself: `./page.html` is a string",
  "Deno Bun": "what browsers have",
  "ctx.passThroughOnException":
    "`try`, and an answer of the application's own: there is no server behind it",
} as const;

/** The end of an exception's text that says what is not there. */
const MISSED =
  /((?:(?:globalThis|self)\.)?)([\w$.]+) is (not defined|not a function|not a constructor|undefined)$/;

/** The same of a module that is asked for while the application runs. */
const REQUIRED = /\bDynamic (require) of .* is not supported$/;

/**
 * What to use instead of what an exception's text says is missing, to be added to it; empty where nothing is known of
 * that. What is called on a variable may be anything, and so the name of what is absent is a part of it.
 */
export function insteadOf(text: string): string {
  // A text may be long, and the expression tries each of its places.
  const missed = missedBy(text.slice(-200));
  if (missed === undefined) return "";
  for (const [names, instead] of Object.entries(absent)) {
    const name = names.split(" ").find((it) => isMissed(it, missed));
    if (name === undefined) continue;
    // What a variable holds is not known.
    const of = name.includes(".prototype.") && missed !== name ? "of a string, " : "";
    return `; ${of}instead of \`${name}\`: ${instead}`;
  }
  return "";
}

/** What is missing, as it is spelled where it is used. */
function missedBy(end: string): string | undefined {
  const [, of, name, how] = MISSED.exec(end) ?? [];
  if (name === undefined) return REQUIRED.exec(end)?.[1];
  // A global that is not there is not defined: by its bare name, what is but no such thing is the application's own.
  return how === "not defined" || of !== "" || name.includes(".") ? name : undefined;
}

/** Whether `missed` is `name`: `text.normalize` may be `String.prototype.normalize`. */
function isMissed(name: string, missed: string): boolean {
  const [, object, member] =
    /(?:^|\.)(?:(\w+)\.)?(\w+)$/.exec(name.replace(".prototype", "")) ?? [];
  if (object === undefined) return missed === name;
  const end = name.includes(".prototype.") ? `.${member}` : `.${object}.${member}`;
  return `.${missed}`.endsWith(end);
}
