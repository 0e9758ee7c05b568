// The names of classes. esbuild makes variables of an application's classes, `var Foo = class _Foo {`, and numbers names
// of several files that are the same. Its own `keepNames` gives each function its name back as well, by a call
// whenever one is made, which takes longer than making and calling it.

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
