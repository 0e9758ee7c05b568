// Listeners of events. What one throws is no error of who dispatches the event, and a line of the log.

import { define } from "../internal/define.js";
import { logFailure } from "./failure.js";

type Listener = EventListenerOrEventListenerObject;
type Handler = ((event: Event) => unknown) | null;

/** What stands for a listener, always the same: it may be removed. */
const wrapped = new WeakMap<Listener, EventListener>();

/** What was assigned to the attribute `onabort` of a signal. */
const handlers = new WeakMap<AbortSignal, Handler>();

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
  installHandler();
}

/** The one event handler that the platform has as an attribute. */
function installHandler(): void {
  const own = Object.getOwnPropertyDescriptor(AbortSignal.prototype, "onabort")!;
  Object.defineProperty(AbortSignal.prototype, "onabort", {
    ...own,
    get(this: AbortSignal) {
      return handlers.get(this) ?? null;
    },
    set(this: AbortSignal, handler: unknown) {
      const isHandler = typeof handler === "function";
      handlers.set(this, isHandler ? (handler as Handler) : null);
      own.set!.call(this, isHandler ? wrap(handler as EventListener) : null);
    },
  });
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
