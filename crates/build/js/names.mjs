// The names of classes and functions. esbuild makes variables of an application's classes, `var Foo = class _Foo {`,
// and numbers names of several files that are the same. Its own `keepNames` gives each function its name back, by a
// call whenever one is made, which takes longer than making and calling it.

const ID = "[\\p{ID_Continue}$]+";

/** A line that begins the body of a class, with the variable that it is for and its own name. */
const CLASS = new RegExp(
  `(?<var>^\\s*(?:var |let |const )?(?<outer>${ID}) = )?\\bclass(?: (?!extends )(?<inner>${ID}))?` +
    `(?: extends [\\p{ID_Continue}$.]+(?:\\([^(){}]*\\))?)? \\{$`,
  "du",
);

/** Has the classes of a bundle the names that they have in their files. No line and no column becomes another. */
export function namedClasses(code, places) {
  const lines = code.split("\n").map((line, index) => {
    if (!line.endsWith("{") || !line.includes("class")) return line;
    const found = CLASS.exec(line);
    const [given, due] = found ? namesOf(found, (at) => places.named(index + 1, at + 1)) : [];
    return given === due ? line : `${line} ${naming(given, due)}`;
  });
  return lines.join("\n");
}

/** The name that a class has in the bundle, and that of its file. What no file names is left alone. */
function namesOf({ groups, indices }, named) {
  const { outer, inner } = groups;
  const [outside, inside] = [outer && indices.groups.outer, inner && indices.groups.inner].map(
    (range) => range && named(range[0]),
  );
  // The inner name that esbuild makes up is from where the outer one is.
  const isMadeUp = outside && inside && outside.at === inside.at;
  if (inside && !isMadeUp) return [inner, inside.name ?? inner];
  return outside ? [inner ?? outer, outside.name ?? outer] : [];
}

/** A class may have a static member `name`. */
function naming(given, due) {
  const [from, to] = [given, due].map((name) => JSON.stringify(name));
  const found = `Object.getOwnPropertyDescriptor(this, "name")?.value === ${from}`;
  return `static { if (${found}) Object.defineProperty(this, "name", { value: ${to} }); }`;
}

/** A function whose name ends with a digit, which may be a number of esbuild's. */
const NUMBERED = new RegExp(
  `\\b(?:function\\*? |(?:var|let|const) )(${ID}\\d)(?=\\(| = (?:async )?(?:function\\b|\\(|${ID} =>))`,
  "dgu",
);

/** Lines to append to a bundle: functions of its outermost scope have the names of their files once the top level has
 * come to its end, and the SDK is told which names are whose, for stacks. */
export function namedFunctions(code, places) {
  const names = new Map();
  const outermost = new Set();
  for (const [index, line] of code.split("\n").entries()) {
    for (const { 1: given, index: at, indices } of line.matchAll(NUMBERED)) {
      const due = places.named(index + 1, indices[1][0] + 1)?.name;
      if (due === undefined) continue;
      // Within functions a name may stand for several.
      names.set(given, names.has(given) && names.get(given) !== due ? given : due);
      if (/^(async )?$/.test(line.slice(0, at))) outermost.add(given);
    }
  }
  const all = [...names].filter(([given, due]) => given !== due);
  if (all.length === 0) return "";
  const made = all.filter(([given]) => outermost.has(given));
  const list = made.map(([given, due]) => `[${given}, "${given}", "${due}"]`);
  return (
    `for (const [it, given, due] of [${list.join(", ")}]) ` +
    `if (typeof it === "function" && it.name === given) Object.defineProperty(it, "name", { value: due });\n` +
    `globalThis[Symbol.for("edgewit.names")] = "${all.map((pair) => pair.join()).join(" ")}";\n`
  );
}
