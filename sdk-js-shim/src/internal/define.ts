/** Has `name` of `object` be `value`, as built-in things are: not enumerable. */
export function define(object: object, name: PropertyKey, value: unknown): void {
  Object.defineProperty(object, name, { value, writable: true, configurable: true });
}

/** Has reading `name` of `prototype`'s objects call `read`, with the engine's own getter for any of them. */
export function defineGetter<T extends object>(
  prototype: T,
  name: string,
  read: (object: T, engine: (object: T) => unknown) => unknown,
): void {
  const own = Object.getOwnPropertyDescriptor(prototype, name);
  const engine = (object: T): unknown => own?.get?.call(object);
  Object.defineProperty(prototype, name, {
    ...own,
    get(this: T) {
      return read(this, engine);
    },
    enumerable: true,
    configurable: true,
  });
}

/** Has `run` be called before a method of `prototype`'s objects, with what it is called on and its arguments. */
export function before<T extends object, Args extends unknown[]>(
  prototype: T,
  name: string,
  run: (object: T, ...args: Args) => void,
): void {
  const engine = (prototype as Record<string, (...args: Args) => unknown>)[name]!;
  define(prototype, name, function (this: T, ...args: Args) {
    run(this, ...args);
    return engine.apply(this, args);
  });
}

/** Has `construct` make the objects of a class, which stays the engine's. */
export function wrap<Args extends unknown[]>(
  name: "Headers" | "Request" | "Response" | "WritableStream",
  construct: (args: Args, newTarget: Function) => object,
): void {
  const engine = globalThis[name];
  const wrapped = new Proxy<Function>(engine, {
    construct: (_, args, newTarget) => construct(args as Args, newTarget),
  });
  engine.prototype.constructor = wrapped as never;
  define(globalThis, name, wrapped);
}
