// Node, where tests run.

import type { Engine } from "../engine.js";
import { lacks } from "../lacks.js";
import { askedFor, isLocked, madeOf, origins, wrapMessages } from "../messages.js";

export const engine: Engine = {
  install() {
    // Some of its versions are older.
    for (const lack of Object.values(lacks)) if (!lack.isThere()) lack.install();
    wrapMessages({});
  },
  madeOf,
  isLocked,
  askedFor,
  origins,
  insteadOf: () => "",
};
