// What the engine prints while an application is built, in words that name the application's files.

import { ENTRY } from "./bundle.mjs";
import { globalOfNode, packageOf } from "./node.mjs";
import { SCRIPT } from "./start.mjs";

const THROWN = "Exception while evaluating top-level script\n";
const REJECTED = /^Promise rejected but never handled: (.*)\nStack:\n((?: .*\n)*)/gm;
const UNFINISHED = /does not export a "handler" interface|before initialization/;
const WHEN = "the top level of an application runs while it is built, and not for a request";
/** Of a stack, and of what an application prints. */
const SHOWN_LINES = 20;

/** Lines on why the top level did not come to its end; `undefined` if it did. */
export function failure({ finished, out, err, call }, places, entry) {
  if (finished) return undefined;
  const thrown = err.indexOf(THROWN);
  if (thrown >= 0) {
    const said = shown(out + err.slice(0, thrown));
    return [...said, ...exception(err.slice(thrown + THROWN.length), places, entry), WHEN];
  }
  const said = shown(out + err);
  if (UNFINISHED.test(err)) {
    const never = "a promise that is awaited at the top level never settles";
    return [
      ...shown(out),
      `${entry}: ${never}: no time passes there, and nothing is fetched`,
      WHEN,
    ];
  }
  if (call) return [...said, `${entry}: ${call} was called at the top level`, WHEN];
  return [...said, `${entry}: the engine gave up at the top level`, WHEN];
}

/** Lines on what an application printed while it was built, and on what it left unhandled. */
export function printed({ out, err }, places) {
  const unhandled = [];
  const rest = err.replace(REJECTED, (_, message, stack) => {
    const place = stack
      .split("\n")
      .flatMap((line) => frame(line, places))
      .find(isOwn)?.place;
    const what = "a promise was rejected while the application was built, and nobody handled it";
    unhandled.push(`${place ? `${position(place)}: ` : ""}${what}: ${message}`);
    return "";
  });
  const lines = shown(out + rest).map((line) => placed(line, places));
  return [...unhandled, ...lines.map((line) => `printed while the application was built: ${line}`)];
}

/** A line that an application printed, with its own files in the place of the bundle's lines. */
function placed(text, places) {
  return text.replace(new RegExp(`\\b${SCRIPT}:(\\d+):(\\d+)`, "g"), (found, line, column) => {
    const place = places.at(Number(line), Number(column));
    return place ? position(place) : found;
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
  const frames = stack.split("\n").flatMap((line) => frame(line, places));
  // What does not parse has no stack.
  const [, line, column] = new RegExp(`^${SCRIPT}:(\\d+):(\\d+) `).exec(said) ?? [];
  const parsed = line && places.at(Number(line), Number(column));
  const place = frames.find(isOwn)?.place ?? (frames.length === 0 ? parsed : undefined);
  const owner = place && packageOf(place.file);
  const where = place ? position(place) : entry;
  return [
    `${where}${owner ? ` (package ${owner})` : ""}: ${globalOfNode(message) ?? message}`,
    ...frames.slice(0, SHOWN_LINES).map(({ name, place }) => {
      const at = position(place);
      return name === "" || name === place.file ? `    at ${at}` : `    at ${name} (${at})`;
    }),
  ];
}

/** A line of a stack, `  name@source.js:3:7`, as that of a file of the application. */
function frame(line, places) {
  const [, name, at, column] = new RegExp(`^ *(.*)@${SCRIPT}:(\\d+):(\\d+)$`).exec(line) ?? [];
  const place = at && places.at(Number(at), Number(column));
  return place && place.file !== ENTRY ? [{ name, place }] : [];
}

function position({ file, line, column }) {
  return `${file}:${line}:${column}`;
}

/** Whether a frame is the application's or one of its packages', and not the SDK's. */
function isOwn({ place }) {
  return !/(^|\/)(\.edgewit|@edgewit)\/sdk\//.test(place.file);
}
