// The globals of an application in a component.

import { define } from "../internal/define.js";
import { FixedLengthStream } from "../fixed-length.js";
import { listeners } from "./application.js";
import { installBuildTime } from "./build-time.js";
import { toConsole } from "./console.js";
import { installConsumed } from "./consumed.js";
import { fetch } from "./fetch.js";
import { installInspect } from "./inspect.js";
import { installListeners } from "./listeners.js";
import { installMessages } from "./messages.js";
import { installStacks } from "./stack.js";
import { clear, setInterval, setTimeout, timeout } from "./timers.js";

/** Makes the globals what the SDK says they are. */
export function install(): void {
  define(globalThis, "FixedLengthStream", FixedLengthStream);
  define(globalThis, "fetch", fetch);
  define(globalThis, "setTimeout", setTimeout);
  define(globalThis, "setInterval", setInterval);
  define(globalThis, "clearTimeout", clear);
  define(globalThis, "clearInterval", clear);
  define(globalThis, "addEventListener", listeners.adding(globalThis.addEventListener));
  define(globalThis, "removeEventListener", listeners.removing(globalThis.removeEventListener));
  define(globalThis, "console", toConsole(globalThis.console));
  define(AbortSignal, "timeout", timeout);
  installInspect();
  installListeners();
  installMessages();
  installConsumed();
  installBuildTime();
  installStacks();
}
