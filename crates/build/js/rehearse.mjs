// Has a started engine answer a few requests that the SDK makes up an answer to, before its memory is taken.
//
// The engine learns as it runs: where a property lies is looked up once for each place in the code, and written down
// there. A request whose engine has to learn that anew takes twice the time, and writes to a hundred pages more.

/** What an SDK that rehearses has in it; the requests have it as their id. */
const REHEARSAL = "edgewit-rehearsal";

/** The second finds what the first wrote down, and the third nothing new. */
const REQUESTS = 3;

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

/** Returns the pages of memory that one request writes to, by their index; nothing, or throws as the engine does, where
 * the application keeps it from answering: its memory is of no use then. */
export function rehearse(exports) {
  const handle = functionOf(exports, "#handle");
  const afterReply = functionOf(exports, "#after-reply");
  if (handle.call.length !== ARGUMENTS) {
    const { length } = handle.call;
    throw new Error(`\`handle\` of this version of the interface takes ${length} arguments`);
  }
  const written = new Set();
  let before;
  for (let left = REQUESTS; left > 0; left--) {
    const result = handle.call(...argumentsOf(exports));
    const [isError] = new Uint8Array(exports.memory.buffer, result);
    handle.done(result);
    if (isError) return undefined;
    // That its reply failed says that this was the last one: what comes then is the application's.
    afterReply.done(afterReply.call(left === 1 ? 1 : 0, 0, 0n, 0));
    const memory = copyOf(exports);
    if (before) addPagesThatDiffer(written, before, memory);
    before = memory;
  }
  return [...written];
}

export function copyOf({ memory }) {
  return new Uint8Array(memory.buffer).slice();
}

function addPagesThatDiffer(pages, before, after) {
  for (let at = 0; at < after.length; at += PAGE_BYTES) {
    const [was, is] = [before, after].map((memory) => memory.subarray(at, at + PAGE_BYTES));
    if (Buffer.compare(was, is) !== 0) pages.add(at / PAGE_BYTES);
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
function argumentsOf({ memory, cabi_realloc: allocate }) {
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
  const request = [...text("GET"), ...text("http://localhost/"), ...pairs(HEADERS), ...body];
  return [...request, ...text(REHEARSAL), 1, ...text("127.0.0.1"), ...pairs(ATTRIBUTES)];
}
