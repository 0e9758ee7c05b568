// Has a started engine answer a few requests that the SDK makes up an answer to, before its memory is taken.
//
// The engine learns as it runs: where a property lies is looked up once for each place in the code, and written down
// there. A request whose engine has to learn that anew takes twice the time, and writes to a hundred pages more.

/** What an SDK that rehearses has in it; the requests have it as their id. */
const REHEARSAL = "edgewit-rehearsal";

/** What is asked for, by turns: a reply whose body is whole, and one whose body is a stream. */
const METHODS = ["GET", "POST"];

/** The second time finds what the first wrote down, and the third nothing new. */
const TIMES = 3;

/** The cases of a `result`. */
const OK = 0;
const FAILED = 1;

/** `reply-body.source` and `chunk.end`. */
const SOURCE = 3;
const END = 1;

/** What `handle` takes of a request with a body that is none: see `argumentsOf`. */
const ARGUMENTS = 16;

/** What a host restores at once of a memory. */
const PAGE_BYTES = 4096;

const HEADERS = [
  ["host", "localhost"],
  ["user-agent", "rehearsal"],
  ["accept", "*/*"],
];

const ATTRIBUTES = [
  ["network.protocol.version", "1.1"],
  ["server.address", "localhost"],
];

export function rehearses(script) {
  return script.includes(REHEARSAL);
}

/** Returns the memory of an engine that has answered, and the pages of it to which a request has `written`, by their
 * index; nothing, or throws as the engine does, where the application keeps it from answering. */
export function rehearse(exports) {
  // No host tells of a reply before a request: the SDK knows by it that a rehearsal begins, and by a failure that it is
  // over, as it is in the memory that requests begin with.
  tellOfReply(exports, OK);
  for (let left = TIMES; left > 0; left--) if (!METHODS.every((it) => ask(exports, it))) return;
  tellOfReply(exports, FAILED);
  const memory = copyOf(exports);
  tellOfReply(exports, OK);
  if (!METHODS.every((it) => ask(exports, it))) return;
  return { memory, written: pagesThatDiffer(memory, copyOf(exports)) };
}

export function copyOf({ memory }) {
  return new Uint8Array(memory.buffer).slice();
}

function pagesThatDiffer(before, after) {
  const pages = [];
  for (let at = 0; at < after.length; at += PAGE_BYTES) {
    const [was, is] = [before, after].map((memory) => memory.subarray(at, at + PAGE_BYTES));
    if (Buffer.compare(was, is) !== 0) pages.push(at / PAGE_BYTES);
  }
  return pages;
}

/** Calls `after-reply`. */
function tellOfReply(exports, sent) {
  const afterReply = functionOf(exports, "#after-reply");
  afterReply.done(afterReply.call(sent, 0, 0n, 0));
}

/** One request, from its beginning to the end of its reply. Returns false where it is answered by an error. */
function ask(exports, method) {
  const handle = functionOf(exports, "#handle");
  if (handle.call.length !== ARGUMENTS) {
    const { length } = handle.call;
    throw new Error(`\`handle\` of this version of the interface takes ${length} arguments`);
  }
  const result = handle.call(...argumentsOf(exports, method));
  const reply = new DataView(exports.memory.buffer, result);
  const isError = reply.getUint8(0) !== 0;
  const source = reply.getUint8(16) === SOURCE ? reply.getUint32(20, true) : undefined;
  handle.done(result);
  if (isError) return false;
  if (source !== undefined) readAll(exports, source);
  tellOfReply(exports, OK);
  return true;
}

function readAll(exports, source) {
  const read = functionOf(exports, "#[method]body-source.read");
  for (let isOver = false; !isOver;) {
    const result = read.call(source);
    const chunk = new DataView(exports.memory.buffer, result);
    isOver = chunk.getUint8(0) !== 0 || chunk.getUint8(8) === END;
    read.done(result);
  }
}

/** An exported function, and the one to be called once its result was read. */
function functionOf(exports, end) {
  const [call, done] = ["edge:sdk/handler@", "cabi_post_edge:sdk/handler@"].map((start) => {
    const name = Object.keys(exports).find((it) => it.startsWith(start) && it.endsWith(end));
    return exports[name];
  });
  return { call, done };
}

/** A request and its context, by the canonical ABI. */
function argumentsOf({ memory, cabi_realloc: allocate }, method) {
  const text = (value) => {
    const bytes = new TextEncoder().encode(value);
    const at = allocate(0, 0, 1, bytes.length);
    new Uint8Array(memory.buffer, at).set(bytes);
    return [at, bytes.length];
  };
  const pairs = (all) => {
    const words = all.flat().flatMap(text);
    const at = allocate(0, 0, 4, 4 * words.length);
    new Uint32Array(memory.buffer, at).set(words);
    return [at, all.length];
  };
  const body = [0, 0, 0];
  const request = [...text(method), ...text("http://localhost/"), ...pairs(HEADERS), ...body];
  return [...request, ...text(REHEARSAL), 1, ...text("127.0.0.1"), ...pairs(ATTRIBUTES)];
}
