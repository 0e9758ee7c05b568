// The engine without the SDK: which of the things that the SDK adds it has by itself.

import { lacks } from "../../../../src/engine/starlingmonkey/lacks.ts";
import { watchRejections } from "../../../../src/engine/starlingmonkey/rejections.ts";

// What is asked of rejected promises takes it.
watchRejections();

async function answers() {
  const there = {};
  for (const [name, lack] of Object.entries(lacks)) there[name] = await lack.isThere();
  return there;
}

/** Keys that the engine ends at, by the path that asks for one; it has refused them where there is a reply. */
const keys = {
  curve() {
    const jwk = { kty: "EC", crv: "secp256k1", x: "AAAA", y: "AAAA" };
    return imported("jwk", jwk, { name: "ECDSA", namedCurve: "secp256k1" });
  },
  rsa: () => imported("raw", new Uint8Array(65), { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }),
  hmac: () => imported("spki", new Uint8Array(65), { name: "HMAC", hash: "SHA-256" }),
};

function imported(format, data, algorithm) {
  return crypto.subtle.importKey(format, data, algorithm, true, ["verify"]).catch(() => {});
}

export default {
  BodySource: class {},
  async handle({ uri }) {
    const key = keys[new URL(uri).pathname.slice(1)];
    const answer = key === undefined ? await answers() : await key();
    const val = new TextEncoder().encode(JSON.stringify(answer ?? null));
    return { status: 200, headers: [], body: { tag: "bytes", val }, hints: [] };
  },
  async afterReply() {},
};
