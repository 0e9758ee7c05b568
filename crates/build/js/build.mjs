// Builds an application as far as the engine's memory after its top level.
// `node build.mjs '{"folder": …, "entry": …, "stores": …, "sdk": …, "engine": …, "memory": …}'`
//
// Writes the file `memory`, and prints a line `warning: …` for what is likely wrong; or prints lines on
// what is wrong and exits with 3.

import { writeFileSync, writeSync } from "node:fs";
import { bundle } from "./bundle.mjs";
import { failure, printed } from "./failure.mjs";
import { Places, lineTable } from "./lines.mjs";
import { start } from "./start.mjs";

const app = JSON.parse(process.argv[2]);
const { code, map, warnings, problems } = await bundle(app);
if (problems) fail(problems);
for (const warning of warnings) console.log(`warning: ${warning}`);
const places = new Places(map);
const started = await start(app.engine, code + lineTable(code, places));
const failed = failure(started, places, app.entry);
if (failed) fail(failed);
for (const warning of printed(started, places)) console.log(`warning: ${warning}`);
writeFileSync(app.memory, started.memory);

function fail(lines) {
  writeSync(1, `${lines.join("\n")}\n`);
  process.exit(3);
}
