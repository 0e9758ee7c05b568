// Builds an application as far as the engine's memory after its top level.
// `node build.mjs '{"folder": …, "entry": …, "stores": …, "sdk": …, "engine": …}'`
//
// Writes the memory to stdout, and to stderr a line `warning: …` for what is likely wrong; or lines there on
// what is wrong, and exits with 3.

import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { bundle } from "./bundle.mjs";
import { failure, printed } from "./failure.mjs";
import { Places, lineTable } from "./lines.mjs";
import { start } from "./start.mjs";

const STDOUT = 1;

const app = JSON.parse(process.argv[2]);
const { code, map, warnings, problems } = await bundle(app);
if (problems) fail(problems);
warn(warnings);
const places = new Places(map);
const script = seeded(code) + lineTable(code, places);
const started = await start(app.engine, script);
const failed = await failure(started, places, app);
if (failed) fail(failed);
warn(printed(started, places));
writeFileSync(STDOUT, started.memory);

/** Gives the numbers that the SDK makes up at the top level a beginning that is this application's own. */
function seeded(code) {
  const digits = createHash("sha256").update(code).digest("hex").slice(0, 8);
  return code.replace(/"edgewit-seed-[0-9a-f]{8}"/, `"edgewit-seed-${digits}"`);
}

function warn(lines) {
  for (const line of lines) console.error(`warning: ${line}`);
}

function fail(lines) {
  for (const line of lines) console.error(line);
  process.exit(3);
}
