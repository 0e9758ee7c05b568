// What the engine prints while an application is built, in words that name the application's files.

import { ENTRY, awaits } from "./bundle.mjs";
import { packageOf } from "./imports.mjs";
import { insteadOf } from "./engine/absent.mjs";
import { loopOf, waitsOf, withAwaitsMarked, withLoopsMarked } from "./marks.mjs";
import { LIMIT_MS, SCRIPT, start } from "./start.mjs";

const THROWN = "Exception while evaluating top-level script\n";
const REJECTION = "Promise rejected but never handled: ";
const REJECTED = new RegExp(
  `^${REJECTION}(.*(?:\\n(?!Stack:\\n|${REJECTION}).*)*)\\nStack:\\n((?: .*\\n)*)`,
  "gm",
);
/** A rejection of the SDK's own. */
const FIRST = /^Promise rejected but never handled: "edgewit-first"\nStack:\n(?: .*\n)*\n?/m;
const UNFINISHED = /does not export a "handler" interface|before initialization/;
/** What the top level can't do, though requests can. */
const EARLY = /can only be used while a request is handled/;
const WHEN = "the top level of an application runs while it is built, and not for a request";
const NEVER = "never settles: no time passes at the top level, and nothing is fetched";
const TOO_LONG = `the top level has not come to its end after ${LIMIT_MS / 1000} s`;
/** What the SDK says of a place begins with it. */
const PLACED = new RegExp(`^${SCRIPT}:(\\d+):(\\d+): (.*)`);
/** Of a stack, and of what an application prints. */
const SHOWN_LINES = 20;

/** Lines on why the top level of `script` did not come to its end; `undefined` if it did. */
export async function failure({ finished, isEndless, out, err: all, call }, script, places, app) {
  if (finished) return undefined;
  if (isEndless) return endless(script, places, app);
  const err = all.replace(FIRST, "");
  if (err.includes(THROWN)) return thrown(out, err, places, app);
  if (UNFINISHED.test(err))
    return [...said(out, places), ...(await waiting(script, places, app)), WHEN];
  const what = call ? `${call} was called` : "the engine gave up";
  return [
    ...said(out + err, places),
    `${app.entry}: ${what} at the top level`,
    ...(call ? [WHEN] : []),
  ];
}

/** Lines on an exception, and on what was printed before. */
function thrown(out, err, places, app) {
  const at = err.indexOf(THROWN);
  const before = said(out + err.slice(0, at), places);
  return [...before, ...exception(err.slice(at + THROWN.length), places, app)];
}

/** Lines on what takes too long, for which the script is run once more. */
async function endless(script, places, app) {
  const { out, err: all } = await start(app, withLoopsMarked(script), LIMIT_MS / 2);
  const { before, stacks } = loopOf(out);
  const err = all.replace(FIRST, "");
  // It had an end of its own: what fills the memory of a busy machine is slow.
  if (stacks.length === 0 && err.includes(THROWN)) return thrown(before, err, places, app);
  const found = stacks.map((stack) => frames(stack, places)).find((it) => it.length > 0) ?? [];
  const what =
    found.length > 0
      ? "and was here: a loop that never ends, or more work than can be done there"
      : "look for what never ends: a loop, a regular expression that tries too much, or what was put in the place of " +
        "the platform's own, such as the iterators of arrays";
  return [...said(before + err, places), ...located(found, app.entry, `${TOO_LONG}, ${what}`)];
}

/** Lines on what never settles, for which the script is run once more if that may be several. */
async function waiting(script, places, app) {
  const all = await awaits(app);
  const open = all.length > 1 ? await stillAwaited(all, script, places, app) : [];
  const left = open.length > 0 ? open : all;
  if (left.length === 1) return [`${position(left[0])}: what is awaited here ${NEVER}`];
  const lines = left.slice(0, SHOWN_LINES).map((place) => `    at ${position(place)}`);
  return [`${app.entry}: one of the promises that are awaited at the top level ${NEVER}`, ...lines];
}

/** Those of the places of an `await` that wait at the end. The engine tells where what is awaited begins. */
async function stillAwaited(all, script, places, app) {
  const { out } = await start(app, withAwaitsMarked(script));
  const open = waitsOf(out).map((stack) => {
    const place = frames(stack, places)[0]?.place;
    const before = ({ file, line, column }) =>
      file === place?.file && line === place.line && column < place.column;
    return all.findLast(before);
  });
  return all.filter((it) => open.includes(it));
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
  return [...unhandled, ...said(out + rest, places, "printed while the application was built: ")];
}

/** What an application printed, each line behind `mark`, and what the SDK says of places in it. */
function said(text, places, mark = "") {
  return shown(text).flatMap((line) => {
    const [, at, column, what] = PLACED.exec(line) ?? [];
    const place = at && places.at(Number(at), Number(column));
    if (!place) return [`${mark}${placed(line, places)}`];
    // What the SDK asks for itself is none of an application's.
    return isOwn(place) ? [`${position(place)}: ${what}`] : [];
  });
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

/** Lines on an exception, as the engine writes it. */
function exception(text, places, app) {
  const [head, stack = ""] = text.split(/^Stack:\n/m);
  const own = head.split(/^Additionally, some promises were rejected/m)[0];
  const message = own
    .replace(/^\S+:\d+:\d+ /gm, "")
    .replace(/^uncaught exception: /, "")
    .trim();
  const all = frames(stack, places);
  // What does not parse has no stack.
  const [, line, column] = new RegExp(`^${SCRIPT}:(\\d+):(\\d+) `).exec(own) ?? [];
  const parsed = stack.trim() === "" && line && places.at(Number(line), Number(column));
  const place = all[0]?.place ?? (parsed || undefined);
  const lines = located(all, place ? position(place) : app.entry, explained(message, app));
  return EARLY.test(message) ? [...lines, WHEN] : lines;
}

function explained(message, { manifest, memoryBytes }) {
  if (message !== "out of memory") return `${message}${insteadOf(message)}`;
  return `${message}; a request may have ${memoryBytes} bytes (memory-bytes in ${manifest})`;
}

/** `FILE:LINE:COLUMN (package NAME): MESSAGE`, and a stack. */
function located(all, otherwise, message) {
  const stack = all.slice(0, SHOWN_LINES).map(({ name, place }) => {
    const at = path(place);
    return name === "" || name === place.file ? `    at ${at}` : `    at ${name} (${at})`;
  });
  return [`${all.length > 0 ? position(all[0].place) : otherwise}: ${message}`, ...stack];
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
