// A body is read once. The platform says so by a `TypeError`; its cause says it by the SDK's own word.

import { engine } from "#engine";
import { define } from "../internal/define.js";
import { EdgewitError } from "../errors.js";

const READS = ["arrayBuffer", "blob", "bytes", "formData", "json", "text"] as const;

/** Has a second read of a body be an error with the code `consumed`. */
export function installConsumed(): void {
  for (const prototype of [Request.prototype, Response.prototype]) {
    for (const name of READS) {
      const read = prototype[name] as (this: Request | Response) => Promise<unknown>;
      const once = function (this: Request | Response): Promise<unknown> {
        if (this.bodyUsed || isLocked(this)) return Promise.reject(consumed());
        return read.call(this);
      };
      define(prototype, name, once);
    }
  }
}

function isLocked(message: Request | Response): boolean {
  return engine.madeOf(message).kind === "stream" && message.body!.locked;
}

function consumed(): TypeError {
  const message = "the body was read already";
  return new TypeError(message, { cause: new EdgewitError("consumed", message) });
}
