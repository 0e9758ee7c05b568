// What the engine has not, and the SDK does not add.

/** Whether what a path of names leads to is there: `String.prototype.normalize`. */
function isThere(path) {
  const names = path.split(".");
  const last = names.pop();
  let at = globalThis;
  for (const name of names) {
    at = at[name];
    if (at === undefined || at === null) return false;
  }
  return last in at;
}

/** What the use of it throws, as its stack begins. */
function use(path, ctx) {
  try {
    Function("ctx", path.includes(".") ? `${path}()` : path)(ctx);
    return null;
  } catch (error) {
    return error.stack.split("\n")[0];
  }
}

const bytes = new Uint8Array(16);
const HMAC = { name: "HMAC", hash: "SHA-256" };

/** Calls of `crypto.subtle` with what it does not know, given an algorithm and a key of another one. */
const unknown = {
  digest: (algorithm) => crypto.subtle.digest(algorithm, bytes),
  importKey: (algorithm) => crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign"]),
  sign: (algorithm, key) => crypto.subtle.sign(algorithm, key, bytes),
  verify: (algorithm, key) => crypto.subtle.verify(algorithm, key, bytes, bytes),
};

export const absent = {
  // Of many names, those that are absent.
  async absent({ request }) {
    const names = await request.json();
    return Response.json(names.filter((name) => !isThere(name)));
  },

  uses({ query, ctx }) {
    const names = query.all("name");
    return Response.json(Object.fromEntries(names.map((name) => [name, use(name, ctx)])));
  },

  // It asks whether it is there, and uses it all the same.
  missing() {
    return typeof WebSocket === "undefined" ? new WebSocket("ws://a/") : new Response("there");
  },

  // What a call of `crypto.subtle` with what it does not know says.
  async unknown({ request, query }) {
    const key = await crypto.subtle.importKey("raw", bytes, HMAC, false, ["sign", "verify"]);
    const said = [];
    for (const algorithm of await request.json()) {
      const call = unknown[query("method")];
      said.push(
        await call(algorithm, key).then(String, (error) => `${error.name}: ${error.message}`),
      );
    }
    return Response.json(said);
  },

  expression({ query }) {
    try {
      return new Response(`a ${typeof Function(`return ${query("code")}`)()}`);
    } catch (error) {
      return new Response(`${error.name}: ${error.message}`);
    }
  },
};
