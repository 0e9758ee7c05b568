// Has the functions of a bundle compiled before the engine's memory is taken. An engine compiles a function when it is
// called for the first time, and each request would do so anew, for all that it calls and nothing called before.

const ID = "[\\p{ID_Continue}$]+";

/** A line that begins a function, a class or an object of functions of the outermost scope, with its name. */
const OUTERMOST = new RegExp(
  `^(?:(?:async )?function\\*? (?<own>${ID})\\(|class (?<type>${ID})\\b|` +
    `(?:var|let|const) (?<variable>${ID}) = (?:\\{|class\\b|(?:async )?(?:function\\b|\\(|${ID} =>)))`,
  "u",
);

/** To ask how many arguments a function takes has the engine compile it. No getter is called for it. */
const COMPILE =
  'const asked = (it) => typeof it === "function" && Object.getOwnPropertyDescriptor(it, "length"); ' +
  "const each = (it) => { for (const { value, get, set } of Object.values(Object.getOwnPropertyDescriptors(it))) " +
  "[value, get, set].forEach(asked); };";

/** A line to append to a bundle, which has come to its end there. */
export function compiled(code) {
  const found = code.split("\n").map((line) => OUTERMOST.exec(line)?.groups);
  const names = new Set(found.filter(Boolean).map((it) => it.own ?? it.type ?? it.variable));
  if (names.size === 0) return "";
  // What looks like a line of code may be one of a text, and stand for nothing.
  const all = [...names].map((name) => `() => ${name}`).join(", ");
  return (
    `{ ${COMPILE} for (const named of [${all}]) ` +
    `try { const it = named(); asked(it); each(it); if (typeof it === "function") each(it.prototype); } catch {} }\n`
  );
}
