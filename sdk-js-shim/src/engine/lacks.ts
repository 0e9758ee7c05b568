// What engines lack of the Web because it is younger than they are, and what none says.

import { define } from "../internal/define.js";
import * as headers from "./headers.js";
import type { Ways } from "./messages.js";

/** A thing that an engine lacks or does otherwise. */
export interface Lack {
  /** Whether the engine does it right without us. */
  isThere(): boolean | Promise<boolean>;
  install?(): void;
  /** What of it is a part of messages, which are wrapped at one place. */
  ways?: Ways;
}

const messages = [Request.prototype, Response.prototype];

export const lacks = {
  ...headers.lacks,
  "bytes()": {
    isThere: () => messages.every((prototype) => "bytes" in prototype),
    install() {
      for (const prototype of messages) define(prototype, "bytes", bytes);
    },
  },
  "URL.canParse": {
    isThere: () => "canParse" in URL,
    install: () => define(URL, "canParse", (...args: [string, string?]) => parse(...args) !== null),
  },
  "URL.parse": {
    isThere: () => "parse" in URL,
    install: () => define(URL, "parse", parse),
  },
  navigator: {
    isThere: () => "navigator" in globalThis,
    install: () => define(globalThis, "navigator", { userAgent: "Edgewit" }),
  },
} satisfies Record<string, Lack>;

async function bytes(this: Request | Response): Promise<Uint8Array> {
  return new Uint8Array(await this.arrayBuffer());
}

function parse(url: string, base?: string): URL | null {
  try {
    return new URL(url, base);
  } catch {
    return null;
  }
}
