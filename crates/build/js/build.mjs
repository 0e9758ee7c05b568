// Builds an application as far as the engine's memory after its top level.
// `node build.mjs '{"folder": …, "entry": …, "stores": …, "sdk": …, "engine": …, "memory": …}'`
//
// Writes the file `memory`, and prints a line `warning: …` for what is likely wrong; or prints lines on
// what is wrong and exits with 3.

import { createHash } from "node:crypto";
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
const script = seeded(code) + lineTable(code, places);
const started = await start(app.engine, script);
const failed = failure(started, places, app.entry);
if (failed) fail(failed);
for (const warning of printed(started, places)) console.log(`warning: ${warning}`);
writeFileSync(app.memory, started.memory);

/** Gives the numbers that the SDK makes up at the top level a beginning that is this application's own. */
function seeded(code) {
  const digits = createHash("sha256").update(code).digest("hex").slice(0, 8);
  return code.replace(/"edgewit-seed-[0-9a-f]{8}"/, `"edgewit-seed-${digits}"`);
}

function fail(lines) {
  writeSync(1, `${lines.join("\n")}\n`);
  process.exit(3);
}
