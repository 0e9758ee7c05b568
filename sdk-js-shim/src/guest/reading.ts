// What the platform tells of a read by an error of its own: the cause says it by the SDK's own word.

import { engine } from "#engine";
import type { Message } from "../engine/engine.js";
import { EdgewitError } from "../errors.js";
import { define } from "../internal/define.js";

const READS = ["arrayBuffer", "blob", "bytes", "formData", "json", "text"] as const;

/**
 * Has a second read of a body be an error with the code `consumed`, and one of what is no JSON one with the code `json`.
 */
export function installReading(): void {
  for (const prototype of [Request.prototype, Response.prototype]) {
    define(prototype, "json", function (this: Message) {
      return json(this);
    });
    for (const name of READS) {
      const read = prototype[name] as (this: Message) => Promise<unknown>;
      const once = function (this: Message): Promise<unknown> {
        if (this.bodyUsed || engine.isLocked(this)) return Promise.reject(consumed());
        return read.call(this);
      };
      define(prototype, name, once);
    }
  }
}

function consumed(): TypeError {
  const message = "the body was read already";
  return new TypeError(message, { cause: new EdgewitError("consumed", message) });
}

/** Stricter than the standard, which replaces bytes that are no UTF-8: they are an error in every SDK. */
async function json(message: Message): Promise<unknown> {
  const bytes = await message.arrayBuffer();
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new SyntaxError(text, { cause: new EdgewitError("json", text) });
  }
}
