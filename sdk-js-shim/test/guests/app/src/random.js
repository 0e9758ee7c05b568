// Random values, which the top level asks for as well.

const early = [Math.random(), crypto.randomUUID(), ...crypto.getRandomValues(new Uint32Array(2))];
// Whoever keeps the functions is not fooled either.
const { random: keptRandom } = Math;
const keptUuid = crypto.randomUUID.bind(crypto);

/** What is not taken, by the names of the errors. */
const refused = () =>
  [new Uint8Array(65_537), new Float64Array(1), new DataView(new ArrayBuffer(1)), null].map(
    (it) => {
      try {
        return `${crypto.getRandomValues(it)}`.length;
      } catch (error) {
        return error.name;
      }
    },
  );
const refusedEarly = refused();

export const random = {
  "refused-random": () => Response.json([refusedEarly, refused()]),

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
