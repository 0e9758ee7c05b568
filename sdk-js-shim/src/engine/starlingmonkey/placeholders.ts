// What the formatter of `console` looks up where it begins, and the engine has not. Gone again before anybody else sees
// it.

const holder = class {
  get byteLength(): number {
    return 0;
  }
};

const absent: [object: object, name: string, placeholder: unknown][] = [
  [globalThis, "Atomics", holder],
  [globalThis, "SharedArrayBuffer", holder],
  // It measures how wide a text is, for which accents may as well be letters.
  [String.prototype, "normalize", String.prototype.valueOf],
];
const placed = absent.filter(([object, name]) => !(name in object));

for (const [object, name, value] of placed) {
  Object.defineProperty(object, name, { value, configurable: true });
}

/** Takes them away. */
export function removePlaceholders(): void {
  for (const [object, name] of placed) Reflect.deleteProperty(object, name);
}
