import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "edgewit-sdk-"));
after(() => rmSync(scratch, { recursive: true }));

const run = (cwd: string, ...command: [string, ...string[]]) => {
  const [program, ...args] = command;
  return execFileSync(program, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
};

test("no declaration has the type `any`", () => {
  const files = readdirSync(join(root, "dist"), { recursive: true, encoding: "utf8" });
  const declarations = files.filter((file) => file.endsWith(".d.ts"));
  assert.ok(declarations.length > 10);
  for (const file of declarations) {
    const code = readFileSync(join(root, "dist", file), "utf8").replace(
      /\/\*[^]*?\*\/|\/\/.*/g,
      "",
    );
    assert.doesNotMatch(code, /\bany\b/, file);
  }
});

/** What is left of the package in a bundle of `source`. */
async function bundled(source: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: root },
    bundle: true,
    write: false,
    format: "esm",
    conditions: ["edgewit", "worker", "browser", "import"],
    external: ["edge:*"],
    logLevel: "error",
  });
  return outputFiles[0]?.text ?? "";
}

test("a bundle has what is used alone", async () => {
  const fields = await bundled(
    'import { headerText } from "@edgewit/sdk"; console.log(headerText);',
  );
  assert.match(fields, /function headerText/);
  assert.doesNotMatch(fields, /edge:sdk|class |malformed pattern/);
  assert.ok(fields.length < 2000, String(fields.length));
  assert.equal((await bundled('import "@edgewit/sdk"; import "@edgewit/sdk/log";')).trim(), "");
  await assert.rejects(bundled('import "@edgewit/sdk/testing";'), /Could not resolve/);
  const app = await bundled('import { App } from "@edgewit/sdk"; export default new App();');
  assert.match(app, /edge:sdk\/kv@0\.1\.0/);
  // The host of tests is none of a component's.
  assert.doesNotMatch(app, /KEY_BYTES_MAX/);
});

const CONSUMER = `
import { App, type Env, EdgewitError, headerText } from "@edgewit/sdk";
import { open, type Store } from "@edgewit/sdk/kv";
import * as log from "@edgewit/sdk/log";
import { Router } from "@edgewit/sdk/router";
import { reset, takeLog, testEnv } from "@edgewit/sdk/testing";

reset();
const env: Env = testEnv("visits");
const items = new Router().get("/:id", (c) => c.text(c.param("id")));
const app = new App().mount("/items", items).get("/hello/:name", async (c) => {
  const store: Store = await open("visits");
  const visits = await store.increment(c.param("name"), 1n);
  log.info("hello", { visits });
  return c.text(\`\${visits} \${headerText(c.request.headers, "x")}\`);
});
const reply = await app.request("/hello/ada", { headers: { x: "y" } }, env);
const text: string = await reply.text();
const error: unknown = await open("none").catch((thrown: unknown) => thrown);
const code: string = error instanceof EdgewitError ? error.code : "";
console.log(text, await (await app.request("/items/7")).text(), takeLog().length, code);
`;

/** What npm is not to do in a test: run scripts of others, and ask for what is no part of it. */
const QUIETLY = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];

interface Manifest {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

interface Lock {
  packages: Record<string, unknown>;
}

/** Installs the package in the file `packed` into a fresh project, and what compiling it takes. */
function install(packed: string): void {
  writeFileSync(join(scratch, "package.json"), '{ "private": true, "type": "module" }');
  const own = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;
  const types = `@types/node@${own.devDependencies["@types/node"]}`;
  run(scratch, "npm", "install", ...QUIETLY, `./${packed}`, types);
  // What it depends on comes along, and nothing else.
  const lock = JSON.parse(readFileSync(join(scratch, "package-lock.json"), "utf8")) as Lock;
  const installed = Object.keys(lock.packages).filter((path) => !/^$|types/.test(path));
  const due = ["@edgewit/sdk", ...Object.keys(own.dependencies)];
  assert.deepEqual(
    installed,
    due.map((name) => `node_modules/${name}`),
  );
}

function compile(options: object): void {
  const compilerOptions = { target: "ES2022", strict: true, ...options };
  const config = { compilerOptions, files: ["main.ts", "listener.ts"] };
  writeFileSync(join(scratch, "tsconfig.json"), JSON.stringify(config));
  run(scratch, process.execPath, join(root, "node_modules/typescript/bin/tsc"), "-p", ".");
}

test("what is packed is what is needed, and works in a fresh project", () => {
  const [packed] = JSON.parse(
    run(root, "npm", "pack", "--ignore-scripts", "--json", "--pack-destination", scratch),
  ) as { filename: string; files: { path: string }[] }[];
  assert.ok(packed);
  for (const { path } of packed.files) {
    assert.match(path, /^(dist\/.*\.(js|d\.ts)|package\.json|README\.md|LICENSE-(APACHE|MIT))$/);
  }
  install(packed.filename);
  writeFileSync(join(scratch, "main.ts"), CONSUMER);
  cpSync(join(root, "test/types/ungranted/listener.ts"), join(scratch, "listener.ts"));
  for (const [module, moduleResolution] of [
    ["NodeNext", "NodeNext"],
    ["ESNext", "Bundler"],
  ] as const) {
    const lib = ["ES2022"];
    compile({ module, moduleResolution, lib: [...lib, "DOM"], types: [] });
    compile({ module, moduleResolution, lib: [...lib, "WebWorker"], types: [] });
    compile({ module, moduleResolution, lib, types: ["node"] });
  }
  assert.equal(run(scratch, process.execPath, "main.js"), "1 y 7 1 denied\n");
});
