// What the formatter looks up where it begins, and the engine has not. Gone again before anybody else sees it.

const absent = ["Atomics", "SharedArrayBuffer"].filter((name) => !(name in globalThis));

for (const name of absent) {
  const placeholder = class {
    get byteLength(): number {
      return 0;
    }
  };
  Object.defineProperty(globalThis, name, { value: placeholder, configurable: true });
}

/** Takes them away. */
export function removePlaceholders(): void {
  for (const name of absent) Reflect.deleteProperty(globalThis, name);
}
