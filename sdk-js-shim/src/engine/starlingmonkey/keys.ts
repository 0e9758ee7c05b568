// Keys of HMAC as JWK. The engine's sign, with bytes that are whatever lies in its memory.

import type { Lack } from "../lacks.js";

type ImportKey = (
  ...args: [format: string, data: unknown, ...more: unknown[]]
) => Promise<CryptoKey>;

const HMAC = { name: "HMAC", hash: "SHA-256" };

const engine = SubtleCrypto.prototype.importKey as ImportKey;

export const lacks: Record<string, Lack> = {
  "keys of HMAC as JWK": {
    async isThere() {
      const jwk = await signedWith("jwk", { kty: "oct", k: "_-8" });
      const raw = await signedWith("raw", Uint8Array.of(0xff, 0xef));
      return jwk.join() === raw.join();
    },
  },
};

/** `importKey`, which is to be in the engine's place. */
export async function importKey(
  this: SubtleCrypto,
  ...args: Parameters<ImportKey>
): Promise<CryptoKey> {
  // What a JWK has to be, the engine knows.
  const key = await engine.apply(this, args);
  const [format, data, ...more] = args;
  if (format !== "jwk" || key.algorithm.name !== "HMAC") return key;
  return engine.call(this, "raw", decoded((data as JsonWebKey).k!), ...more);
}

async function signedWith(format: string, data: unknown): Promise<Uint8Array> {
  const importKey = crypto.subtle.importKey as ImportKey;
  const key = await importKey.call(crypto.subtle, format, data, HMAC, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, new Uint8Array(1)));
}

function decoded(text: string): Uint8Array {
  try {
    const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(bytes, (byte) => byte.charCodeAt(0));
  } catch {
    throw new DOMException("the member k of a JWK is no base64url", "DataError");
  }
}
