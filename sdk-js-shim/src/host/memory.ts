// The host of tests under Node: stores and a log in memory, and a clock that a test may turn on.
// Nothing leads out.

import type { Imports, kv as wit, logging as log, system as sys } from "../generated/edge.js";
import { textOf, utf8 } from "../internal/text.js";

/** One line of the log. */
export interface LogLine {
  level: log.Level;
  /** Where it comes from. */
  target: string;
  message: string;
  /** In order. */
  fields: [string, string][];
}

type FixedValues = Readonly<Record<string, string>>;

interface Item {
  value: Uint8Array;
  version: bigint;
  metadata: Uint8Array;
  /** On the clock of {@link now}, in milliseconds. */
  expires: bigint | undefined;
}

interface Named {
  items: Map<string, Item>;
  readOnly: boolean;
}

const VALUE_BYTES_MAX = 25 * 1024 * 1024;
const METADATA_BYTES_MAX = 2048;
const KEY_BYTES_MAX = 1024;
const KEYS_MAX = 1000;
const CURSOR_MARK = "after:";

const stores = new Map<string, Named>();
let lines: LogLine[] = [];
let version = 0n;
let turnedOnMs = 0;

/** Grants stores, and no others: an empty one, or one of fixed values that can't be written. */
export function grant(granted: ReadonlyMap<string, FixedValues | undefined>): void {
  stores.clear();
  for (const [name, values] of granted) {
    const items = Object.entries(values ?? {}).map(([key, value]): [string, Item] => [
      key,
      { value: utf8(value), version: ++version, metadata: new Uint8Array(), expires: undefined },
    ]);
    stores.set(name, { items: new Map(items), readOnly: values !== undefined });
  }
}

/**
 * Takes the log since the last call, oldest first. What an application that is called in process prints by `console` is in
 * it, as in a component: with the target `console` and the method's level. It is printed as well. What a test prints
 * itself is not in it.
 */
export function takeLog(): LogLine[] {
  const taken = lines;
  lines = [];
  return taken;
}

/** Turns the clock on. */
export function advance(ms: number): void {
  turnedOnMs += ms;
}

/** Forgets the stores and the log, and sets the clock right. */
export function reset(): void {
  stores.clear();
  lines = [];
  turnedOnMs = 0;
}

/** Milliseconds since 1970. A test's fake timers turn this clock too. */
function now(): bigint {
  return BigInt(Math.floor(Date.now() + turnedOnMs));
}

class Store implements wit.Store {
  readonly #named: Named;

  constructor(named: Named) {
    this.#named = named;
  }

  get(key: string): wit.Entry | undefined {
    return entry(this.#find(key));
  }

  getMany(keys: string[]): (wit.Entry | undefined)[] {
    if (keys.length > KEYS_MAX) {
      return invalid(`${keys.length} keys, at most ${KEYS_MAX}`);
    }
    const items = keys.map((key) => this.#find(key));
    checkValue(items.reduce((bytes, item) => bytes + (item?.value.length ?? 0), 0));
    return items.map(entry);
  }

  set(key: string, value: Uint8Array, { condition, ttlMs, metadata }: wit.SetOptions): bigint {
    const found = this.#writable(key);
    const expires = expiry(ttlMs);
    if (metadata.length > METADATA_BYTES_MAX) {
      return invalid(`metadata of ${metadata.length} bytes, at most ${METADATA_BYTES_MAX}`);
    }
    checkValue(value.length);
    if (!holds(condition, found)) {
      return fail({ tag: "conflict" });
    }
    this.#named.items.set(key, {
      value: value.slice(),
      version: ++version,
      metadata: metadata.slice(),
      expires,
    });
    return version;
  }

  delete(key: string): boolean {
    return this.#writable(key) !== undefined && this.#named.items.delete(key);
  }

  exists(key: string): boolean {
    return this.#find(key) !== undefined;
  }

  increment(key: string, delta: bigint, ttlMs: bigint | undefined): bigint {
    const found = this.#writable(key);
    const first = { metadata: new Uint8Array(), expires: expiry(ttlMs) };
    const sum = (found === undefined ? 0n : decimal(found.value)) + delta;
    if (BigInt.asIntN(64, sum) !== sum) {
      return fail({ tag: "overflow" });
    }
    const { metadata, expires } = found ?? first;
    this.#named.items.set(key, { value: utf8(String(sum)), version: ++version, metadata, expires });
    return sum;
  }

  keys(prefix: string, cursor: string | undefined, limit: number): wit.Page {
    if (limit === 0) {
      return invalid("a limit of 0");
    }
    if (cursor !== undefined && !cursor.startsWith(CURSOR_MARK)) {
      return invalid("cursor: none that `keys` returned");
    }
    const after = cursor?.slice(CURSOR_MARK.length);
    const behind = (key: string) => after === undefined || compare(key, after) > 0;
    const there = [...this.#named.items.keys()].filter((key) => this.#alive(key) !== undefined);
    const left = there.filter((key) => key.startsWith(prefix) && behind(key)).sort(compare);
    const keys = left.slice(0, Math.min(limit, KEYS_MAX));
    const last = keys.length < left.length ? keys.at(-1) : undefined;
    return { keys, cursor: last === undefined ? last : CURSOR_MARK + last };
  }

  [Symbol.dispose](): void {}

  #find(key: string): Item | undefined {
    checkKey(key);
    return this.#alive(key);
  }

  /** What is at a key, unless its time is over. */
  #alive(key: string): Item | undefined {
    const item = this.#named.items.get(key);
    return item?.expires === undefined || item.expires > now() ? item : undefined;
  }

  #writable(key: string): Item | undefined {
    return this.#named.readOnly ? fail({ tag: "denied" }) : this.#find(key);
  }
}

function holds(condition: wit.Condition, found: Item | undefined): boolean {
  switch (condition.tag) {
    case "always":
      return true;
    case "if-absent":
      return found === undefined;
    case "if-version":
      return found?.version === condition.val;
  }
}

function entry(item: Item | undefined): wit.Entry | undefined {
  if (item === undefined) {
    return undefined;
  }
  const { value, version, metadata, expires } = item;
  const copy = { value: value.slice(), version, metadata: metadata.slice() };
  const left = expires === undefined ? expires : expires - now();
  return { ...copy, expiresInMs: left !== undefined && left < 0n ? 0n : left };
}

function checkKey(key: string): void {
  const { length } = utf8(key);
  if (length === 0 || length > KEY_BYTES_MAX) {
    fail({ tag: "invalid-key", val: `${length} bytes, 1 to ${KEY_BYTES_MAX} are a key` });
  }
  if (/[\0-\x1f\x7f-\x9f]/.test(key)) {
    fail({ tag: "invalid-key", val: "it holds a control character" });
  }
}

function checkValue(bytes: number): void {
  if (bytes > VALUE_BYTES_MAX) {
    fail({ tag: "value-too-large", val: BigInt(VALUE_BYTES_MAX) });
  }
}

function expiry(ttlMs: bigint | undefined): bigint | undefined {
  return ttlMs === 0n ? invalid("a lifetime of 0") : ttlMs && now() + ttlMs;
}

/** What `increment` writes, and nothing else. */
function decimal(value: Uint8Array): bigint {
  const text = textOf(value);
  const number = /^(0|-?[1-9][0-9]{0,18})$/.test(text)
    ? BigInt(text)
    : fail({ tag: "not-a-number" });
  return BigInt.asIntN(64, number) === number ? number : fail({ tag: "not-a-number" });
}

/** By UTF-8, which is not the order of UTF-16's units. */
function compare(a: string, b: string): number {
  const [left, right] = [utf8(a), utf8(b)];
  const at = left.findIndex((byte, index) => byte !== right[index]);
  return at < 0 ? left.length - right.length : (left[at] ?? -1) - (right[at] ?? -1);
}

function invalid(val: string): never {
  return fail({ tag: "invalid-argument", val });
}

/** Throws as a function of the host does. */
function fail(payload: wit.KvError): never {
  throw { payload };
}

export const kv: Imports["kv"] = {
  open(name) {
    const named = stores.get(name);
    return named === undefined ? fail({ tag: "denied" }) : new Store(named);
  },
};

export const logging: Imports["logging"] = {
  minLevel: () => "trace",
  log(level, target, message, fields) {
    lines.push({ level, target, message, fields });
  },
  abort(reason) {
    throw new Error(reason);
  },
};

export const system: sys.Interface = {
  now: () => now() * 1_000_000n,
  monotonic: () => BigInt(Math.floor((performance.now() + turnedOnMs) * 1e6)),
  random: (len) => crypto.getRandomValues(new Uint8Array(len)),
};
