// The engine without the SDK, where `../expect.toml` says that it can't do what a case wants, or what others do.

/** By case, and for what else is said there, whether that is still so. */
const forbids = {
  "bodies/empty-bytes-with-204": () =>
    throws(TypeError, () => new Response(new Uint8Array(), { status: 204 })),
  "fetch/a-common-method-in-other-case": () =>
    new Request("http://up.test/", { method: "Post" }).method === "POST",
  "lifecycle/recursion-without-end": () => throws(InternalError, () => depth(0)),
  "limits/memory-beyond-the-limit": () => throws(undefined, () => new Uint8Array(1e9)),
  "fetch/a-uri-is-serialized": () =>
    new Request("http://UP.test:80/a/%2e%2E/b/%7e%2F?x=%zz").url ===
    "http://up.test/b/%7e%2F?x=%zz",
  "fetch/what-the-host-leaves-out": () =>
    !new Request("http://up.test/", { headers: { connection: "x" } }).headers.has("connection"),
  "fetch/a-server-that-wants-no-more": async () => (await writesOfTwo()) === 1,
  "fetch/waiting-for-what-is-ready": async () => !(await isToldOfWaiting()),
  "fetch/fan-out-by-a-handler": async () => !(await isToldOfWaiting()),
  drops: async () => !(await isToldOfScope()),
};

/** How many of two writes reach what a stream writes to, which fails. */
async function writesOfTwo() {
  let count = 0;
  const write = () => {
    count += 1;
    throw new Error("no more");
  };
  const writer = new WritableStream({ write }).getWriter();
  writer.closed.catch(() => {});
  for (let left = 2; left > 0; left--) await writer.write("a").catch(() => {});
  return count;
}

/** Whether a promise can know that somebody waits for it, before which what it stands for need not be taken. */
async function isToldOfWaiting() {
  let isTold = false;
  const promise = Promise.resolve();
  promise.then = () => void (isTold = true);
  await promise;
  return isTold;
}

/** Whether the end of the block that holds an object is told, or that of the function. */
async function isToldOfScope() {
  let isTold = false;
  const registry = new FinalizationRegistry(() => void (isTold = true));
  const hold = () => registry.register({}, undefined);
  hold();
  await undefined;
  return isTold;
}

/** Whether `run` throws an object of `type`, or something that is none. */
function throws(type, run) {
  try {
    run();
    return false;
  } catch (error) {
    return type === undefined ? !(error instanceof Error) : error instanceof type;
  }
}

function depth(level) {
  return level === Number.MAX_SAFE_INTEGER ? 0 : depth(level + 1) + 1;
}

export default {
  BodySource: class {},
  async handle() {
    const answers = {};
    for (const [name, stillSo] of Object.entries(forbids)) answers[name] = await stillSo();
    const val = new TextEncoder().encode(JSON.stringify(answers));
    return { status: 200, headers: [], body: { tag: "bytes", val }, hints: [] };
  },
  async afterReply() {},
};
