// Node, where tests run.

import type { Engine } from "../engine.js";
import { lacks } from "../lacks.js";
import { askedFor, installMade, madeOf, origins } from "../made.js";

export const engine: Engine = {
  install() {
    // Some of its versions are older.
    for (const lack of Object.values(lacks)) if (!lack.isThere()) lack.install();
    installMade();
  },
  madeOf,
  askedFor,
  origins,
  insteadOf: () => "",
};
