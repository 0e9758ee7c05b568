// Bundles an application and what it imports into one script.

import { realpathSync } from "node:fs";
import { relative } from "node:path";
import { build } from "esbuild";
import { explained, refused } from "./imports.mjs";
import { propertyTable, spellsProperties } from "./unicode.mjs";

/** What stands for the file that starts an application, which no folder holds. */
export const ENTRY = "edgewit-entry.js";

const TEXT = [
  "csv",
  "css",
  "graphql",
  "htm",
  "html",
  "md",
  "sql",
  "svg",
  "txt",
  "xml",
  "yaml",
  "yml",
];
const BYTES = [
  ..."avif bin br gif gz ico jpeg jpg otf pdf png ttf wasm webp woff woff2 zip".split(" "),
];

/** What esbuild does with files that are no source: a text is a string, bytes are a `Uint8Array`. */
const LOADERS = Object.fromEntries([
  ...TEXT.map((extension) => [`.${extension}`, "text"]),
  ...BYTES.map((extension) => [`.${extension}`, "binary"]),
]);

/** Has expressions with the flags `u` and `v`, which alone may name properties of Unicode, be made by the
 * constructor: as literals the engine would refuse them before anything runs. */
const NO_LITERALS = { "regexp-sticky-and-unicode-flags": false, "regexp-set-notation": false };

const AWAIT = /^Top-level await is not available/;

/** Bundles what `app.entry` exports behind the SDK's own entry. `app.sdk` is the SDK's folder where the
 * application does not bring it.
 * Returns `{ code, map, modules, warnings }`, or `{ problems }`: lines for people. */
export async function bundle(app) {
  const options = optionsOf(app);
  const bundled = await attempt(options, app);
  if (!bundled.code || !spellsProperties(bundled.code)) return bundled;
  const supported = { ...options.supported, ...NO_LITERALS };
  const made = await attempt({ ...options, supported }, app);
  const { code, map } = made;
  if (!code) return made;
  // Of what nobody uses a literal is left out, and a call of the constructor is not.
  const line = `${propertyTable(code)}\n`;
  return { ...made, code: line + code, map: { ...map, mappings: `;${map.mappings}` } };
}

/** Where the modules of an application wait at their top level: the place of each `await`. */
export async function awaits(app) {
  const options = optionsOf(app);
  const supported = { ...options.supported, "top-level-await": false };
  const { errors = [] } = await attempt({ ...options, supported }, app);
  const places = errors.filter(({ text }) => AWAIT.test(text)).map(({ location }) => location);
  return places.map(({ file, line, column }) => ({ file, line, column: column + 1 }));
}

function optionsOf(app) {
  const entry = [
    `import { start } from "@edgewit/sdk/entry";`,
    `import * as app from ${JSON.stringify(`./${app.entry}`)};`,
    `export const handler = start(app, ${JSON.stringify({ stores: app.stores })});`,
  ];
  return {
    stdin: { contents: entry.join("\n"), resolveDir: app.folder, sourcefile: ENTRY },
    conditions: ["edgewit", "worker", "browser"],
    define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
    external: ["edge:*"],
    mainFields: ["browser", "module", "main"],
    metafile: true,
    outfile: "source.js",
    platform: "browser",
    plugins: [refused],
    sourcemap: "external",
    sourcesContent: false,
    // A script has none, where reading it would end whatever reads it.
    supported: { "import-meta": false },
    target: "es2024",
    write: false,
  };
}

/** Has esbuild bundle for the application in `folder`, with the SDK in `sdk` where that does not bring it.
 * Returns `{ code, map, modules, warnings }`, the first three if there is one file and nothing is written; or
 * `{ problems, errors }`, for people and as esbuild has them. */
export async function attempt(options, { folder, sdk }) {
  const places = sdk ? [relative(folder, realpathSync(sdk))] : [];
  const told = (message) => line(message, folder, sdk, [".edgewit/sdk", ...places]);
  try {
    const {
      metafile,
      outputFiles = [],
      warnings,
    } = await build({
      absWorkingDir: folder,
      bundle: true,
      charset: "utf8",
      format: "esm",
      loader: LOADERS,
      logLevel: "silent",
      ...options,
      plugins: [...(sdk ? [carriedSdk(sdk)] : []), ...(options.plugins ?? [])],
    });
    const said = { warnings: warnings.map(told) };
    if (outputFiles.length === 0) return said;
    return { ...said, ...outputOf(outputFiles, places), modules: modulesOf(metafile) };
  } catch (error) {
    if (!error.errors) throw error;
    return { problems: error.errors.map(told), errors: error.errors };
  }
}

/** The script and its map, in which the SDK has its name: where it lies on this machine is no part of an
 * application. */
function outputOf(files, places) {
  const [map, code] = ["map", "js"].map((end) => files.find(({ path }) => path.endsWith(end)).text);
  const { sources, ...rest } = JSON.parse(map);
  // esbuild writes paths into comments, and as the names of modules that are functions.
  const lines = code.split("\n").map((line) => {
    const head = /^(\/\/ | {2}")?/.exec(line)[0];
    return head === "" ? line : head + named(line.slice(head.length), places);
  });
  return {
    code: lines.join("\n"),
    map: { ...rest, sources: sources.map((source) => named(source, places)) },
  };
}

/** The files that are ECMAScript modules, and not CommonJS. */
function modulesOf({ inputs }) {
  const modules = Object.entries(inputs).filter(([, { format }]) => format === "esm");
  return new Set(modules.map(([path]) => path));
}

/** A path, with the SDK's name in the place of its folder. */
function named(path, places) {
  const place = places.find((place) => path.startsWith(`${place}/`));
  return place === undefined ? path : `@edgewit/sdk${path.slice(place.length)}`;
}

/** `FILE:LINE:COLUMN: what is wrong`, columns counted from 1. */
function line(message, folder, sdk, places) {
  const { text, location } = message;
  const said = (explained(message, folder, sdk) ?? text).replace(/"([^"]+)"/g, (quoted, path) => {
    const name = named(path, places);
    return name === path ? quoted : `"${name.replace(/\/dist(\/index|)(\/.*|)\.js$/, "$2")}"`;
  });
  if (!location || location.file === ENTRY) return said;
  return `${named(location.file, places)}:${location.line}:${location.column + 1}: ${said}`;
}

/** Finds the SDK in `folder`, for an application that does not name it in a package.json. */
function carriedSdk(folder) {
  return {
    name: "edgewit-sdk",
    setup(building) {
      building.onResolve({ filter: /^@edgewit\/sdk(\/|$)/ }, ({ path, kind, resolveDir }) => {
        // The package knows itself by its name.
        if (resolveDir === folder) return undefined;
        return building.resolve(path, { kind, resolveDir: folder });
      });
    },
  };
}
