// Text and its bytes.

const encoder = new TextEncoder();
// A byte order mark is a part of the text unless a rule says otherwise.
const lossy = new TextDecoder("utf-8", { ignoreBOM: true });

/** UTF-8; a lone surrogate becomes U+FFFD. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** Text of UTF-8; what is none becomes U+FFFD, and a byte order mark stays. */
export function textOf(bytes: Uint8Array): string {
  return lossy.decode(bytes);
}

/** One unit a byte, which is how `Headers` holds values. */
export function binary(bytes: Uint8Array): string {
  // The arguments of one call go on the stack, which is small. Spreading them would iterate, which
  // takes an engine that only interprets a hundred times as long.
  let text = "";
  for (let at = 0; at < bytes.length; at += 4096) {
    text += String.fromCharCode.apply(null, bytes.subarray(at, at + 4096) as unknown as number[]);
  }
  return text;
}

/** One byte a unit, the reverse of {@link binary}. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  // Encoding is the engine's own code, and as long as the text where that is ASCII, as nearly all
  // is.
  const bytes = encoder.encode(text);
  return bytes.length === text.length ? bytes : Uint8Array.from(text, (unit) => unit.charCodeAt(0));
}
