// Starts the engine with an application's script, as far as the end of its top level: what is in memory then is where
// each request begins. That is done in a thread, which is ended where it takes too long.

import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";

/** The script's name in the engine's messages and stacks. */
export const SCRIPT = "source.js";

/** How much of the processor's time a top level may take, and a rehearsal after it, in milliseconds: a busy
 * machine ends none. What the engine's start takes before is not counted on it, and what Node takes meanwhile to compile
 * the engine is. */
export const LIMIT_MS = 10_000;

/** How often that is looked at. */
const LOOK_MS = 100;

/** Runs the script and returns what was printed and, if it came to its end, how many `bytes` the engine holds, and its
 * `memory` where they are at most `app.memoryBytes`, with the pages of it to which a request has `written`; else `call`
 * says which function of the host it called, if that ended it, and `isEndless` is true where it took too long. A script
 * with marks in it is told when it has taken `lateMs`. */
export async function start(app, script, lateMs = Infinity) {
  const folder = mkdtempSync(join(tmpdir(), "edgewit-"));
  const engine = (name) => readFileSync(join(app.engine, name));
  try {
    writeFileSync(join(folder, SCRIPT), script);
    writeFileSync(join(folder, "bindings.js"), engine("bindings.js"));
    const line = `--initializer-script-path /bindings.js --strip-path-prefix / ${SCRIPT}`;
    writeFileSync(join(folder, "arguments"), line);
    return await run({
      module: await WebAssembly.compile(engine("start.wasm")),
      env: JSON.parse(engine("environment.json")),
      folder,
      script,
      seed: createHash("sha256").update(script).digest(),
      most: app.memoryBytes,
      lateMs,
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function run(workerData) {
  const worker = new Worker(new URL("thread.mjs", import.meta.url), { workerData });
  let began = process.cpuUsage();
  const printed = { 1: "", 2: "" };
  let look;
  try {
    return await new Promise((resolve, reject) => {
      look = setInterval(() => {
        const { user, system } = process.cpuUsage(began);
        if ((user + system) / 1000 < LIMIT_MS) return;
        resolve({ finished: false, isEndless: true, out: printed[1], err: printed[2] });
      }, LOOK_MS);
      worker.on("message", ({ ran, begins, fd, text }) => {
        if (ran) resolve(ran);
        else if (begins) began = process.cpuUsage();
        else printed[fd] += text;
      });
      worker.once("error", reject);
    });
  } finally {
    clearInterval(look);
    await worker.terminate();
  }
}
