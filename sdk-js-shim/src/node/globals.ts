// The globals of a component, as far as Node lacks them or does otherwise.

import { engine } from "#engine";
import { consoleOf, Kept, log } from "../guest/console.js";
import { installMessages } from "../guest/messages.js";
import { callNow, inCallOf } from "./calls.js";

let installed = false;

/** Makes them so, once. What an application prints while it is called is a line of the log as well. */
export function install(): void {
  if (installed) return;
  installed = true;
  engine.install();
  installMessages();
  installConsole();
}

function installConsole(): void {
  const own = consoleOf(
    log,
    () => performance.now(),
    () => keptOf(callNow()!),
  );
  for (const name of Object.keys(own) as (keyof Console)[]) {
    const print = console[name] as (...args: unknown[]) => void;
    const write = own[name] as (...args: unknown[]) => void;
    console[name] = (...args: unknown[]) => {
      // Some of Node's call others.
      inCallOf(undefined, () => print.apply(console, args));
      if (callNow() !== undefined) write(...args);
    };
  }
}

const allKept = new WeakMap<object, Kept>();

/** Each call begins anew, as a component does. */
function keptOf(call: object): Kept {
  let kept = allKept.get(call);
  if (kept === undefined) allKept.set(call, (kept = new Kept()));
  return kept;
}
