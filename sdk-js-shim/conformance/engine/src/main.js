// The engine without the SDK, where `../expect.toml` says that it can't do what a case wants.

/** By case, whether that is still so. */
const forbids = {
  "bodies/empty-bytes-with-204": () =>
    throws(TypeError, () => new Response(new Uint8Array(), { status: 204 })),
  "fetch/a-common-method-in-other-case": () =>
    new Request("http://up.test/", { method: "Post" }).method === "POST",
  "lifecycle/recursion-without-end": () => throws(InternalError, () => depth(0)),
  "limits/memory-beyond-the-limit": () => throws(undefined, () => new Uint8Array(1e9)),
};

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
    const answers = Object.entries(forbids).map(([name, stillSo]) => [name, stillSo()]);
    const val = new TextEncoder().encode(JSON.stringify(Object.fromEntries(answers)));
    return { status: 200, headers: [], body: { tag: "bytes", val }, hints: [] };
  },
  async afterReply() {},
};
