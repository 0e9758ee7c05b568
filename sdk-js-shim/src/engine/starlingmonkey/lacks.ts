// What the engine lacks of the Web or does otherwise, and applications need.
//
// Each entry says how the engine is asked whether it has the thing by now. Nothing that works is replaced, so an entry
// goes once the engine answers yes: a test asks it without the SDK.

import { define } from "../../internal/define.js";
import * as bodies from "./bodies.js";
import * as disturbed from "./disturbed.js";
import * as messages from "./messages.js";
import * as properties from "./properties.js";
import * as signals from "./signals.js";
import * as streams from "./streams.js";
import * as tee from "./tee.js";
import * as writables from "./writables.js";

/** A thing that the engine lacks or does otherwise. */
export interface Lack {
  /** Whether the engine does it right without us. */
  isThere(): boolean | Promise<boolean>;
  install(): void;
}

export const lacks: Record<string, Lack> = {
  ...disturbed.lacks,
  ...bodies.lacks,
  ...messages.lacks,
  ...properties.lacks,
  ...signals.lacks,
  ...streams.lacks,
  ...tee.lacks,
  ...writables.lacks,
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
};

function parse(url: string, base?: string): URL | null {
  try {
    return new URL(url, base);
  } catch {
    return null;
  }
}
