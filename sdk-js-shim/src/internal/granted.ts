// `env`: the stores that an application is granted, by name, and nothing else.

/** The name by which an `env` was last asked for what it has not, and those that it has. */
let missed: { name: string; granted: readonly string[] } | undefined;

/** What is asked for of a store, here and elsewhere; an engine may tell no more of what was `undefined`. */
const ASKED = /["'](delete|exists|get\w*|increment|keys|list|put|set)["']/;

/**
 * An `env` of what `make` gives for each name. What it has not is `undefined`, as in any object, and `in` says so, but it
 * is known that it was asked for: no compiler tells whoever writes JavaScript.
 */
export function envOf<Store>(
  granted: readonly string[],
  make: (name: string) => Store,
): Record<string, Store> {
  missed = undefined;
  // An object's own methods are no stores.
  const others = new Proxy(Object.create(null), {
    get(_, name) {
      if (typeof name === "string") missed = { name, granted };
    },
  });
  const env: Record<string, Store> = Object.create(others);
  for (const name of granted) env[name] = make(name);
  return env;
}

/** What is to be said behind the `message` of an error that comes of a store that is not granted; else nothing. */
export function notGranted(error: unknown, message: string): string {
  if (missed === undefined || !(error instanceof TypeError)) return "";
  const { name, granted } = missed;
  if (!/\bundefined\b/.test(message)) return "";
  if (!message.split(/[^\w$-]+/).includes(name) && !ASKED.test(message)) return "";
  const has = granted.length === 0 ? "no store" : granted.join(", ");
  return `; the store "${name}" is not granted ([kv.${name}] in edge.toml, in a test \`testEnv\`): \`env\` has ${has}`;
}
