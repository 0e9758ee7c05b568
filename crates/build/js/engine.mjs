// Prepares the engine for one version of the interface, once: every application shares what this
// writes. `node engine.mjs FOLDER` writes into FOLDER
// - `start.wasm`: the engine with the interface's imports, to be started while an application is built;
// - `core.wasm`: the same without the imports that a started engine no longer needs;
// - `bindings.js`: the mended bindings;
// - `environment.json`: what the engine reads from its environment when it is started;
// - `absent.mjs`: what is absent, and what to use instead, from the SDK;
// - `web.d.ts` and `language.d.ts`: the types of the Web and of the language without that.

import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { transform } from "esbuild";
import { mend } from "./glue.mjs";
import { SCRIPT } from "./start.mjs";
import { languageTypes, webTypes } from "./types.mjs";

/** Its package exports neither the engine nor the splicer. */
const LIBRARY = new URL("../lib/", import.meta.resolve("@bytecodealliance/componentize-js"));
/** Neither `http` nor `fetch-event`: requests come and go by `edge:sdk`. */
const FEATURES = ["stdio", "random", "clocks"];
const WORLD = "app";

const [folder] = process.argv.slice(2);
const wit = fileURLToPath(new URL("edge.wit", import.meta.url));
const { splicer } = await import(new URL("spidermonkey-embedding-splicer.js", LIBRARY));
const engine = await readFile(new URL("starlingmonkey_embedding.wasm", LIBRARY));
const spliced = splicer.spliceBindings(engine, FEATURES, undefined, wit, WORLD, false);
// The splicer takes `random_get` away whatever the features are, by which keys of RSA and of curves are a trap: it does
// not know it by another name.
const hidden = renamed(spliced.wasm, "random_get", "random_gEt");
const stubbed = splicer.stubWasi(hidden, FEATURES, undefined, wit, WORLD);
const core = renamed(stubbed, "random_gEt", "random_get");
const write = (name, content) => writeFile(join(folder, name), content);
await write("start.wasm", spliced.wasm);
await write("core.wasm", core);
await write("bindings.js", mend(spliced.jsBindings, spliced.imports));
await write("environment.json", JSON.stringify(environment(spliced)));
const typed = await readFile(new URL("absent.ts", import.meta.url), "utf8");
await write("absent.mjs", (await transform(typed, { loader: "ts" })).code);
const { absent } = await import(pathToFileURL(join(folder, "absent.mjs")));
const libraries = await librariesOfTypeScript();
await write("web.d.ts", webTypes(readLibrary("webworker"), absent));
const language = wholeLibraries(["es2024", "esnext.disposable"]);
await write("language.d.ts", languageTypes(language, absent));

/** They lie beside its program. */
async function librariesOfTypeScript() {
  const typescript = import.meta.resolve("typescript");
  const { default: program } = await import(new URL("getExePath.js", typescript));
  return dirname(program());
}

function readLibrary(name) {
  return readFileSync(join(libraries, `lib.${name}.d.ts`), "utf8");
}

/** Libraries with those that they name, each once. */
function wholeLibraries(names, met = new Set()) {
  const named = /^\/\/\/ <reference lib="(.+)" \/>$/gm;
  const texts = names.map((name) => {
    if (met.has(name)) return "";
    met.add(name);
    return readLibrary(name).replace(named, (_, other) => wholeLibraries([other], met));
  });
  return texts.join("");
}

/** The module with an import of the system under a name of the same length. */
function renamed(wasm, from, to) {
  const bytes = Buffer.from(wasm);
  const module = "wasi_snapshot_preview1";
  const name = (of) => Buffer.from(`${module}${String.fromCharCode(of.length)}${of}`);
  const at = bytes.indexOf(name(from));
  if (at < 0 || bytes.indexOf(name(from), at + 1) >= 0) {
    throw new Error(`the engine is not as expected: it does not import ${from} once`);
  }
  name(to).copy(bytes, at);
  return bytes;
}

/** The functions to bind, in the variables that the engine knows. */
function environment({ exports, imports }) {
  const all = {
    DEBUG: "",
    FEATURE_CLOCKS: "1",
    SOURCE_NAME: SCRIPT,
    EXPORT_CNT: String(exports.length),
    IMPORT_CNT: String(imports.length),
  };
  for (const [index, [name, type]] of exports.entries()) {
    all[`EXPORT${index}_NAME`] = name;
    all[`EXPORT${index}_ARGS`] = (type.paramptr ? "*" : "") + type.params.join(",");
    all[`EXPORT${index}_RET`] = (type.retptr ? "*" : "") + (type.ret ?? "");
    all[`EXPORT${index}_RETSIZE`] = String(type.retsize);
  }
  for (const [index, [, name, count]] of imports.entries()) {
    all[`IMPORT${index}_NAME`] = name;
    all[`IMPORT${index}_ARGCNT`] = String(count);
  }
  return all;
}
