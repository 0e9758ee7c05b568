// By what `Object.prototype.toString` tells of an object, packages know what it is.

import type { Lack } from "../lacks.js";

const NAMES = [
  "AbortController",
  "AbortSignal",
  "EventTarget",
  "FormData",
  "Headers",
  "ReadableStreamDefaultController",
  "ReadableStreamDefaultReader",
  "TextDecoderStream",
  "TextEncoderStream",
  "TransformStream",
  "URL",
  "URLSearchParams",
  "WritableStream",
] as const;

export const lacks: Record<string, Lack> = Object.fromEntries(
  NAMES.map((name) => [`the tag of ${name}`, lackOf(name)]),
);

function lackOf(name: (typeof NAMES)[number]): Lack {
  return {
    isThere() {
      const prototype: object | undefined = globalThis[name]?.prototype;
      return Object.prototype.toString.call(prototype) === `[object ${name}]`;
    },
    install() {
      const { prototype } = globalThis[name];
      Object.defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true });
    },
  };
}
