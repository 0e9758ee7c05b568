// Bundles an application and what it imports into one script.

import { realpathSync } from "node:fs";
import { relative } from "node:path";
import { build } from "esbuild";
import { inNode } from "./node.mjs";

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
export const LOADERS = Object.fromEntries([
  ...TEXT.map((extension) => [`.${extension}`, "text"]),
  ...BYTES.map((extension) => [`.${extension}`, "binary"]),
]);

/** Bundles what `app.entry` exports behind the SDK's own entry. `app.sdk` is the SDK's folder where the
 * application does not bring it.
 * Returns `{ code, map }`, or `{ problems }`: lines for people. */
export async function bundle(app) {
  const entry = [
    `import { start } from "@edgewit/sdk/entry";`,
    `import * as app from ${JSON.stringify(`./${app.entry}`)};`,
    `export const handler = start(app, ${JSON.stringify({ stores: app.stores })});`,
  ];
  const bundled = await attempt({
    absWorkingDir: app.folder,
    stdin: { contents: entry.join("\n"), resolveDir: app.folder, sourcefile: ENTRY },
    bundle: true,
    charset: "utf8",
    conditions: ["edgewit", "worker", "browser"],
    define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
    external: ["edge:*"],
    format: "esm",
    loader: LOADERS,
    mainFields: ["browser", "module", "main"],
    outfile: "source.js",
    platform: "browser",
    plugins: app.sdk ? [carriedSdk(app.sdk)] : [],
    sourcemap: "external",
    sourcesContent: false,
    target: "es2024",
  });
  if (bundled.problems) return bundled;
  // Where the SDK lies on this machine is no part of an application.
  const place = app.sdk && relative(app.folder, realpathSync(app.sdk));
  const [map, code] = ["map", "js"].map((end) => {
    const { text } = bundled.outputFiles.find((file) => file.path.endsWith(end));
    return place ? text.replaceAll(place, "@edgewit/sdk") : text;
  });
  return { code, map: JSON.parse(map), warnings: bundled.warnings };
}

/** esbuild's result, or the problems it has, each with its place. */
export async function attempt(options) {
  try {
    const built = await build({ logLevel: "silent", write: false, ...options });
    return { ...built, warnings: built.warnings.map(line) };
  } catch (error) {
    if (!error.errors) throw error;
    return { problems: error.errors.flatMap((message) => inNode(message) ?? line(message)) };
  }
}

/** `FILE:LINE:COLUMN: what is wrong`, columns counted from 1. */
export function line({ text, location }) {
  if (!location) return text;
  return `${location.file}:${location.line}:${location.column + 1}: ${text}`;
}

/** Finds the SDK in `folder`, for an application that does not name it in a package.json. */
export function carriedSdk(folder) {
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
