// Imports that lead nowhere: what to do about them.

import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join, parse, relative } from "node:path";
import { insteadOf } from "./node.mjs";

/** Servers of Node's. */
const SERVERS = new RegExp(
  "^(connect|express|fastify|koa|next|polka|restify|@fastify/[^/]+|@hapi/hapi|@hono/node-server|@nestjs/[^/]+)(/|$)",
);

const SDK = "@edgewit/sdk";

/** Names that only other platforms know, each with what to do here. */
const ELSEWHERE = [
  [
    /^cloudflare:/,
    () =>
      "which is a part of Cloudflare Workers; `env`, with the stores, and `ctx` are arguments of " +
      "`fetch(request, env, ctx)`",
  ],
  [/^@edgewit\/sdk\/testing$/, () => "which is for tests under Node and no part of an application"],
  [
    SERVERS,
    () =>
      "which needs `node:http`, a part of Node that is not there at the edge; use Hono, or the router of " +
      "`@edgewit/sdk`, and export the application: nothing listens by itself",
  ],
  [/^bun(:|$)/, () => "which is a part of Bun; use what browsers have, or a package for them"],
  [
    /^npm:\/?((?:@[^/@]+\/)?[^/@]+)(?:@[^/]*)?(.*)$/,
    (name, rest) =>
      `which is how Deno names a package; run \`npm install ${name}\` and import "${name}${rest}"`,
  ],
  [
    /^jsr:\/?(@[^/@]+\/[^/@]+)(?:@[^/]*)?(.*)$/,
    (name, rest) =>
      `which is how Deno names a package; run \`npx jsr add ${name}\` and import "${name}${rest}"`,
  ],
  [
    /^(?:https?:)?\/\//,
    () =>
      "and nothing is downloaded by building; install the package with npm, or put the file into the application",
  ],
];

/** The name of a package as npm takes it, at the beginning of what is imported. */
const PACKAGE = /^(?:@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*(?=\/|$)/;

/** What to say of esbuild's message if it is about an import that leads nowhere, about a file of a kind that is
 * not known, or about `import.meta`; else `undefined`. Paths in it are within `folder`, and the SDK is in `sdk` where
 * the application does not bring it. */
export function explained({ text, location, notes }, folder, sdk) {
  if (text.startsWith('"import.meta" is not available')) {
    return "`import.meta` is empty: a file is imported by itself (`./page.html` is a string)";
  }
  if (text.startsWith("No loader is configured")) {
    return `${text}; as \`.txt\` it is a text, as \`.bin\` bytes`;
  }
  const [, missed] = /^Cannot read file: (.+)$/.exec(text) ?? [];
  if (missed && !existsSync(missed)) {
    return `there is no ${relative(folder, missed)}, whose name may have other upper and lower case`;
  }
  const [, asked] = /^Could not resolve "([^"]+)"/.exec(text) ?? [];
  if (asked === undefined) return undefined;
  const from = join(folder, location ? dirname(location.file) : ".");
  const what = asked.startsWith(".")
    ? missing(join(from, asked), folder)
    : reason(asked, from, notes, sdk);
  if (what === undefined) return text;
  const owner = location && packageOf(location.file);
  return `${owner ? `the package ${owner}` : "this"} imports "${asked}", ${what}`;
}

/** What to say of a file that is not there. */
function missing(path, folder) {
  if (existsSync(path)) return "which is a folder: name a file in it";
  const { dir, name } = parse(path);
  const isNear = (it) => parse(it).name.toLowerCase() === name.toLowerCase();
  const isFolder = statSync(dir, { throwIfNoEntry: false })?.isDirectory();
  const near = isFolder ? readdirSync(dir).find(isNear) : undefined;
  const there = near ? `; there is ${relative(folder, join(dir, near))}` : "";
  return `and there is no ${relative(folder, path)}${there}`;
}

function reason(asked, from, notes, sdk) {
  const instead = insteadOf(asked);
  if (instead) return instead;
  for (const [name, say] of ELSEWHERE) {
    const found = name.exec(asked);
    if (found) return say(...found.slice(1));
  }
  const [name] = PACKAGE.exec(asked) ?? [];
  if (name === undefined) return undefined;
  const ours = name === SDK && asked !== SDK ? (sdk ?? placeOf(SDK, from)) : undefined;
  if (ours) return `which is no part of it; there are ${partsOf(ours)}`;
  // Other notes are on what esbuild could be told to do.
  const note = notes.find(({ location }) => location)?.text.replace(/:$/, "");
  if (note) return `but ${note[0].toLowerCase()}${note.slice(1)}`;
  if (placeOf(name, from)) {
    return name === asked ? "whose entry is missing" : `which is not in the package ${name}`;
  }
  return `which is not installed; run \`npm install ${name}\` in the application's folder`;
}

/** What an application may import of the SDK in a folder. */
function partsOf(sdk) {
  const { exports } = JSON.parse(readFileSync(join(sdk, "package.json"), "utf8"));
  const parts = Object.entries(exports).filter(([, file]) => typeof file === "string");
  return parts.map(([part]) => `"${part.replace(".", SDK)}"`).join(", ");
}

/** Where the package `name` is that a file in `folder` may import: it may lie in any folder above. */
function placeOf(name, folder) {
  const place = join(folder, "node_modules", name);
  if (existsSync(place)) return place;
  const above = dirname(folder);
  return above === folder ? undefined : placeOf(name, above);
}

/**
 * Has imports from the net be an error, which esbuild would leave to a browser, and those of servers by an application,
 * of which it would tell all that they are made of.
 */
export const refused = {
  name: "edgewit-refused",
  setup(building) {
    const error = ({ path }) => ({ errors: [{ text: `Could not resolve "${path}"` }] });
    building.onResolve({ filter: /^(https?:)?\/\// }, error);
    building.onResolve({ filter: SERVERS }, (asked) =>
      packageOf(asked.importer) === undefined ? error(asked) : undefined,
    );
  },
};

/** The npm package that a file is from: of `…/node_modules/@scope/name/…` it is `@scope/name`. */
export function packageOf(file) {
  const inside = file.split("node_modules/").slice(1).at(-1);
  if (inside === undefined) return undefined;
  const parts = inside.split("/");
  return parts.slice(0, parts[0].startsWith("@") ? 2 : 1).join("/");
}
