// What `edgewit build` puts before an application's own modules. Evaluating it makes the globals what the SDK says they
// are, which nothing else of the package does.

// Before all others, which find in it what their packages need.
import { component, engine } from "#engine";
import { type Exports, toExports } from "./guest/handler.js";
import { toHandler } from "./guest/application.js";
import { install } from "./guest/install.js";
import { useLines } from "./guest/lines.js";
import { serve } from "./guest/loop.js";
import { rehearsed, rehearsing } from "./guest/rehearsal.js";
import { watchedEnv } from "./internal/granted.js";
import { Store } from "./kv.js";

engine.install();
install();
const rehearsal = rehearsing();

/** What the build knows of an application. */
export interface Built {
  /** The stores that it is granted. */
  stores: readonly string[];
}

/** The exports of a component, of an application's own module. Throws if that handles no requests. */
export function start(module: { default?: unknown }, built: Built): Exports {
  const env = watchedEnv(built.stores, (name) => new Store(name));
  const begin = () => {
    serve();
    useLines();
  };
  const handler = toHandler(module);
  component.built();
  return rehearsed(
    toExports(handler, env, begin),
    toExports(rehearsal, {}, () => {}),
  );
}
