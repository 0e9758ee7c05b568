// StarlingMonkey, the engine of componentize-js.

import type { Engine } from "../engine.js";
import { disturb } from "./disturbed.js";
import { lacks } from "./lacks.js";
import { askedFor, madeOf, origins } from "./made.js";
import { removePlaceholders } from "./placeholders.js";
import { installPipes, takeRejections, watchRejections } from "./rejections.js";
import { writeStacks } from "./stacks.js";

export const engine: Engine = {
  install() {
    removePlaceholders();
    for (const lack of Object.values(lacks)) lack.install();
    installPipes();
  },
  // The engine's, before the SDK's own takes its name.
  later: (
    (own: typeof setTimeout) => (run: () => void) =>
      void own(run, 0)
  )(setTimeout),
  writeStacks,
  madeOf,
  askedFor,
  origins,
  disturb,
  built: watchRejections,
  takeRejections,
};
