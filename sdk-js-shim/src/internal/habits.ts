// What is called otherwise here than in routers that much is written for.

/** Has who looks for one of `names` in objects of a class told what to write. They have no types: no editor offers them. */
export function instead(
  of: abstract new (...none: never) => object,
  names: Record<string, string>,
) {
  for (const [name, advice] of Object.entries(names)) {
    const tell = () => {
      throw new TypeError(`there is no \`${name}\` here: ${advice}`);
    };
    Object.defineProperty(of.prototype, name, { get: tell, set: tell, configurable: true });
  }
}
