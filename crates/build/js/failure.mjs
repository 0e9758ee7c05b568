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
const TOO_LONG = `the top level has not come to its end after ${LIMIT_MS / 1000} s of the processor's time`;
const PRINTED = "printed while the application was built: ";
const UNHANDLED = "a promise was rejected while the application was built, and nobody handled it: ";
/** A line that the SDK says of a place, of use to whoever has an application that is built. */
const NOTE = `^${SCRIPT}:(\\d+):(\\d+): (.*)`;
/** What serves on other platforms, and needs no call here. */
const SERVES = /\b(?:Deno|Bun)\.serve\b/;
const EXPORTED = "`export default { fetch(request) { … } }`";
/** Of a stack, and of what an application prints. */
const SHOWN_LINES = 20;

/** Why there is no application: `problems`, and before them `warnings`, as lines; `undefined` if there is one. */
export async function failure({ finished, isEndless, out, err: all, call }, script, places, app) {
  if (isEndless) return endless(script, places, app);
  const err = all.replace(FIRST, "");
  if (finished) return neglected(out, err, places);
  if (err.includes(THROWN)) return thrown(out, err, script, places, app);
  if (UNFINISHED.test(err)) {
    return failed(out, [...(await waiting(script, places, app)), WHEN], places);
  }
  const what = `${app.entry}: ${call ? `${call} was called` : "the engine gave up"} at the top level`;
  if (call) return failed(out + err, [what, WHEN], places);
  return failed(out, [what, ...err.split("\n").filter(Boolean).slice(0, SHOWN_LINES)], places);
}

function failed(text, problems, places) {
  const before = text.replace(new RegExp(NOTE, "gm"), "");
  return { problems, warnings: said(before, places) };
}

/** What was begun and let go at the top level where no request can make it good. */
function neglected(out, err, places) {
  const early = rejections(err, places).filter(({ message }) => EARLY.test(message));
  if (early.length === 0) return undefined;
  const problems = early.flatMap(({ lines }) => lines);
  return failed(out + err.replace(REJECTED, ""), [...problems, WHEN], places);
}

function thrown(out, err, script, places, app) {
  const at = err.indexOf(THROWN);
  const problems = exception(err.slice(at + THROWN.length), script, places, app);
  return failed(out + err.slice(0, at), problems, places);
}

/** What takes too long, for which the script is run once more. */
async function endless(script, places, app) {
  const { out, err: all } = await start(app, withLoopsMarked(script), LIMIT_MS / 2);
  const { before, stacks } = loopOf(out);
  const err = all.replace(FIRST, "");
  // It had an end of its own: what fills the memory of a busy machine is slow.
  if (stacks.length === 0 && err.includes(THROWN)) {
    return thrown(before, err, script, places, app);
  }
  const found = stacks.map((stack) => frames(stack, places)).find((it) => it.length > 0) ?? [];
  const what =
    found.length > 0
      ? "and was here: a loop that never ends, or more work than can be done there"
      : "look for what never ends: a loop, a regular expression that tries too much, or what was put in the place of " +
        "the platform's own, such as the iterators of arrays";
  return failed(before + err, located(found, app.entry, `${TOO_LONG}, ${what}`), places);
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
  const unhandled = rejections(err, places).flatMap(({ lines }) => lines);
  return [...unhandled, ...said(out + err.replace(REJECTED, ""), places)];
}

/** What was rejected and nobody handled: the `message` of each, and `lines` on it. */
function rejections(err, places) {
  return [...err.matchAll(REJECTED)].map(([, message, stack]) => {
    const [frame] = frames(stack, places);
    const at = frame ? `${position(frame.place)}: ` : "";
    return { message, lines: `${at}${UNHANDLED}${message}${insteadOf(message)}`.split("\n") };
  });
}

/** What an application printed, and what the SDK says of places in it. */
function said(text, places) {
  return shown(text).flatMap((line) => {
    const [, at, column, what] = new RegExp(NOTE).exec(line) ?? [];
    const place = at && places.at(Number(at), Number(column));
    if (!place) return [`${PRINTED}${placed(line, places)}`];
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
function exception(text, script, places, app) {
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
  const what = explained(message, all[0] && script.split("\n")[all[0].line - 1], app);
  const lines = located(all, place ? position(place) : app.entry, what);
  return EARLY.test(message) ? [...lines, WHEN] : lines;
}

/** A message, and what to do about it. `code` is the line that it is from, as far as that is known. */
function explained(message, code, { manifest, memoryBytes }) {
  if (message === "out of memory") {
    return `${message}; a request may have ${memoryBytes} bytes (memory-bytes in ${manifest})`;
  }
  const [serves] = SERVES.exec(code) ?? [];
  if (/\b(Deno|Bun) is not defined$/.test(message) && serves) {
    return `${message}; instead of \`${serves}\`: ${EXPORTED}`;
  }
  return `${message}${insteadOf(message)}`;
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
    return place && isOwn(place) ? [{ name, place, line: Number(at) }] : [];
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
