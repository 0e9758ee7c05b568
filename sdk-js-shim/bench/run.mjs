// Measures a hello on this SDK and our host beside the same hello as the engine's own fetch-event component under
// `wasmtime serve`: `node sdk-js-shim/bench/run.mjs [SECONDS]`, in the root of the repository. The machine is noisy: both
// are asked in turn, three times, and what counts is the ratio. Its first run compiles wasmtime, which takes long.

import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { get } from "node:http";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

const WASMTIME = "48.0.8";
const FEATURES =
  "serve,run,compile,cranelift,parallel-compilation,pooling-allocator,component-model,component-model-async";
const ROUNDS = 3;
const CONNECTIONS = 16;

const seconds = Number(process.argv[2] ?? 5);
const folder = resolve("target/bench-js");
const here = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
mkdirSync(folder, { recursive: true });

run("npm", ["ci", "--ignore-scripts", "--prefix", here]);
run("cargo", ["build", "--release", "-p", "edgewit-cli"]);
const wasmtime = join(folder, "wasmtime/bin/wasmtime");
if (!existsSync(wasmtime)) {
  const features = ["--no-default-features", "--features", FEATURES];
  const where = ["--root", join(folder, "wasmtime"), "--target-dir", join(folder, "target")];
  run("cargo", [
    "install",
    "wasmtime-cli",
    "--version",
    WASMTIME,
    "--locked",
    ...features,
    ...where,
  ]);
}
const edgewit = resolve("target/release/edgewit");

const ours = buildOurs();
const theirs = await buildTheirs();
const compiled = theirs.replace(".wasm", ".cwasm");
const serve = {
  edgewit: () => [edgewit, "serve", "--listen", "127.0.0.1:4101", ours],
  wasmtime: (file, ...more) => [
    wasmtime,
    "serve",
    ...more,
    "-Scli",
    "--addr",
    "127.0.0.1:4102",
    file,
  ],
};
// From nothing: whoever starts a server for the first time waits for its compiler.
const cold = [
  await firstByte(serve.edgewit(), 4101),
  await firstByte(serve.wasmtime(theirs), 4102),
];
run(wasmtime, ["compile", "-o", compiled, theirs]);
const sides = [
  { name: "edgewit", file: ours, start: serve.edgewit(), port: 4101, rounds: [] },
  {
    name: "wasmtime serve",
    file: theirs,
    start: serve.wasmtime(compiled, "--allow-precompiled"),
    port: 4102,
    rounds: [],
  },
];
for (let round = 0; round < ROUNDS; round++) {
  for (const side of sides) side.rounds.push(await measure(side));
}
for (const [index, { name, file, rounds }] of sides.entries()) {
  const of = (key) => median(rounds.map((round) => round[key])).toFixed(0);
  console.log(
    `${name}: ${of("rate")} requests/s, ${of("memory")} MB, first byte ${cold[index].toFixed(0)} ms after the first ` +
      `start and ${of("first")} ms after others, component ${(statSync(file).size / 1e6).toFixed(1)} MB`,
  );
}
const ratio = (key) => median(sides[0].rounds.map((it, at) => it[key] / sides[1].rounds[at][key]));
console.log(`ratio: requests/s ${ratio("rate").toFixed(2)}, memory ${ratio("memory").toFixed(2)}`);

/** Our hello, built twice in an empty cache; prints how long each took. */
function buildOurs() {
  const app = join(folder, "hello");
  const cache = join(folder, "cache");
  rmSync(app, { recursive: true, force: true });
  rmSync(cache, { recursive: true, force: true });
  mkdirSync(join(app, "src"), { recursive: true });
  writeFileSync(join(app, "edge.toml"), 'name = "hello"\nlanguage = "js"\n');
  writeFileSync(
    join(app, "src/main.js"),
    'export default { fetch() { return new Response("Hello, World!"); } };\n',
  );
  for (const which of ["first, in an empty cache", "second"]) {
    const began = performance.now();
    run(edgewit, ["build", app], { EDGEWIT_CACHE: cache });
    console.log(`build, ${which}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
  }
  return join(app, "target/edgewit/hello.wasm");
}

/** The engine's own, which exports one version of the interface; wasmtime's package of interfaces is a later one. */
async function buildTheirs() {
  const { componentize } = await import("@bytecodealliance/componentize-js");
  const library = new URL("../lib/", import.meta.resolve("@bytecodealliance/componentize-js"));
  const engine = readFileSync(new URL("starlingmonkey_embedding.wasm", library), "latin1");
  const [name, version] = /wasi:http\/incoming-handler@([0-9.]+[0-9])/.exec(engine);
  const source =
    'addEventListener("fetch", (event) => event.respondWith(new Response("Hello, World!")));\n';
  const witPath = join(folder, "wit");
  const deps = join(sourceOf("wasmtime-wasi-http"), "wit/deps");
  mkdirSync(join(witPath, "deps"), { recursive: true });
  for (const file of readdirSync(deps)) {
    const text = readFileSync(join(deps, file), "utf8");
    writeFileSync(join(witPath, "deps", file), text.replaceAll(/\b0\.2\.[0-9]+/g, version));
  }
  writeFileSync(
    join(witPath, "world.wit"),
    `package bench:hello;\nworld hello { export ${name}; }\n`,
  );
  const { component } = await componentize(source, { witPath, worldName: "hello" });
  const file = join(folder, "fetch-event.wasm");
  writeFileSync(file, component);
  return file;
}

/** Where cargo has unpacked one of wasmtime's crates. */
function sourceOf(crate) {
  const registries = join(process.env.CARGO_HOME ?? join(homedir(), ".cargo"), "registry/src");
  const places = readdirSync(registries).map((it) => join(registries, it, `${crate}-${WASMTIME}`));
  return places.find((it) => existsSync(it));
}

/** Starts a server, and asks it as fast as it answers. */
async function measure({ start, port }) {
  const { default: autocannon } = await import("autocannon");
  return serving(start, port, async (server, first) => {
    const load = { url: `http://127.0.0.1:${port}/`, connections: CONNECTIONS, duration: seconds };
    const { requests, errors, non2xx } = await autocannon(load);
    if (errors + non2xx > 0) throw new Error(`${errors} errors, ${non2xx} other statuses`);
    return { first, rate: requests.average, memory: memoryOf(server.pid) };
  });
}

function firstByte(start, port) {
  return serving(start, port, async (_server, first) => first);
}

/** Runs `work` with a server that has begun to answer, and how long that took in milliseconds. */
async function serving([program, ...words], port, work) {
  const began = performance.now();
  const env = { ...process.env, EDGEWIT_CACHE: join(folder, "cache"), EDGEWIT_LOG: "error" };
  const server = spawn(program, words, { env, stdio: ["ignore", "ignore", "inherit"] });
  try {
    while (!(await answers(port))) {
      if (server.exitCode !== null) throw new Error(`${program} ${words.join(" ")} ended`);
      await new Promise((done) => setTimeout(done, 1));
    }
    return await work(server, performance.now() - began);
  } finally {
    server.kill("SIGKILL");
    await new Promise((done) => server.once("exit", done));
  }
}

function answers(port) {
  return new Promise((done) => {
    get({ port, host: "127.0.0.1", agent: false }, (response) => {
      response.resume();
      done(response.statusCode === 200);
    }).on("error", () => done(false));
  });
}

/** The most that a process has held, in MB. */
function memoryOf(pid) {
  const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(kilobytes) / 1000;
}

function median(numbers) {
  return numbers.toSorted((one, other) => one - other)[numbers.length >> 1];
}

function run(program, words, env = {}) {
  const { status } = spawnSync(program, words, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (status !== 0) throw new Error(`${program} ${words.join(" ")} failed`);
}
