// Properties of Unicode in regular expressions, `\p{…}`: the engine has none.
//
// Where an application's text spells some, its bundle begins with a line that defines
// `globalThis[Symbol.for("edgewit.properties")]`, an object by which the SDK makes them classes of characters.
// Its keys are what is spelled, such as `p{L}`, and its values ranges of code points, to the base 16:
// `41-5a 61-7a aa …`. They are those of the Unicode that this Node knows.

/** Spelled in an expression, or in a text that may become one. */
const SPELLED = /\\([pP]\{[\w=]+\})/g;

export function spellsProperties(code) {
  return code.search(SPELLED) >= 0;
}

/** The line that defines what is spelled in `code`. */
export function propertyTable(code) {
  const spelled = new Set([...code.matchAll(SPELLED)].map(([, key]) => key));
  const found = [...spelled].sort().map((key) => [key, rangesOf(key)]);
  // What names sequences has no ranges, and what is no property may be anything else.
  const table = JSON.stringify(Object.fromEntries(found));
  return `globalThis[Symbol.for("edgewit.properties")] = ${table};`;
}

function rangesOf(key) {
  let run;
  try {
    run = new RegExp(`\\${key}+`, "gu");
  } catch {
    return undefined;
  }
  const ranges = [];
  for (const text of characters()) {
    for (const { 0: found } of text.matchAll(run)) {
      const [first, last] = [found.codePointAt(0), lastOf(found)].map((it) => it.toString(16));
      ranges.push(first === last ? first : `${first}-${last}`);
    }
  }
  return ranges.join(" ");
}

function lastOf(text) {
  const pair = text.codePointAt(text.length - 2);
  return pair > 0xffff ? pair : text.charCodeAt(text.length - 1);
}

let all;

/** All code points, in texts in which no half of a pair meets another. */
function characters() {
  all ??= [
    textOf(0, 0xd7ff),
    textOf(0xd800, 0xdbff),
    textOf(0xdc00, 0xdfff),
    textOf(0xe000, 0x10ffff),
  ];
  return all;
}

function textOf(first, last) {
  let text = "";
  for (let at = first; at <= last; at++) text += String.fromCodePoint(at);
  return text;
}
