// StarlingMonkey, the engine of componentize-js.

import type { Component, Engine } from "../engine.js";
import { askedFor, isLocked, madeOf, origins, received, wrapMessages } from "../messages.js";
import { insteadOf } from "./absent.js";
import { setBeforeKeys } from "./crypto.js";
import { disturb } from "./disturbed.js";
import { lacks } from "./lacks.js";
import { removePlaceholders } from "./placeholders.js";
import { tellRejections, watchRejections } from "./rejections.js";
import { writeStacks } from "./stacks.js";

/** The engine's own, before the SDK's takes its name. */
const startTask = setTimeout;

export const engine: Engine = {
  install() {
    removePlaceholders();
    const all = Object.values(lacks);
    for (const lack of all) lack.install?.();
    wrapMessages(Object.assign({}, ...all.map(({ ways }) => ways)));
  },
  madeOf,
  isLocked,
  askedFor,
  origins,
  insteadOf,
};

export const component: Component = {
  received,
  later: (run) => void startTask(run, 0),
  writeStacks,
  beforeKeys: setBeforeKeys,
  disturb,
  built: watchRejections,
  tellRejections,
};
