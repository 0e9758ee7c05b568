// Listeners of events. What one throws is no error of who dispatches the event, and a line of the log.

import { define } from "../internal/define.js";
import { logFailure } from "./failure.js";

type Listener = EventListenerOrEventListenerObject;

/** What stands for a listener, always the same: it may be removed. */
const wrapped = new WeakMap<Listener, EventListener>();

/** Has what a listener throws be logged. */
export function installListeners(): void {
  for (const name of ["addEventListener", "removeEventListener"] as const) {
    const engine = EventTarget.prototype[name];
    define(
      EventTarget.prototype,
      name,
      function (this: EventTarget, type: string, listener: Listener | null, options?: object) {
        return engine.call(this, type, listener && wrap(listener), options);
      },
    );
  }
}

function wrap(listener: Listener): EventListener {
  let own = wrapped.get(listener);
  if (own === undefined) {
    own = (event) => {
      try {
        if (typeof listener === "function") listener.call(event.currentTarget, event);
        else listener.handleEvent(event);
      } catch (error) {
        logFailure(`a listener of \`${event.type}\``, error);
      }
    };
    wrapped.set(listener, own);
  }
  return own;
}
