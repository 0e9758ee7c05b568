// StarlingMonkey, the engine of componentize-js.

import type { Component, Engine } from "../engine.js";
import { askedFor, installMade, madeOf, origins } from "../made.js";
import { insteadOf } from "./absent.js";
import { installCrypto } from "./crypto.js";
import { disturb } from "./disturbed.js";
import { lacks } from "./lacks.js";
import { installResponse } from "./messages.js";
import { installBlobs } from "./parts.js";
import { removePlaceholders } from "./placeholders.js";
import { installPipes, tellRejections, watchRejections } from "./rejections.js";
import { writeStacks } from "./stacks.js";

/** The engine's own, before the SDK's takes its name. */
const start = setTimeout;

export const engine: Engine = {
  install() {
    removePlaceholders();
    for (const lack of Object.values(lacks)) lack.install();
    installCrypto();
    installResponse();
    installBlobs();
    installPipes();
    installMade();
  },
  madeOf,
  askedFor,
  origins,
  insteadOf,
};

export const component: Component = {
  later: (run) => void start(run, 0),
  writeStacks,
  disturb,
  built: watchRejections,
  tellRejections,
};
