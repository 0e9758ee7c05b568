// StarlingMonkey, the engine of componentize-js.

import type { Component, Engine } from "../engine.js";
import { askedFor, installMade, madeOf, origins } from "../made.js";
import { disturb } from "./disturbed.js";
import { lacks } from "./lacks.js";
import { removePlaceholders } from "./placeholders.js";
import { installPipes, takeRejections, watchRejections } from "./rejections.js";
import { writeStacks } from "./stacks.js";

export const engine: Engine = {
  install() {
    removePlaceholders();
    for (const lack of Object.values(lacks)) lack.install();
    installPipes();
    installMade();
  },
  madeOf,
  askedFor,
  origins,
};

export const component: Component = {
  // The engine's, before the SDK's own takes its name.
  later: (
    (own: typeof setTimeout) => (run: () => void) =>
      void own(run, 0)
  )(setTimeout),
  writeStacks,
  disturb,
  built: watchRejections,
  takeRejections,
};
