// Which signal ends a request: one that it was given, or that its client is gone.

import { engine } from "#engine";
import { poll } from "#host";
import { ready } from "./loop.js";

/** The requests that came in. */
const arrived = new WeakSet<Request>();

/** Of those, the signals that somebody asked for. */
const clients = new WeakMap<Request, AbortSignal>();

/** All of these. */
const ofClients = new WeakSet<AbortSignal>();

/** Whether `signal` aborts where a client goes, which the host takes care of by itself for what it carries on. */
export function isOfClient(signal: AbortSignal): boolean {
  return ofClients.has(signal);
}

/** Has the signal of `request` be aborted once its client is gone. */
export function arrive(request: Request): void {
  arrived.add(request);
}

/** The signal by which a fetch of `request` ends. */
export function signalOf(request: Request): AbortSignal | undefined {
  const given = engine.askedFor(request, "signal");
  if (given !== undefined) return given ?? undefined;
  // Who never looked at the client's signal goes on without the client.
  for (const origin of engine.origins(request)) {
    const client = clients.get(origin);
    if (client !== undefined) return client;
  }
  return undefined;
}

/** The signal of a copy, or of a request that came in; nobody watches the client before somebody asks for it. */
export function givenSignal(request: Request): AbortSignal | undefined {
  const given = engine.askedFor(request, "signal");
  if (given !== undefined) return given ?? undefined;
  for (const origin of engine.origins(request))
    if (arrived.has(origin)) return clientSignal(origin);
  return undefined;
}

function clientSignal(request: Request): AbortSignal {
  let signal = clients.get(request);
  if (signal === undefined) clients.set(request, (signal = watch()));
  return signal;
}

function watch(): AbortSignal {
  const controller = new AbortController();
  ofClients.add(controller.signal);
  const gone = poll.clientGone();
  void ready(gone).then(() => {
    gone[Symbol.dispose]();
    controller.abort(new DOMException("the client is gone", "AbortError"));
  });
  return controller.signal;
}
