// Random values, which the top level asks for as well.

import keys from "./keys.json";

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

/** One by a curve is another each time. */
async function signature() {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("jwk", keys.ec, algorithm, false, ["sign"]);
  return [...new Uint8Array(await crypto.subtle.sign(algorithm, key, new Uint8Array(1)))].join();
}

export const random = {
  "refused-random": () => Response.json([refusedEarly, refused()]),

  async random() {
    const own = [
      Math.random(),
      Math.random(),
      keptRandom(),
      crypto.randomUUID(),
      keptUuid(),
      ...crypto.getRandomValues(new Uint32Array(2)),
      await signature(),
    ];
    return Response.json({ early, own });
  },
};
