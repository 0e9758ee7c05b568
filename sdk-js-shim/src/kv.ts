// An application's `lib` may lack `Disposable`.
/// <reference lib="esnext.disposable" preserve="true" />
import { kv as host } from "#host";
import { EdgewitError, KvError, payload } from "./errors.js";
import type { kv } from "./generated/edge.js";
import { instead } from "./internal/habits.js";
import { textOf, utf8 } from "./internal/text.js";

/** A value and what the store knows of it. Source: `edge:sdk/kv#entry`. */
export class Entry {
  /** The value. */
  readonly value: Uint8Array;
  /** Changes with every write of this key, and is never used twice for it. */
  readonly version: bigint;
  /** What was written beside the value; empty where nothing was. */
  readonly metadata: Uint8Array;
  /** Milliseconds until it expires; `undefined` if it stays until it is replaced or deleted. */
  readonly expiresInMs: bigint | undefined;

  /** Entries are made by a {@link Store}. */
  constructor(entry: kv.Entry) {
    this.value = entry.value;
    this.version = entry.version;
    this.metadata = entry.metadata;
    this.expiresInMs = entry.expiresInMs;
  }

  /** The value as text; what is not UTF-8 is replaced by U+FFFD. */
  text(): string {
    return textOf(this.value);
  }

  /** As {@link Entry.text}, for what makes a text of it. */
  toString(): string {
    return this.text();
  }

  /**
   * The value as JSON; a byte order mark is taken off.
   * Throws: `EdgewitError` with the code `json` if it is not UTF-8 or not JSON.
   */
  json(): unknown {
    try {
      return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(this.value));
    } catch (cause) {
      throw new EdgewitError("json", "the value is not JSON", { cause });
    }
  }
}

/** How a value is written. Source: `edge:sdk/kv#set-options`. */
export interface SetOptions {
  /**
   * What must be there for the value to be written: nothing, or that version. Without it anything
   * or nothing.
   */
  condition?: "if-absent" | { ifVersion: bigint } | undefined;
  /** How long the value stays, in milliseconds; without it until it is replaced or deleted. */
  ttlMs?: bigint | undefined;
  /** Bytes beside the value, 2048 at most. */
  metadata?: Uint8Array | undefined;
}

/** Some of the keys of a store. Source: `edge:sdk/kv#page`. */
export interface Page {
  /** In the order of their UTF-8 bytes. */
  keys: string[];
  /** What to hand to the next call; absent on the last page. */
  cursor?: string | undefined;
}

/**
 * A named store of small values, shared by every request of the application: what `env` and
 * `c.kv(name)` hold.
 *
 * It is opened by its first operation. A write is seen by every later read, of this and of other
 * requests. A key is 1 to 1024 bytes of UTF-8 without control characters.
 *
 * Every operation rejects with a {@link KvError}, by its code: `denied` if the application has not
 * been granted the store, `no-such-store` if the host has none by that name, `unavailable` if
 * trying again in a later request may help, `other` if not; those that take a key with
 * `invalid-key`. Source: `edge:sdk/kv#store`.
 */
export class Store implements Disposable {
  /** Its name in `edge.toml`. */
  readonly name: string;
  #handle: kv.Store | undefined;

  /** The store `name`, which the first operation opens. */
  constructor(name: string) {
    this.name = name;
  }

  /** The entry at `key`; `undefined` if there is none. Source: `edge:sdk/kv#store.get`. */
  async get(key: string): Promise<Entry | undefined> {
    const asked: unknown = arguments[1];
    // A number is that of an element, where an array calls.
    if (typeof asked === "string" || typeof asked === "object") {
      throw new TypeError("`get` takes a key alone: its entry has `text()`, `json()` and `value`");
    }
    return entry(this.#call("get", (store) => store.get(wellFormedKey(key))));
  }

  /**
   * The entries at `keys`, in the order asked, all as of one moment; 1000 keys at most.
   * Rejects: `invalid-argument` for more keys, `value-too-large` if the values together exceed the
   * limit of one.
   * Source: `edge:sdk/kv#store.get-many`.
   */
  async getMany(keys: readonly string[]): Promise<(Entry | undefined)[]> {
    return this.#call("getMany", (store) => store.getMany(keys.map(wellFormedKey))).map(entry);
  }

  /**
   * Writes `value` at `key`, text as UTF-8, and returns its version.
   * Rejects: `conflict` if the condition is not met, `denied` if the store may only be read,
   * `value-too-large` past 25 MiB or the host's limit, `invalid-argument` for a lifetime of 0, too
   * much metadata or text with a lone surrogate.
   * Source: `edge:sdk/kv#store.set`.
   */
  async set(
    key: string,
    value: string | Uint8Array | ArrayBuffer,
    options: SetOptions = {},
  ): Promise<bigint> {
    return this.#call("set", (store) =>
      store.set(wellFormedKey(key), valueBytes(value), lowered(options)),
    );
  }

  /**
   * Deletes what is at `key`, and returns whether there was something.
   * Rejects: `denied` if the store may only be read. Source: `edge:sdk/kv#store.delete`.
   */
  async delete(key: string): Promise<boolean> {
    return this.#call("delete", (store) => store.delete(wellFormedKey(key)));
  }

  /** Whether something is at `key`. Source: `edge:sdk/kv#store.exists`. */
  async exists(key: string): Promise<boolean> {
    return this.#call("exists", (store) => store.exists(wellFormedKey(key)));
  }

  /**
   * Adds `delta` to the integer at `key` in one atomic step and returns the new value. The value is
   * decimal ASCII, at most 20 bytes; a missing key counts from 0, and stays for `ttlMs`
   * milliseconds then. Both numbers have 64 bits.
   * Rejects: `not-a-number` if the bytes do not parse, `overflow` past the range of signed 64 bits,
   * and nothing is written then; `denied` if the store may only be read; `invalid-argument` for a
   * lifetime of 0 or more than 64 bits.
   * Source: `edge:sdk/kv#store.increment`.
   */
  async increment(
    key: string,
    delta: bigint,
    options: { ttlMs?: bigint | undefined } = {},
  ): Promise<bigint> {
    const { ttlMs, ...others } = options;
    checkOptions("increment", others);
    return this.#call("increment", (store) =>
      store.increment(
        wellFormedKey(key),
        s64("delta", delta),
        ttlMs === undefined ? ttlMs : u64("ttlMs", ttlMs),
      ),
    );
  }

  /**
   * The keys that begin with `prefix`, at most `limit` of them, 1000 at most, after `cursor`, which
   * is that of the page before. A cursor stays good when keys come and go. While a page has a
   * cursor there may be more, however few keys it has itself.
   * Rejects: `invalid-argument` for a limit of 0 or a cursor that is not the store's. Source:
   * `edge:sdk/kv#store.keys`.
   */
  async keys(
    prefix = "",
    options: { cursor?: string | undefined; limit?: number | undefined } = {},
  ): Promise<Page> {
    const { cursor, limit = 1000, ...others } = options;
    checkOptions("keys", others);
    return this.#call("keys", (store) =>
      store.keys(
        wellFormed("prefix", prefix),
        cursor === undefined ? cursor : wellFormed("cursor", cursor),
        u32("limit", limit),
      ),
    );
  }

  /**
   * Closes the store; a later operation opens it again. What is left open is closed when the
   * request ends.
   */
  [Symbol.dispose](): void {
    this.#handle?.[Symbol.dispose]();
    this.#handle = undefined;
  }

  /** Runs the operation `name`, on the store, which it opens if it is not open. */
  #call<Result>(name: string, operation: (store: kv.Store) => Result): Result {
    try {
      return operation((this.#handle ??= opened(this.name)));
    } catch (thrown) {
      const error = payload<kv.KvError>(thrown);
      throw new KvError(error, this.#advice(name, error));
    }
  }

  /** What a person has to know beside an error. A key may be secret, and a message may reach a client. */
  #advice(operation: string, { tag }: kv.KvError): string {
    const store = `the store ${JSON.stringify(this.name)}`;
    if (tag !== "denied") return ` (${operation} in ${store})`;
    return this.#handle === undefined
      ? `: ${store} is not granted ([kv.${this.name}] in edge.toml, in a test \`testEnv\`)`
      : `: ${store} is only read`;
  }

  /** @internal */
  static open(name: string): Store {
    const store = new Store(name);
    store.#call("open", () => undefined);
    return store;
  }
}

/**
 * A store that is only read, because `edge.toml` gives its values: with it `env` and `c.kv(name)` say so, where writing
 * would be `denied`. Any {@link Store} is one.
 */
export interface ReadOnlyStore extends Omit<Store, "set" | "delete" | "increment"> {}

/**
 * Opens the store `name`.
 * Rejects: {@link KvError} with the code `denied` if the application has not been granted it,
 * `no-such-store` if the host has none by that name. Source: `edge:sdk/kv#open`.
 */
export async function open(name: string): Promise<Store> {
  return Store.open(name);
}

function opened(name: string): kv.Store {
  return name.isWellFormed() ? host.open(name) : refuse({ tag: "denied" });
}

function entry(found: kv.Entry | undefined): Entry | undefined {
  return found && new Entry(found);
}

function lowered({ condition, ttlMs, metadata, ...others }: SetOptions): kv.SetOptions {
  checkOptions("set", others);
  const options: kv.SetOptions = {
    condition: { tag: "always" },
    metadata: bytes("metadata", metadata ?? new Uint8Array()),
  };
  if (typeof condition === "string" && condition !== "if-absent") {
    throw new TypeError('a condition is "if-absent" or { ifVersion }');
  }
  if (condition !== undefined) {
    options.condition =
      condition === "if-absent"
        ? { tag: condition }
        : { tag: "if-version", val: u64("ifVersion", condition.ifVersion) };
  }
  if (ttlMs !== undefined) {
    options.ttlMs = u64("ttlMs", ttlMs);
  }
  return options;
}

instead(Store, {
  put: "`set(key, value)`",
  list: "`keys(prefix)`, a page of names",
  getWithMetadata: "`get(key)`, whose entry has its `metadata`",
});

// What is checked below is for whoever writes JavaScript, whom no compiler tells.

const OPTIONS = {
  set: "`ttlMs`, `condition` and `metadata`",
  increment: "`ttlMs`",
  keys: "`cursor` and `limit`",
};

/** Who writes a lifetime by another name is not to find out once it is over. */
function checkOptions(of: keyof typeof OPTIONS, others: object): void {
  for (const name of Object.keys(others)) {
    throw new TypeError(`\`${of}\` has no option \`${name}\`, but ${OPTIONS[of]}`);
  }
}

function valueBytes(value: string | Uint8Array | ArrayBuffer): Uint8Array {
  if (typeof value === "string") {
    return utf8(wellFormed("value", value));
  }
  return bytes("a value", value instanceof ArrayBuffer ? new Uint8Array(value) : value);
}

function bytes(what: string, value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  const advice =
    what === "a value" ? "text or bytes; JSON.stringify makes text of an object" : "bytes";
  throw new TypeError(`${what} is ${advice}, not ${typeof value}`);
}

function wellFormedKey(key: string): string {
  if (typeof key !== "string") throw new TypeError(`a key is text, not ${typeof key}`);
  if (!key.isWellFormed()) {
    refuse({ tag: "invalid-key", val: "a lone surrogate is no UTF-8" });
  }
  return key;
}

function wellFormed(what: string, text: string): string {
  if (typeof text !== "string") throw new TypeError(`${what}: text, not ${typeof text}`);
  return text.isWellFormed() ? text : invalid(`${what}: a lone surrogate is no UTF-8`);
}

/** The engine would wrap what does not fit around. */
function u64(what: string, value: bigint): bigint {
  bigint(what, value);
  return BigInt.asUintN(64, value) === value
    ? value
    : invalid(`${what}: ${value} is not 0 to 2^64 - 1`);
}

function s64(what: string, value: bigint): bigint {
  bigint(what, value);
  return BigInt.asIntN(64, value) === value
    ? value
    : invalid(`${what}: ${value} is not -2^63 to 2^63 - 1`);
}

function bigint(what: string, value: unknown): void {
  if (typeof value !== "bigint") {
    throw new TypeError(`${what} is a bigint, such as 1n, not ${typeof value}`);
  }
}

function u32(what: string, value: number): number {
  return Number.isInteger(value) && value >= 0 && value < 2 ** 32
    ? value
    : invalid(`${what}: ${value} is not 0 to 2^32 - 1`);
}

function invalid(val: string): never {
  return refuse({ tag: "invalid-argument", val });
}

/** Throws as the host does: where it was is said in one place. */
function refuse(payload: kv.KvError): never {
  throw { payload };
}
