// Where each line of a bundle is from.
//
// The bundle ends with a line that defines `globalThis[Symbol.for("edgewit.lines")]`, a string, by
// which the SDK tells where an exception was thrown. Its lines are the names of the source files,
// relative to the application's folder; the places where a line of the bundle goes on with another line of
// the same file, as esbuild writes several in one where they fit: each `LINE,COLUMN,LINE-OF-THE-FILE`, for
// the application's own files alone, separated by spaces; and, as the last one, runs of lines of the
// bundle, separated by spaces, in their order from line 1 on. A run is
// - `COUNT`: that many lines that are from no file, or
// - `COUNT,LINE,FILE`: lines of the FILE with that index from 0, from LINE on, each one further than the
//   one before; without `,FILE` it is that of the last run that had one.
// All numbers are written to the base 36.

import { SourceMap } from "node:module";

/** Where `map` has the places of a script: each a `{ file, line, column }` counted from 1, or none. */
export class Places {
  #map;

  constructor(map) {
    this.#map = new SourceMap(map);
  }

  at(line, column) {
    const found = this.#map.findEntry(line - 1, column - 1);
    if (found.originalSource === undefined || found.generatedLine !== line - 1) return undefined;
    return {
      file: found.originalSource,
      line: found.originalLine + 1,
      column: found.originalColumn + 1,
    };
  }

  /** What is known of a name that begins at a place of the script: `at`, its place in its file, and `name` if it
   * has another one there. */
  named(line, column) {
    const found = this.#map.findEntry(line - 1, column - 1);
    if (found.generatedLine !== line - 1 || found.generatedColumn !== column - 1) return undefined;
    const { originalSource, originalLine, originalColumn, name } = found;
    return { at: `${originalSource}:${originalLine}:${originalColumn}`, name };
  }
}

/** Where nothing is looked for within a line: packages, and the SDK. */
const FOREIGN = /(^|\/)(node_modules|@edgewit|\.edgewit)\//;

/** The places where a line goes on with another of its file. */
function joined(lines, places) {
  const words = [];
  for (const [index, text] of lines.entries()) {
    const start = places.at(index + 1, text.search(/\S|$/) + 1);
    if (start === undefined || FOREIGN.test(start.file)) continue;
    let { line } = start;
    for (const { index: before } of text.matchAll(/[^\p{ID_Continue}$](?=\S)/gu)) {
      const place = places.at(index + 1, before + 2);
      if (place === undefined || place.file !== start.file || place.line === line) continue;
      line = place.line;
      words.push([index + 1, before + 2, line].map((it) => it.toString(36)).join());
    }
  }
  return words;
}

/** The line to append to the bundle `code`. */
export function lineTable(code, places) {
  const lines = code.split("\n");
  const files = [];
  const runs = [];
  let last;
  for (const [index, text] of lines.entries()) {
    const place = places.at(index + 1, text.search(/\S|$/) + 1);
    const next = last && (place ? last.file === place.file : last.file === undefined);
    if (next && (place === undefined || last.line + last.count === place.line)) {
      last.count += 1;
    } else {
      last = { file: place?.file, line: place?.line, count: 1 };
      runs.push(last);
    }
  }
  let before = -1;
  const number = (value) => value.toString(36);
  const words = runs.map(({ file, line, count }) => {
    if (file === undefined) return number(count);
    if (!files.includes(file)) files.push(file);
    const index = files.indexOf(file);
    const changed = index === before ? "" : `,${number(index)}`;
    before = index;
    return `${number(count)},${number(line)}${changed}`;
  });
  const table = [...files, joined(lines, places).join(" "), words.join(" ")].join("\n");
  return `globalThis[Symbol.for("edgewit.lines")] = ${JSON.stringify(table)};\n`;
}
