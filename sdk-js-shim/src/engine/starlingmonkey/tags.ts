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

export const lacks: Record<string, Lack> = {
  "tags of classes": {
    isThere: () =>
      NAMES.every((name) => {
        const prototype: object | undefined = globalThis[name]?.prototype;
        return Object.prototype.toString.call(prototype) === `[object ${name}]`;
      }),
    install() {
      for (const name of NAMES) {
        const { prototype } = globalThis[name];
        Object.defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true });
      }
    },
  },
};
