// `env`: the stores that an application is granted, by name, and nothing else.

/** An `env` of what `make` gives for each name. */
export function envOf<Store>(
  granted: readonly string[],
  make: (name: string) => Store,
): Record<string, Store> {
  // An object's own methods are no stores.
  const env: Record<string, Store> = Object.create(null);
  for (const name of granted) env[name] = make(name);
  return env;
}

/** What the `env` of a component has not, and this request's application has asked it for. */
const missed = new Set<string>();
let has = "";

/** What any object may be asked for: whether it is a promise, or has a text of its own. */
const OF_ANY = /^(then|toJSON|toString|valueOf|constructor|toLocaleString)$/;

/**
 * An {@link envOf} of a component. What it has not is `undefined`, as in any object, and `in` says so, but it is known
 * that it was asked for: no compiler tells whoever writes JavaScript.
 */
export function watchedEnv<Store>(
  granted: readonly string[],
  make: (name: string) => Store,
): Record<string, Store> {
  has = granted.length === 0 ? "no store" : granted.join(", ");
  const others = new Proxy(Object.create(null), {
    get(_, name) {
      if (typeof name === "string" && !OF_ANY.test(name)) missed.add(name);
    },
  });
  return Object.setPrototypeOf(envOf(granted, make), others);
}

/**
 * The end of a message that says what was `undefined`: a variable, or a property of `env`, which a bundle may number.
 */
const UNDEFINED = /(?:^| )(?:(?:\S*\.)?#?env\d*(?:\.|\["))?([\w$-]+)(?:"\])? is undefined$/;

/** What is to be said behind the `message` of an error that names a store which is not granted; else nothing. */
export function notGranted(error: unknown, message: string): string {
  if (!(error instanceof TypeError)) return "";
  const [, name] = UNDEFINED.exec(message) ?? [];
  if (name === undefined || !missed.has(name)) return "";
  return `; the store "${name}" is not granted ([kv.${name}] in edge.toml, in a test \`testEnv\`): \`env\` has ${has}`;
}
