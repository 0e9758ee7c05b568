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

/** What the use of it throws. */
function use(path) {
  try {
    Function(path.includes(".") ? `${path}()` : path)();
    return null;
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
}

export const absent = {
  // Of many names, those that are absent.
  async absent({ request }) {
    const names = await request.json();
    return Response.json(names.filter((name) => !isThere(name)));
  },

  uses({ query }) {
    return Response.json(Object.fromEntries(query.all("name").map((name) => [name, use(name)])));
  },

  expression({ query }) {
    try {
      return new Response(`a ${typeof Function(`return ${query("code")}`)()}`);
    } catch (error) {
      return new Response(`${error.name}: ${error.message}`);
    }
  },
};
