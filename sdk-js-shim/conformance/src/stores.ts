import { type Entry, open, type SetOptions, Store } from "@edgewit/sdk/kv";
import type { Run, Verbs } from "./script.js";
import { type Operands, Report } from "./words.js";

/** The version of an entry, kept. */
class Version {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

/** What a page of keys goes on from, kept. */
class Cursor {
  readonly value: string | undefined;

  constructor(value: string | undefined) {
    this.value = value;
  }
}

export const stores: Verbs = {
  async "kv.open"(run, operands) {
    run.keep(operands.word(0), await open(operands.text(1)));
  },
  async "kv.get"(run, operands) {
    const entry = await store(run, operands).get(operands.text(1));
    return Report.ok().value(entry?.value);
  },
  async "kv.entry"(run, operands) {
    const entry = await store(run, operands).get(operands.text(1));
    if (entry === undefined) return Report.ok().value(undefined);
    run.keep(operands.word(2), new Version(entry.version));
    const { value, metadata, version, expiresInMs } = entry;
    return Report.ok()
      .value(value)
      .value(metadata)
      .word(version)
      .word(expiresInMs ?? "~");
  },
  async "kv.get-many"(run, operands) {
    const entries = await store(run, operands).getMany(operands.texts(1));
    return Report.ok().list(entries.map((entry?: Entry) => entry?.value));
  },
  "kv.set": (run, operands) => write(run, operands, {}),
  "kv.set-if": (run, operands) => write(run, operands, { condition: condition(run, operands) }),
  "kv.set-with": (run, operands) =>
    write(run, operands, { ttlMs: operands.lifetime(3), metadata: operands.bytes(4) }),
  "kv.set-all": (run, operands) =>
    write(run, operands, {
      condition: condition(run, operands),
      ttlMs: operands.lifetime(4),
      metadata: operands.bytes(5),
    }),
  async "kv.delete"(run, operands) {
    return Report.ok().word(await store(run, operands).delete(operands.text(1)));
  },
  async "kv.exists"(run, operands) {
    return Report.ok().word(await store(run, operands).exists(operands.text(1)));
  },
  async "kv.increment"(run, operands) {
    const options = { ttlMs: operands.lifetime(3) };
    const sum = store(run, operands).increment(operands.text(1), operands.bigint(2), options);
    return Report.ok().word(await sum);
  },
  async "kv.keys"(run, operands) {
    const options = { cursor: cursor(run, operands), limit: operands.number(3) };
    const page = await store(run, operands).keys(operands.text(1), options);
    run.keep(operands.word(4), new Cursor(page.cursor));
    return Report.ok()
      .list(page.keys)
      .word(page.cursor === undefined ? "last" : "more");
  },
  "kv.count": count,
};

function store(run: Run, operands: Operands): Store {
  return run.get(operands.word(0), Store);
}

function condition(run: Run, operands: Operands): SetOptions["condition"] {
  const word = operands.word(3);
  if (word === "if-absent") return word;
  const kept = word.startsWith("@");
  return { ifVersion: kept ? run.get(word.slice(1), Version).value : operands.bigint(3) };
}

function cursor(run: Run, operands: Operands): string | undefined {
  const word = operands.word(2);
  if (word === "~") return undefined;
  return word.startsWith("@") ? run.get(word.slice(1), Cursor).value : operands.text(2);
}

async function write(run: Run, operands: Operands, options: SetOptions): Promise<Report> {
  const version = store(run, operands).set(operands.text(1), operands.bytes(2), options);
  return Report.ok().word(await version);
}

async function count(run: Run, operands: Operands): Promise<Report> {
  const from = store(run, operands);
  const limit = operands.number(2);
  const keys: string[] = [];
  let pages = 0;
  let cursor: string | undefined;
  do {
    const page = await from.keys(operands.text(1), { cursor, limit });
    keys.push(...page.keys);
    cursor = page.cursor;
    pages++;
  } while (cursor !== undefined);
  const ordered = keys.every((key, index) => index === 0 || isBefore(keys[index - 1]!, key));
  return Report.ok()
    .word(keys.length)
    .word(ordered ? "ordered" : "unordered")
    .word(pages);
}

/** By the bytes of UTF-8, which is the order of code points and not of JavaScript's units. */
function isBefore(one: string, other: string): boolean {
  const [first, second] = [[...one], [...other]];
  const at = first.findIndex((letter, index) => letter !== second[index]);
  if (at < 0) return first.length < second.length;
  return second[at] !== undefined && first[at]!.codePointAt(0)! < second[at].codePointAt(0)!;
}
