// Builds an application as far as the engine's memory after its top level.
// `node build.mjs '{"folder": …, "entry": …, "stores": …, "sdk": …, "engine": …, "manifest": …,
// "memoryBytes": …}'`
//
// Writes to stdout the number of the pages that a request writes to, those, and the memory; and to stderr a line
// `warning: …` for what is likely wrong; or lines there on what is wrong, and exits with 3.

import { createHash } from "node:crypto";
import { bundle } from "./bundle.mjs";
import { compiled } from "./eager.mjs";
import { failure, printed } from "./failure.mjs";
import { Places, lineTable } from "./lines.mjs";
import { namedClasses, namedFunctions } from "./names.mjs";
import { withoutRequire } from "./require.mjs";
import { start } from "./start.mjs";

const SLOW =
  "each request takes longer than it need: the application changes something of the platform's by which requests are " +
  "answered, so that none could be tried out while it was built";

const JSX =
  'JSX becomes calls of `React`, which is not imported: in tsconfig.json have `"jsx": "react-jsx"`, and ' +
  '`"jsxImportSource": "hono/jsx"`, or whatever it is of, beside it';

const app = JSON.parse(process.argv[2]);
const { code, map, modules, warnings, problems } = await bundle(app);
if (problems) fail(problems);
warn(warnings);
if (lacksReact(code)) warn([JSX]);
const places = new Places(map);
const named = namedClasses(withoutRequire(code, places, modules), places);
const script =
  seeded(named) + lineTable(code, places) + namedFunctions(code, places) + compiled(code);
const started = await start(app, script);
const failed = await failure(started, script, places, app);
if (failed) {
  warn(failed.warnings);
  fail(failed.problems);
}
if (started.bytes > app.memoryBytes) fail([tooMuch(started.bytes)]);
warn(printed(started, places));
if (started.slow) warn([SLOW]);
const written = Uint32Array.of(started.written.length, ...started.written);
process.stdout.write(Buffer.concat([new Uint8Array(written.buffer), started.memory]));

/** Whether calls that JSX became are of what no file and no package declares. */
function lacksReact(code) {
  return /\bReact\.createElement\(/.test(code) && !/\b(var|let|const) React\b/.test(code);
}

/** Gives the numbers that the SDK makes up at the top level a beginning that is this application's own. */
function seeded(code) {
  const digits = createHash("sha256").update(code).digest("hex").slice(0, 8);
  return code.replace(/"edgewit-seed-[0-9a-f]{8}"/, `"edgewit-seed-${digits}"`);
}

/** What is in memory before a request can't be more than a request may have. */
function tooMuch(bytes) {
  return (
    `${app.manifest}: memory-bytes: the application holds ${bytes} bytes after its top level, and a request may have ` +
    `${app.memoryBytes}; make less there, or raise the limit`
  );
}

function warn(lines) {
  for (const line of lines) console.error(`warning: ${line}`);
}

function fail(lines) {
  for (const line of lines) console.error(line);
  process.exit(3);
}
