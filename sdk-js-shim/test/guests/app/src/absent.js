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

  expression({ query }) {
    try {
      return new Response(`a ${typeof Function(`return ${query("code")}`)()}`);
    } catch (error) {
      return new Response(`${error.name}: ${error.message}`);
    }
  },
};
