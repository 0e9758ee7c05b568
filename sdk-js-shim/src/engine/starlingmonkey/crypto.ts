// `crypto.subtle`: what the engine does not know is refused in words that say what it is, what there is, and what to
// use instead. The engine's own errors name nothing, and some keys end the whole request, which nobody can catch: one
// of a curve that it does not know, or in a format that it has none of.
//
// Methods that are absent stay so. Packages ask whether they are there, and bring their own where they are not.

import { define } from "../../internal/define.js";
import type { Component } from "../engine.js";
import type { Lack } from "../lacks.js";
import { importKey } from "./keys.js";
import { placeWhereAsked } from "./stacks.js";

type Call = (...args: unknown[]) => Promise<unknown>;
type Check = (...args: unknown[]) => void;
type Method = "digest" | "importKey" | "sign" | "verify";
type Part = keyof typeof PARTS;

/** MD5 is none of the standard's, but there. */
const HASHES = ["SHA-1", "SHA-256", "SHA-384", "SHA-512", "MD5"];

/** What an algorithm may come with. */
const PARTS = { hash: HASHES, namedCurve: ["P-256", "P-384", "P-521"] };

/** The algorithms of keys: in which formats there are keys, and what has to be said to import one, and to use it. */
const KEYS: Record<string, { formats: string[]; made: Part; used?: Part }> = {
  HMAC: { formats: ["raw", "jwk"], made: "hash" },
  "RSASSA-PKCS1-v1_5": { formats: ["jwk", "pkcs8", "spki"], made: "hash" },
  ECDSA: { formats: ["jwk", "pkcs8", "spki"], made: "namedCurve", used: "hash" },
};

/** What has in plain JavaScript what the engine has not. */
const PACKAGES: [of: RegExp, name: string][] = [
  [/^(AES|ChaCha)/i, "@noble/ciphers"],
  [/^(EC|Ed|X|P-|secp)/i, "@noble/curves"],
  [/^RSA/i, "node-forge"],
  [/^(HKDF|PBKDF2|SHA|BLAKE|scrypt|Argon)/i, "@noble/hashes"],
];

export const lacks: Record<string, Lack> = {
  "the name of an algorithm that is refused": {
    isThere: async () => (await refusal()).message.includes("SHA-3"),
    install: refuse,
  },
  "the place of what crypto.subtle is refused": {
    isThere: async () => Boolean((await refusal()).stack),
  },
};

function refusal(): Promise<Error> {
  return crypto.subtle.digest("SHA-3", new Uint8Array()).then(
    () => new Error(),
    (error: Error) => error,
  );
}

let beforeKeys: Parameters<Component["beforeKeys"]>[0] = () => {};

/** Has `check` be called before a key is imported, other than one of HMAC: those have no randomness of their own. */
export const setBeforeKeys: Component["beforeKeys"] = (check) => void (beforeKeys = check);

/** Has what is not there be told. */
function refuse(): void {
  install("digest", (algorithm) => known("digest", algorithm, HASHES));
  install("importKey", checkImport, importKey as Call);
  for (const method of ["sign", "verify"] as const) {
    install(method, (algorithm) => {
      const key = keyOf(method, algorithm);
      if (key?.used !== undefined) checkPart(method, key.name, algorithm, key.used);
    });
  }
}

function checkImport(format: unknown, _: unknown, algorithm: unknown): void {
  const key = keyOf("importKey", algorithm);
  if (key === undefined) {
    // The engine takes a name that is an object.
    const asked = (algorithm as { name?: unknown } | null | undefined)?.name;
    if (typeof asked === "object") beforeKeys(String(asked));
    return;
  }
  const { name, formats } = key;
  checkPart("importKey", name, algorithm, key.made);
  if (!formats.includes(String(format))) {
    const there = `but as ${formats.join(", ")}; bring it as one of these`;
    throw unsupported(
      `crypto.subtle.importKey takes no key for ${name} as ${String(format)}, ${there}`,
    );
  }
  if (name !== "HMAC") beforeKeys(name);
}

/** Has `check` be called with a method's arguments before the method itself, which is the engine's. */
function install(
  method: Method,
  check: Check,
  engine = SubtleCrypto.prototype[method] as Call,
): void {
  define(SubtleCrypto.prototype, method, async function (this: SubtleCrypto, ...args: unknown[]) {
    const asked = new Error();
    try {
      check(...args);
      return await engine.apply(this, args);
    } catch (error) {
      placeWhereAsked(error, asked);
      throw error;
    }
  });
}

function keyOf(method: Method, algorithm: unknown) {
  const name = known(method, algorithm, Object.keys(KEYS));
  return name === undefined ? undefined : { name, ...KEYS[name]! };
}

/**
 * The algorithm that is asked for, as the standard spells it; `undefined` for what is none, which the engine refuses.
 */
function known(method: Method, algorithm: unknown, all: string[]): string | undefined {
  const asked = nameOf(algorithm);
  if (asked === undefined) return undefined;
  const found = all.find((name) => name.toUpperCase() === asked.toUpperCase());
  if (found === undefined) throw unknown(method, asked, asked, all);
  return found;
}

function checkPart(method: Method, name: string, algorithm: unknown, part: Part): void {
  const all = PARTS[part];
  const asked = nameOf((algorithm as { [part in Part]?: unknown })[part]);
  if (asked === undefined) {
    throw new TypeError(
      `crypto.subtle.${method} takes the ${part} of ${name}: one of ${all.join(", ")}`,
    );
  }
  if (!all.includes(part === "hash" ? asked.toUpperCase() : asked)) {
    throw unknown(method, `${part} ${asked}`, asked, all);
  }
}

function nameOf(algorithm: unknown): string | undefined {
  const name = (algorithm as { name?: unknown } | null | undefined)?.name ?? algorithm;
  return typeof name === "string" ? name : undefined;
}

function unknown(method: Method, what: string, name: string, all: string[]): DOMException {
  const [, found] = PACKAGES.find(([of]) => of.test(name)) ?? [];
  const use = found === undefined ? "a package in plain JavaScript" : `the package ${found}`;
  const there = all.join(", ");
  return unsupported(`crypto.subtle.${method} knows no ${what}, but ${there}; use ${use} instead`);
}

function unsupported(message: string): DOMException {
  return new DOMException(message, "NotSupportedError");
}
