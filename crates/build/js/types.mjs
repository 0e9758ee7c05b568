// The types of the Web and of the language as an application has them: those that TypeScript brings, for workers, without
// what is absent.

/**
 * Of what those declare, the values that there are. Their other types stay: a name that only types have does nothing.
 */
const THERE = new Set(
  `AbortController AbortSignal Blob ByteLengthQueuingStrategy CompressionStream CountQueuingStrategy Crypto CryptoKey
  CustomEvent DOMException DecompressionStream dispatchEvent Event EventTarget File FormData Headers Performance
  ReadableByteStreamController ReadableStream ReadableStreamBYOBRequest ReadableStreamDefaultController
  ReadableStreamDefaultReader Request Response SubtleCrypto TextDecoder TextDecoderStream TextEncoder
  TextEncoderStream TransformStream URL URLSearchParams WorkerLocation WritableStream addEventListener atob btoa
  clearInterval clearTimeout console crypto fetch location navigator performance queueMicrotask removeEventListener
  self setInterval setTimeout structuredClone`.split(/\s+/),
);

/** What is there with fewer members, or by whose name other types know that those of the Web are there. */
const OTHERWISE = {
  navigator: 'Pick<WorkerNavigator, "userAgent">',
  onmessage: "never",
  performance: 'Pick<Performance, "now" | "timeOrigin">',
  self: "typeof globalThis",
};

/** What is there with members that those do not declare. */
const MORE = {
  ReadableStream: "    from<R>(iterable: Iterable<R> | AsyncIterable<R>): ReadableStream<R>;\n",
};

const COMMENT = "(?:^ *\\/\\*\\*(?:(?!\\*\\/)[^])*\\*\\/\\n)?";
const VALUE = new RegExp(
  `${COMMENT}^declare (?:var|function|namespace) (\\w+)(?:.*;$|[^]*?^\\};?$)\\n`,
  "gm",
);

/** Within a namespace, whose types those of other things name. */
const VALUE_WITHIN = /^ {4}(?:var|const|function) (?:.*;$|[^]*?^ {4}\};$)\n/gm;

/**
 * `lib`, TypeScript's own of the Web, without what is `absent`: values, and members by their paths, as
 * `crypto.subtle.wrapKey`.
 */
export function webTypes(lib, absent) {
  const values = lib.replace(VALUE, (declared, name) => {
    if (name in OTHERWISE) return `declare var ${name}: ${OTHERWISE[name]};\n`;
    return THERE.has(name) ? declared.replace(/^\};$/m, `${MORE[name] ?? ""}};`) : "";
  });
  return withoutMembers(values, namesOf(absent));
}

/** The same of TypeScript's own of the language. */
export function languageTypes(lib, absent) {
  const names = namesOf(absent);
  const values = lib.replace(VALUE, (declared, name) => {
    if (!names.includes(name)) return declared;
    return declared.includes("namespace") ? declared.replace(VALUE_WITHIN, "") : "";
  });
  return withoutMembers(values, names);
}

function namesOf(absent) {
  return Object.keys(absent).flatMap((names) => names.split(" "));
}

function withoutMembers(text, names) {
  return names.filter((name) => name.includes(".")).reduce(withoutMember, text);
}

function withoutMember(text, path) {
  const names = path.split(".");
  const member = names.pop();
  const block = names.reduce((within, name) => {
    const place = within ? (text.match(within) ?? []).join("\n") : text;
    const [, type] =
      new RegExp(`^ *(?:declare var|readonly) ${name}: (\\w+);$`, "m").exec(place) ?? [];
    return blocksOf(type ? `interface ${type}\\b.*` : `declare var ${name}:`);
  }, undefined);
  const line = new RegExp(`${COMMENT}^    (?:readonly )?${member}[(<:?].*;$\\n`, "gm");
  return text.replace(block, (found) => found.replace(line, ""));
}

function blocksOf(head) {
  return new RegExp(`^${head} \\{\\n[^]*?^\\}`, "gm");
}
