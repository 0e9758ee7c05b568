// The JavaScript SDK under test: an application that carries out what `tests/conformance/CONTRACT.md` says.
// A request with a script goes to that, whatever its path; any other to the handlers.

import { App } from "@edgewit/sdk";
import { handlers, notFound, onError } from "./handlers.js";
import { run, stepsOf } from "./script.js";

export default new App()
  .wrap("/*path", (c, next) => {
    const steps = stepsOf(c.request.headers);
    return steps.length === 0 ? next() : run(c, steps);
  })
  .mount("/s", handlers)
  .notFound(notFound)
  .onError(onError);
