/** What a value is, and nothing of what it holds, which may be secret. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  const type = typeof value;
  if (type !== "object") return `a ${type}`;
  const name = classOf(value);
  return name === "" || name === "Object" ? "an object" : `an object of the class ${name}`;
}

/** The name of an object's class, empty if it has none. */
function classOf(value: object): string {
  try {
    const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
    return typeof name === "string" ? name : "";
  } catch {
    // A trap or a getter of its own threw.
    return "";
  }
}
