// The globals of an application in a component.

import { define, defineGetter } from "../internal/define.js";
import { listeners } from "./application.js";
import { installBuildTime } from "./build-time.js";
import { consoleOf, Kept, log } from "./console.js";
import { fetch } from "./fetch.js";
import { installInspect } from "./inspect.js";
import { installListeners } from "./listeners.js";
import { isServing, now } from "./loop.js";
import { installMessages } from "./messages.js";
import { givenSignal } from "./signal.js";
import { installStacks } from "./stack.js";
import { clear, setInterval, setTimeout, timeout } from "./timers.js";

/** Makes the globals what the SDK says they are. */
export function install(): void {
  define(globalThis, "fetch", fetch);
  define(globalThis, "setTimeout", setTimeout);
  define(globalThis, "setInterval", setInterval);
  define(globalThis, "clearTimeout", clear);
  define(globalThis, "clearInterval", clear);
  define(globalThis, "addEventListener", listeners.adding(globalThis.addEventListener));
  define(globalThis, "removeEventListener", listeners.removing(globalThis.removeEventListener));
  define(AbortSignal, "timeout", timeout);
  installInspect();
  installListeners();
  installMessages();
  defineGetter(Request.prototype, "signal", (request, own) => givenSignal(request) ?? own(request));
  installConsole();
  installBuildTime();
  installStacks();
}

/** While the application is built, whoever builds it reads along. */
function installConsole(): void {
  const building = console;
  // Each request begins with a copy of what there is once the application is built.
  const kept = new Kept();
  const own = consoleOf(
    (level, text, indent) => (isServing() ? log(level, text, indent) : building.log(text())),
    now,
    () => kept,
  );
  define(globalThis, "console", own);
}
