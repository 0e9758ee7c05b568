// `typeof require` in ECMAScript modules, which have none. esbuild has a function of its own stand for it, as a module
// of CommonJS needs, and what asks there takes the way that is for Node.

const ASKED = /\btypeof __require\b/g;
/** As long, so that no column becomes another. */
const UNDEFINED = "typeof undefined";

/** Has it be `undefined` in those files of a bundle that are `modules`. */
export function withoutRequire(code, places, modules) {
  const lines = code.split("\n").map((line, index) =>
    line.replace(ASKED, (asked, at) => {
      const place = places.at(index + 1, at + 1);
      return place && modules.has(place.file) ? UNDEFINED : asked;
    }),
  );
  return lines.join("\n");
}
