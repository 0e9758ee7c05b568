// Words: the operands of a step, and the values of its report.

/** The script is not as the contract says; a person has to read it. */
export class Mistake extends Error {}

/** This can't be written in JavaScript: text that is not UTF-8. */
export class Prevented extends Error {}

/** The operands of one step, by their place. */
export class Operands {
  readonly #words: readonly string[];

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  /** As it stands, for names and what the contract lists. */
  word(place: number): string {
    const word = this.#words[place];
    if (word === undefined) throw new Mistake(`no operand ${place}`);
    return word;
  }

  bytes(place: number): Uint8Array<ArrayBuffer> {
    const word = this.word(place);
    if (word === "-") return new Uint8Array();
    if (word === "~") throw new Mistake("`~` where a value has to be");
    return word.startsWith("*") ? pattern(Number(number(word.slice(1)))) : decode(word);
  }

  /** Bytes that are not UTF-8 are no text that JavaScript has a way from and to. */
  text(place: number): string {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.bytes(place));
    } catch (error) {
      throw error instanceof Mistake ? error : new Prevented();
    }
  }

  /** One unit a byte, as `Headers` and methods have it. */
  units(place: number): string {
    return binary(this.bytes(place));
  }

  /** All from a place on, as they stand. */
  words(from: number): readonly string[] {
    return this.#words.slice(from);
  }

  /** All from a place on. */
  texts(from: number): string[] {
    return this.words(from).map((_, index) => this.text(from + index));
  }

  bigint(place: number): bigint {
    return number(this.word(place));
  }

  number(place: number): number {
    return Number(this.bigint(place));
  }

  /** Milliseconds; `undefined` for `~`. */
  time(place: number): number | undefined {
    return this.word(place) === "~" ? undefined : this.number(place);
  }

  /** Milliseconds of 64 bits; `undefined` for `~`. */
  lifetime(place: number): bigint | undefined {
    return this.word(place) === "~" ? undefined : this.bigint(place);
  }

  /** Names and values in turn, from a place on. */
  pairs(from: number): [string, string][] {
    return this.#pairs(from).map((place) => [this.text(place), this.text(place + 1)]);
  }

  /** Fields, from a place on. */
  fields(from: number): Headers {
    const fields = new Headers();
    for (const place of this.#pairs(from)) {
      fields.append(this.units(place), this.units(place + 1));
    }
    return fields;
  }

  #pairs(from: number): number[] {
    const places: number[] = [];
    for (let place = from; place < this.#words.length; place += 2) places.push(place);
    return places;
  }
}

function number(word: string): bigint {
  if (!/^-?\d+$/.test(word)) throw new Mistake(`\`${word}\` is not a number`);
  return BigInt(word);
}

function pattern(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < Math.min(length, 251); at++) bytes[at] = at;
  // Twice as much each time: the engine copies faster than it counts.
  for (let done = 251; done < length; done *= 2) {
    bytes.copyWithin(done, 0, Math.min(done, length - done));
  }
  return bytes;
}

function decode(word: string): Uint8Array<ArrayBuffer> {
  const units = word.replace(/%([0-9a-fA-F]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return unitBytes(units);
}

function binary(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/** The bytes of text that has one unit a byte. */
export function unitBytes(units: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(units, (unit) => unit.charCodeAt(0));
}

/** What a report leaves as it is. */
const PLAIN = /[A-Za-z0-9\-._/:+=]/;

/** What is longer is reported by its length and hash. */
const VALUE_BYTES_MAX = 64;

/** What a step reports. */
export class Report {
  #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  static ok(): Report {
    return new Report("ok");
  }

  static err(code: string): Report {
    return new Report(`err ${code}`);
  }

  static thrown(name: string): Report {
    return new Report(`throw ${name}`);
  }

  static unsupported(): Report {
    return new Report("unsupported");
  }

  static prevented(): Report {
    return new Report("prevented");
  }

  toString(): string {
    return this.#text;
  }

  /** A number, or a word that the contract has. */
  word(word: unknown): this {
    this.#text += ` ${String(word)}`;
    return this;
  }

  /** Bytes, or text as UTF-8; `undefined` is none. */
  value(value: string | Uint8Array | undefined): this {
    if (value === undefined) return this.word("~");
    return this.word(written(typeof value === "string" ? new TextEncoder().encode(value) : value));
  }

  /** A list: its length, and its elements. */
  list(values: readonly (string | Uint8Array | undefined)[]): this {
    this.word(values.length);
    for (const value of values) this.value(value);
    return this;
  }

  /** All fields but the script. The platform has them sorted by name, those of one name joined. */
  fields(fields: Headers): this {
    const shown = [...fields].filter(([name]) => name !== "conformance");
    this.word(shown.length);
    for (const [name, value] of shown) this.value(name).value(unitBytes(value));
    return this;
  }

  /** The values of the fields of one name. */
  field(fields: Headers, name: string): this {
    if (name.toLowerCase() === "set-cookie") return this.list(fields.getSetCookie().map(unitBytes));
    const value = fields.get(name);
    return this.list(value === null ? [] : [unitBytes(value)]);
  }
}

function written(bytes: Uint8Array): string {
  if (bytes.length === 0) return "-";
  if (bytes.length === 1 && bytes[0] === 0x2d) return "%2D";
  if (bytes.length > VALUE_BYTES_MAX) return `*${bytes.length}:${hash(bytes)}`;
  return Array.from(bytes, (byte) => {
    const letter = String.fromCharCode(byte);
    return PLAIN.test(letter) ? letter : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}

/** FNV-1a of 64 bits, in two halves: a `bigint`, or an iterator's step, for each byte would take seconds. */
function hash(bytes: Uint8Array): string {
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (let at = 0; at < bytes.length; at++) {
    const mixed = (low ^ bytes[at]!) >>> 0;
    // The prime is 2^40 + 0x1b3.
    const product = mixed * 0x1b3;
    low = product >>> 0;
    high = (high * 0x1b3 + mixed * 0x100 + (product - low) / 0x1_0000_0000) >>> 0;
  }
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
}
