/** Has `name` of `object` be `value`, as built-in things are: not enumerable. */
export function define(object: object, name: PropertyKey, value: unknown): void {
  Object.defineProperty(object, name, { value, writable: true, configurable: true });
}

/** Has reading `name` of `prototype`'s objects call `read`, with what the engine's own getter gives. */
export function defineGetter<T extends object>(
  prototype: T,
  name: string,
  read: (object: T, engine: () => unknown) => unknown,
): void {
  const own = Object.getOwnPropertyDescriptor(prototype, name);
  Object.defineProperty(prototype, name, {
    ...own,
    get(this: T) {
      return read(this, () => own?.get?.call(this));
    },
    enumerable: true,
    configurable: true,
  });
}
