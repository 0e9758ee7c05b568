// Starts the engine with an application's script, as far as the end of its top level: what is in
// memory then is where each request begins.
//
// All that the engine asks of the system is answered here, and for equal scripts alike: they give an
// equal memory. The clock advances by a microsecond each time it is read. Random bytes, with which the
// engine scatters its hash tables, follow from the script; a request draws others, from the host.

import { createHash } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WASI } from "node:wasi";
import { copyOf, rehearse, rehearses } from "./rehearse.mjs";

/** The script's name in the engine's messages and stacks. */
export const SCRIPT = "source.js";

/** The time at which applications are built, as they see it: 2026-01-01, in nanoseconds. */
const TIME_NS = 1_767_225_600_000_000_000n;

/** The table of a component's own resources, which is the host's: a resource is its own handle. */
const sources = {
  "[resource-new]body-source": (resource) => resource,
  "[resource-rep]body-source": (handle) => handle,
  "[resource-drop]body-source": () => {},
};

/** Ends the engine from within an import. */
class Ended extends Error {}

/** Runs the script and returns what was printed and, if it came to its end, how many `bytes` the engine
 * holds, and its `memory` where they are at most as many as there may be, with the pages of it to which a request has
 * `written`; else `call` says which function
 * of the host it called, if that ended it. */
export async function start(engine, script, most) {
  const folder = mkdtempSync(join(tmpdir(), "edgewit-"));
  try {
    writeFileSync(join(folder, SCRIPT), script);
    writeFileSync(join(folder, "bindings.js"), readFileSync(join(engine, "bindings.js")));
    const line = `--initializer-script-path /bindings.js --strip-path-prefix / ${SCRIPT}`;
    writeFileSync(join(folder, "arguments"), line);
    return await run(engine, folder, script, most);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function run(engine, folder, script, most) {
  const seed = createHash("sha256").update(script).digest();
  const module = await WebAssembly.compile(readFileSync(join(engine, "start.wasm")));
  const env = JSON.parse(readFileSync(join(engine, "environment.json"), "utf8"));
  const stdin = openSync(join(folder, "arguments"));
  const wasi = new WASI({ version: "preview1", env, preopens: { "/": folder }, stdin });
  const printed = { 1: "", 2: "" };
  let instance;
  const memory = () => instance.exports.memory.buffer;
  const imports = {
    wasi_snapshot_preview1: system(wasi.wasiImport, printed, memory, seed),
    "[export]edge:sdk/handler@0.1.0": sources,
  };
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] ??= () => {
      throw new Ended(`${from} ${name}`);
    };
  }
  instance = await WebAssembly.instantiate(module, imports);
  let returned = false;
  let call;
  try {
    wasi.initialize(instance);
    instance.exports["componentize.wizer"]();
    returned = true;
  } catch (error) {
    // A trap says nothing of the application; what the engine printed before may.
    if (!(error instanceof Ended || error instanceof WebAssembly.RuntimeError)) throw error;
    if (error instanceof Ended) call = error.message;
  } finally {
    closeSync(stdin);
  }
  const finished = returned && instance.exports.check_init() === 0;
  const bytes = finished ? memory().byteLength : 0;
  const fits = finished && bytes <= most;
  const started = fits ? remembered(instance.exports, script, printed, most) : {};
  return { finished, bytes, out: printed[1], err: printed[2], call, ...started };
}

/** The engine's memory, after a rehearsal, and the pages that one writes to; as it was, and what was printed by then, if
 * the application keeps one from working, which makes it `slow`. */
function remembered(exports, script, printed, most) {
  const before = { memory: copyOf(exports), written: [], printed: { ...printed } };
  if (!rehearses(script)) return { ...before, slow: false };
  try {
    const rehearsed = rehearse(exports);
    if (rehearsed?.memory.length <= most) return { ...rehearsed, slow: false };
  } catch (error) {
    if (!(error instanceof Ended || error instanceof WebAssembly.RuntimeError)) throw error;
  }
  Object.assign(printed, before.printed);
  return { ...before, slow: true };
}

/** The system as the engine sees it: that of Node but for what is printed, drawn or read off a clock. */
function system(node, printed, memory, seed) {
  let time = TIME_NS;
  let drawn = 0;
  const decoders = { 1: new TextDecoder(), 2: new TextDecoder() };
  return {
    ...node,
    fd_write(fd, vectors, count, written) {
      if (!(fd in printed)) return node.fd_write(fd, vectors, count, written);
      const view = new DataView(memory());
      let total = 0;
      for (let at = vectors; at < vectors + 8 * count; at += 8) {
        const bytes = new Uint8Array(
          memory(),
          view.getUint32(at, true),
          view.getUint32(at + 4, true),
        );
        printed[fd] += decoders[fd].decode(bytes, { stream: true });
        total += bytes.length;
      }
      view.setUint32(written, total, true);
      return 0;
    },
    random_get(at, length) {
      const bytes = new Uint8Array(memory(), at, length);
      for (const index of bytes.keys()) bytes[index] = seed[drawn++ % seed.length];
      return 0;
    },
    clock_time_get(_id, _precision, at) {
      time += 1_000n;
      new DataView(memory()).setBigUint64(at, time, true);
      return 0;
    },
    proc_exit(code) {
      throw new Ended(`exit ${code}`);
    },
  };
}
