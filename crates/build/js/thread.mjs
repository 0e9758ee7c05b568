// The engine, with an application's script, in a thread of its own. `start.mjs` gives it what it needs, and gets
// messages: `{ fd, text }` is printed, `{ begins }` says that the top level begins, or a rehearsal, and `{ ran }` what
// came of it.
//
// All that the engine asks of the system is answered here, and for equal scripts alike: they give an
// equal memory. The clock advances by a microsecond each time it is read. Random bytes, with which the
// engine scatters its hash tables, follow from the script; a request draws others, from the host.

import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { WASI } from "node:wasi";
import { parentPort, workerData } from "node:worker_threads";
import { LATE_NS, isTold } from "./marks.mjs";
import { copyOf, rehearse, rehearses } from "./rehearse.mjs";
import { SCRIPT } from "./start.mjs";

/** The time at which applications are built, as they see it: 2026-01-01, in nanoseconds. */
const TIME_NS = 1_767_225_600_000_000_000n;

/** What a rehearsal asks of its host, by interface and function: the table of a component's own resources. Each is its
 * own handle here. */
const answers = {
  "[export]edge:sdk/handler [resource-new]body-source": (resource) => resource,
  "[export]edge:sdk/handler [resource-rep]body-source": (handle) => handle,
  "[export]edge:sdk/handler [resource-drop]body-source": () => {},
};

/** Ends the engine from within an import. */
class Ended extends Error {}

/** The same, where the script has told what it was started for. */
class Told extends Ended {}

/** The processor's time when the top level began, or the rehearsal. */
let began = process.cpuUsage();

const ran = await run(workerData);
parentPort.postMessage({ ran }, ran.memory ? [ran.memory.buffer] : []);

async function run({ module, env, folder, script, seed, most, lateMs }) {
  const stdin = openSync(join(folder, "arguments"));
  const wasi = new WASI({ version: "preview1", env, preopens: { "/": folder }, stdin });
  const printed = { 1: "", 2: "" };
  let instance;
  const memory = () => instance.exports.memory.buffer;
  const imports = {
    wasi_snapshot_preview1: system(wasi.wasiImport, printed, memory, seed, lateMs),
  };
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] ??=
      answers[`${from.replace(/@.*/, "")} ${name}`] ?? ended(`${from} ${name}`);
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

function ended(call) {
  return () => {
    throw new Ended(call);
  };
}

/** The engine's memory after a rehearsal, and the pages that one writes to; as it was, if the application keeps one
 * from working, which makes it `slow`. What a rehearsal prints is nobody's. */
function remembered(exports, script, printed, most) {
  const before = { memory: copyOf(exports), written: [] };
  const printedBefore = { ...printed };
  if (!rehearses(script)) return { ...before, slow: false };
  let rehearsed;
  begin();
  try {
    rehearsed = rehearse(exports);
  } catch (error) {
    if (!(error instanceof Ended || error instanceof WebAssembly.RuntimeError)) throw error;
    if (error instanceof Told) return { ...before, slow: true };
  }
  Object.assign(printed, printedBefore);
  // One that holds nearly all it may is begun as it was.
  const fits = rehearsed?.memory.length <= most;
  return { ...(fits ? rehearsed : before), slow: rehearsed === undefined };
}

function begin() {
  began = process.cpuUsage();
  parentPort.postMessage({ begins: true });
}

/** Whether so much of the processor's time has passed; never asked of the system where it can't. */
function isLate(lateMs) {
  if (lateMs === Infinity) return false;
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1000 >= lateMs;
}

/** The system as the engine sees it: that of Node but for what is printed, drawn or read off a clock. */
function system(node, printed, memory, seed, lateMs) {
  let time = TIME_NS;
  let drawn = 0;
  const decoders = { 1: new TextDecoder(), 2: new TextDecoder() };
  return {
    ...node,
    path_open(fd, flags, path, length, ...rest) {
      // The engine is up, and the script's turn has come.
      if (Buffer.from(memory(), path, length).toString() === SCRIPT) begin();
      return node.path_open(fd, flags, path, length, ...rest);
    },
    fd_write(fd, vectors, count, written) {
      if (!(fd in printed)) return node.fd_write(fd, vectors, count, written);
      const view = new DataView(memory());
      let total = 0;
      let text = "";
      for (let at = vectors; at < vectors + 8 * count; at += 8) {
        const bytes = new Uint8Array(
          memory(),
          view.getUint32(at, true),
          view.getUint32(at + 4, true),
        );
        text += decoders[fd].decode(bytes, { stream: true });
        total += bytes.length;
      }
      printed[fd] += text;
      parentPort.postMessage({ fd, text });
      if (isTold(printed[fd], text)) throw new Told();
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
      new DataView(memory()).setBigUint64(at, isLate(lateMs) ? LATE_NS : time, true);
      return 0;
    },
    proc_exit(code) {
      throw new Ended(`exit ${code}`);
    },
  };
}
