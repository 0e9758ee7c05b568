/**
 * JSON of a value: a `bigint` as an integer with all its digits, NaN and infinities as `null`.
 * Throws: `TypeError` if the value can't be JSON: `undefined`, a function, an object that holds
 * itself.
 */
export function stringify(value: unknown): string {
  const text = plain(value) ?? withIntegers(value);
  if (text === undefined) {
    throw new TypeError(`${typeof value} is not JSON`);
  }
  return text;
}

/** What the language writes; `undefined` where it can't, a `bigint` included. */
function plain(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

function withIntegers(value: unknown): string | undefined {
  const write = (mark: string) =>
    JSON.stringify(value, (_, member: unknown) =>
      typeof member === "bigint" ? mark + String(member) : member,
    );
  // `JSON.rawJSON` is young. Until engines have it, integers are strings with a mark that no other
  // text has.
  let mark = "integer:";
  for (const text = write("") ?? ""; text.includes(mark);) {
    mark += ":";
  }
  return write(mark)?.replaceAll(new RegExp(`"${mark}(-?\\d+)"`, "g"), "$1");
}
