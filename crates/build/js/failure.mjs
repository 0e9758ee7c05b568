// What the engine prints while an application is built, in words that name the application's files.

import { ENTRY, awaits } from "./bundle.mjs";
import { packageOf } from "./imports.mjs";
import { insteadOf } from "./engine/absent.mjs";
import { SCRIPT } from "./start.mjs";

const THROWN = "Exception while evaluating top-level script\n";
const REJECTION = "Promise rejected but never handled: ";
const REJECTED = new RegExp(
  `^${REJECTION}(.*(?:\\n(?!Stack:\\n|${REJECTION}).*)*)\\nStack:\\n((?: .*\\n)*)`,
  "gm",
);
/** A rejection of the SDK's own. */
const FIRST = /^Promise rejected but never handled: "edgewit-first"\nStack:\n(?: .*\n)*\n?/m;
const UNFINISHED = /does not export a "handler" interface|before initialization/;
const WHEN = "the top level of an application runs while it is built, and not for a request";
/** What the SDK says of a place begins with it. */
const PLACED = new RegExp(`^${SCRIPT}:(\\d+):(\\d+): (.*)`);
/** Of a stack, and of what an application prints. */
const SHOWN_LINES = 20;

/** Lines on why the top level did not come to its end; `undefined` if it did. */
export async function failure({ finished, out, err: all, call }, places, app) {
  if (finished) return undefined;
  const err = all.replace(FIRST, "");
  const thrown = err.indexOf(THROWN);
  if (thrown >= 0) {
    const said = shown(out + err.slice(0, thrown));
    return [...said, ...exception(err.slice(thrown + THROWN.length), places, app.entry), WHEN];
  }
  if (UNFINISHED.test(err)) return [...shown(out), ...waiting(await awaits(app), app.entry), WHEN];
  const what = call ? `${call} was called` : "the engine gave up";
  return [...shown(out + err), `${app.entry}: ${what} at the top level`, WHEN];
}

/** Lines on what never settles: one of the awaits at `places`. */
function waiting(places, entry) {
  const never = "never settles: no time passes at the top level, and nothing is fetched";
  if (places.length === 1) return [`${position(places[0])}: what is awaited here ${never}`];
  const all = places.slice(0, SHOWN_LINES).map((place) => `    at ${position(place)}`);
  return [`${entry}: one of the promises that are awaited at the top level ${never}`, ...all];
}

/** Lines on what an application printed while it was built, and on what it left unhandled. */
export function printed({ out, err }, places) {
  const unhandled = [];
  const rest = err.replace(REJECTED, (_, message, stack) => {
    const [frame] = frames(stack, places);
    const what = "a promise was rejected while the application was built, and nobody handled it";
    const text = `${frame ? `${position(frame.place)}: ` : ""}${what}: ${message}${insteadOf(message)}`;
    unhandled.push(...text.split("\n"));
    return "";
  });
  const lines = shown(out + rest).map((line) => {
    const [, at, column, what] = PLACED.exec(line) ?? [];
    const place = at && places.at(Number(at), Number(column));
    if (place) return `${position(place)}: ${what}`;
    return `printed while the application was built: ${placed(line, places)}`;
  });
  return [...unhandled, ...lines];
}

/** A line that an application printed, with its own files in the place of the bundle's lines. */
function placed(text, places) {
  return text.replace(new RegExp(`\\b${SCRIPT}:(\\d+):(\\d+)`, "g"), (found, line, column) => {
    const place = places.at(Number(line), Number(column));
    return place ? path(place) : found;
  });
}

function shown(text) {
  const lines = text.split("\n").filter((line) => line !== "");
  if (lines.length <= SHOWN_LINES) return lines;
  return [...lines.slice(0, SHOWN_LINES), `… and ${lines.length - SHOWN_LINES} lines more`];
}

/** `FILE:LINE:COLUMN (package NAME): MESSAGE`, and the stack. */
function exception(text, places, entry) {
  const [head, stack = ""] = text.split(/^Stack:\n/m);
  const said = head.split(/^Additionally, some promises were rejected/m)[0];
  const message = said
    .replace(/^\S+:\d+:\d+ /gm, "")
    .replace(/^uncaught exception: /, "")
    .trim();
  const all = frames(stack, places);
  // What does not parse has no stack.
  const [, line, column] = new RegExp(`^${SCRIPT}:(\\d+):(\\d+) `).exec(said) ?? [];
  const parsed = stack.trim() === "" && line && places.at(Number(line), Number(column));
  const place = all[0]?.place ?? (parsed || undefined);
  return [
    `${place ? position(place) : entry}: ${message}${insteadOf(message)}`,
    ...all.slice(0, SHOWN_LINES).map(({ name, place }) => {
      const at = path(place);
      return name === "" || name === place.file ? `    at ${at}` : `    at ${name} (${at})`;
    }),
  ];
}

/** The frames of a stack, lines like `  name@source.js:3:7`, in files of the application and its packages. */
function frames(stack, places) {
  return stack.split("\n").flatMap((line) => {
    const [, name, at, column] = new RegExp(`^ *(.*)@${SCRIPT}:(\\d+):(\\d+)$`).exec(line) ?? [];
    const place = at && places.at(Number(at), Number(column));
    return place && isOwn(place) ? [{ name, place }] : [];
  });
}

/** `FILE:LINE:COLUMN`, and the package that the file is of. */
function position(place) {
  const owner = packageOf(place.file);
  return owner ? `${path(place)} (package ${owner})` : path(place);
}

function path({ file, line, column }) {
  return `${file}:${line}:${column}`;
}

/** Whether a place is the application's or one of its packages', and not the SDK's. */
function isOwn({ file }) {
  return file !== ENTRY && !/(^|\/)(\.edgewit|@edgewit)\/sdk\//.test(file);
}
