// Random values, which the top level asks for as well.

const early = [Math.random(), crypto.randomUUID(), ...crypto.getRandomValues(new Uint32Array(2))];
// Whoever keeps the functions is not fooled either.
const { random: keptRandom } = Math;
const keptUuid = crypto.randomUUID.bind(crypto);

export const random = {
  random() {
    const own = [
      Math.random(),
      Math.random(),
      keptRandom(),
      crypto.randomUUID(),
      keptUuid(),
      ...crypto.getRandomValues(new Uint32Array(2)),
    ];
    return Response.json({ early, own });
  },
};
