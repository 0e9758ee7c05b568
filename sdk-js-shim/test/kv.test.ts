import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { EdgewitError, KvError } from "@edgewit/sdk";
import { open, Store } from "@edgewit/sdk/kv";
import { advance, reset, testEnv } from "@edgewit/sdk/testing";

let s: Store;

beforeEach(() => {
  reset();
  testEnv("visits", "other", { settings: { greeting: "hello" } });
  s = new Store("visits");
});

const rejects = (work: Promise<unknown>, code: string) =>
  assert.rejects(work, (error: unknown) => error instanceof KvError && error.code === code);
const text = async (key: string) => (await s.get(key))?.text();

test("a store is granted or denied, at once by `open`, else by the first operation", async () => {
  await open("visits");
  await rejects(open("nope"), "denied");
  const lazy = new Store("nope");
  await rejects(lazy.get("a"), "denied");
  await rejects(lazy.set("a", "b"), "denied");
  testEnv("\ud800");
  await rejects(open("\ud800"), "denied");
});

test("a message names the store and what was done, and no key", async () => {
  const message = (work: Promise<unknown>) =>
    work.then(
      () => assert.fail("no error"),
      (error: unknown) => (error as Error).message,
    );
  const granted = "is not granted ([kv.nope] in edge.toml, in a test `testEnv`)";
  for (const work of [open("nope"), new Store("nope").get("k")]) {
    assert.equal(await message(work), `denied: the store "nope" ${granted}`);
  }
  const settings = new Store("settings");
  assert.equal(await message(settings.set("k", "")), 'denied: the store "settings" is only read');
  await s.set("secret", "text");
  for (const [work, expected] of [
    [s.increment("secret", 1n), 'not-a-number (increment in the store "visits")'],
    [s.set("secret", "", { condition: "if-absent" }), 'conflict (set in the store "visits")'],
    [s.get(""), 'invalid-key: 0 bytes, 1 to 1024 are a key (get in the store "visits")'],
    [s.keys("", { limit: 0 }), 'invalid-argument: a limit of 0 (keys in the store "visits")'],
    [s.get("\ud800"), 'invalid-key: a lone surrogate is no UTF-8 (get in the store "visits")'],
  ] as const) {
    assert.equal(await message(work), expected);
  }
});

test("a missing key has no value, which is not an empty one", async () => {
  assert.equal(await s.get("a"), undefined);
  assert.equal(await s.exists("a"), false);
  await s.set("a", "");
  assert.equal((await s.get("a"))?.value.length, 0);
  assert.equal(await s.exists("a"), true);
  assert.equal(await s.delete("a"), true);
  assert.equal(await s.delete("a"), false);
});

test("values are bytes, of text or as they are, and nobody else's", async () => {
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  await s.set("bytes", all);
  all[0] = 9;
  const entry = await s.get("bytes");
  assert.equal(entry?.value[0], 0);
  assert.deepEqual(entry?.value.slice(1), all.slice(1));
  entry!.value[1] = 9;
  assert.equal((await s.get("bytes"))?.value[1], 1);
  await s.set("buffer", Uint8Array.of(1, 2).buffer);
  assert.deepEqual((await s.get("buffer"))?.value, Uint8Array.of(1, 2));
  await s.set("part", Uint8Array.of(1, 2, 3).subarray(1));
  assert.deepEqual((await s.get("part"))?.value, Uint8Array.of(2, 3));
  await s.set("text", "é\ufeff");
  assert.equal(await text("text"), "é\ufeff");
});

test("an entry reads text lossily, and JSON strictly", async () => {
  await s.set("a", Uint8Array.of(0xef, 0xbb, 0xbf, 0x5b, 0x31, 0x5d));
  assert.equal(await text("a"), "\ufeff[1]");
  assert.deepEqual((await s.get("a"))?.json(), [1]);
  await s.set("b", Uint8Array.of(0xff, 0x41));
  assert.equal(await text("b"), "\ufffdA");
  for (const bytes of [[0x22, 0xff, 0x22], [], [0x31, 0x20, 0x78]]) {
    await s.set("c", Uint8Array.from(bytes));
    const entry = await s.get("c");
    assert.throws(
      () => entry?.json(),
      (error) => (error as EdgewitError).code === "json",
    );
  }
});

test("keys are 1 to 1024 bytes without control characters", async () => {
  for (const key of ["", "a".repeat(1025), "é".repeat(513), "a\nb", "\x7f", "\u0085", "\ud800"]) {
    await rejects(s.get(key), "invalid-key");
    await rejects(s.set(key, ""), "invalid-key");
    await rejects(s.delete(key), "invalid-key");
    await rejects(s.exists(key), "invalid-key");
    await rejects(s.increment(key, 1n), "invalid-key");
    await rejects(s.getMany(["a", key]), "invalid-key");
  }
  for (const key of ["é".repeat(512), "../a", "a b", "\u00a0", "after:"]) {
    await s.set(key, key);
    assert.equal(await text(key), key);
  }
});

test("keys come in the order of their bytes, by pages", async () => {
  for (const key of ["\u{1f600}", "\uffe0", "é", "a/1", "a/2", "b", "B", "aa"]) {
    await s.set(key, "");
  }
  const sorted = ["B", "a/1", "a/2", "aa", "b", "é", "\uffe0", "\u{1f600}"];
  assert.deepEqual(await s.keys(), { keys: sorted, cursor: undefined });
  assert.deepEqual(await s.keys("a/"), { keys: ["a/1", "a/2"], cursor: undefined });
  assert.deepEqual(await s.keys("none"), { keys: [], cursor: undefined });
  const paged: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await s.keys("", { cursor, limit: 2 });
    assert.ok(page.keys.length <= 2);
    paged.push(...page.keys);
    cursor = page.cursor;
  } while (cursor !== undefined);
  assert.deepEqual(paged, sorted);
});

test("a cursor stays good when keys come and go", async () => {
  for (let n = 0; n < 4; n++) {
    await s.set(`k${n}`, "");
  }
  const { cursor } = await s.keys("", { limit: 2 });
  await s.delete("k1");
  await s.set("k05", "");
  await s.set("k15", "");
  assert.deepEqual((await s.keys("", { cursor })).keys, ["k15", "k2", "k3"]);
});

test("a page has at most 1000 keys", async () => {
  for (let n = 0; n < 1001; n++) {
    await s.set(`k${n}`, "");
  }
  const { keys, cursor } = await s.keys("", { limit: 5000 });
  assert.equal(keys.length, 1000);
  assert.equal((await s.keys("", { cursor })).keys.length, 1);
});

test("arguments that are none are told before anything is written", async () => {
  const wrong: Promise<unknown>[] = [
    s.keys("", { limit: 0 }),
    s.keys("", { limit: -1 }),
    s.keys("", { limit: 1.5 }),
    s.keys("", { limit: 2 ** 32 }),
    s.keys("", { cursor: "not ours" }),
    s.keys("\ud800"),
    s.keys("", { cursor: "after:\ud800" }),
    s.set("a", "x", { ttlMs: 0n }),
    s.set("a", "x", { ttlMs: -1n }),
    s.set("a", "x", { ttlMs: 2n ** 64n }),
    s.set("a", "x", { condition: { ifVersion: -1n } }),
    s.set("a", "x", { metadata: new Uint8Array(2049) }),
    s.set("a", "\ud800"),
    s.increment("a", 1n, { ttlMs: 0n }),
    s.increment("a", 2n ** 63n),
    s.getMany(Array.from({ length: 1001 }, () => "a")),
  ];
  for (const work of wrong) {
    await rejects(work, "invalid-argument");
  }
  for (const value of [{ a: 1 }, 5, null, new DataView(new ArrayBuffer(1))]) {
    await assert.rejects(s.set("a", value as unknown as string), /^TypeError: a value is text or/);
  }
  await assert.rejects(s.get(5 as unknown as string), /^TypeError: a key is text, not number/);
  await assert.rejects(
    s.set("a", "", { metadata: "m" as unknown as Uint8Array }),
    /^TypeError: metadata is bytes, not string/,
  );
  await assert.rejects(s.increment("a", 1 as unknown as bigint), TypeError);
  assert.equal(await s.exists("a"), false);
});

test("what is called otherwise elsewhere is told by its name here", async () => {
  const other = s as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  for (const [call, message] of [
    [() => other["put"]!("a", "x"), /^there is no `put` here: `set\(key, value\)`$/],
    [() => other["list"]!(), /^there is no `list` here: `keys\(prefix\)`/],
    [
      () => other["set"]!("a", "x", { expirationTtl: 60 }),
      /^`set` has no option `expirationTtl`, but `ttlMs`, `condition` and `metadata`$/,
    ],
    [
      () => other["increment"]!("a", 1n, { ttl: 1 }),
      /^`increment` has no option `ttl`, but `ttlMs`$/,
    ],
    [() => other["get"]!("a", "json"), /^`get` takes a key alone: its entry has `text\(\)`/],
    [() => other["keys"]!({ prefix: "a" }), /^prefix: text, not object$/],
    [() => other["keys"]!("", { prefix: "a" }), /^`keys` has no option `prefix`, but/],
    [
      () => other["set"]!("a", "x", { condition: "ifAbsent" }),
      /^a condition is "if-absent" or { ifVersion }$/,
    ],
  ] as const) {
    await assert.rejects(async () => call(), { name: "TypeError", message });
  }
  assert.equal(await s.exists("a"), false);
});

test("a value has a limit, those of one getMany together as well", async () => {
  const most = 25 * 1024 * 1024;
  await assert.rejects(s.set("a", new Uint8Array(most + 1)), {
    code: "value-too-large",
    limit: BigInt(most),
  });
  assert.equal(await s.exists("a"), false);
  await s.set("a", new Uint8Array(most));
  assert.equal((await s.getMany(["a", "b"])).length, 2);
  await s.set("b", "x");
  await rejects(s.getMany(["a", "b"]), "value-too-large");
});

test("getMany answers in the order asked", async () => {
  await s.set("a", "1");
  await s.set("b", "2");
  const found = await s.getMany(["b", "none", "a", "b"]);
  assert.deepEqual(
    found.map((entry) => entry?.text()),
    ["2", undefined, "1", "2"],
  );
  assert.deepEqual(await s.getMany([]), []);
});

test("metadata are bytes beside the value; a `set` without them leaves none", async () => {
  const metadata = new Uint8Array(2048).fill(7);
  await s.set("a", "x", { metadata });
  assert.deepEqual((await s.get("a"))?.metadata, metadata);
  await s.set("a", "x");
  assert.equal((await s.get("a"))?.metadata.length, 0);
});

test("a lifetime ends a key for every operation", async () => {
  // Time passes by itself as well.
  await s.set("a", "x", { ttlMs: 600_000n });
  const left = (await s.get("a"))?.expiresInMs ?? 0n;
  assert.ok(left > 500_000n && left <= 600_000n, String(left));
  advance(300_000);
  assert.equal((await s.get("a"))?.text(), "x");
  assert.equal(`${await s.get("a")}`, "x");
  advance(300_000);
  assert.equal(await s.get("a"), undefined);
  assert.equal(await s.exists("a"), false);
  assert.deepEqual(await s.keys(), { keys: [], cursor: undefined });
  assert.deepEqual(await s.getMany(["a"]), [undefined]);
  assert.equal(await s.delete("a"), false);
  await s.set("a", "y", { condition: "if-absent" });
  await s.set("b", "5", { ttlMs: 1000n });
  await s.set("b", "6");
  assert.equal((await s.get("b"))?.expiresInMs, undefined);
});

test("a condition that does not hold is a conflict, and nothing is written", async () => {
  const first = await s.set("a", "1", { condition: "if-absent" });
  await rejects(s.set("a", "2", { condition: "if-absent" }), "conflict");
  const second = await s.set("a", "2", { condition: { ifVersion: first } });
  await rejects(s.set("a", "3", { condition: { ifVersion: first } }), "conflict");
  assert.equal(await text("a"), "2");
  await s.delete("a");
  await rejects(s.set("a", "3", { condition: { ifVersion: second } }), "conflict");
  await rejects(s.set("none", "3", { condition: { ifVersion: 2n ** 64n - 1n } }), "conflict");
  const third = await s.set("a", "3");
  assert.equal((await s.get("a"))?.version, third);
  await s.increment("n", 1n);
  const version = (await s.get("n"))?.version;
  await s.increment("n", 1n);
  assert.notEqual((await s.get("n"))?.version, version);
  assert.equal(new Set([first, second, third]).size, 3);
});

test("increment adds to a decimal integer of 64 bits", async () => {
  assert.equal(await s.increment("n", 5n), 5n);
  assert.equal(await s.increment("n", -7n), -2n);
  assert.equal(await text("n"), "-2");
  await s.set("n", "9223372036854775807");
  await rejects(s.increment("n", 1n), "overflow");
  assert.equal(await text("n"), "9223372036854775807");
  assert.equal(await s.increment("m", -(2n ** 63n)), -(2n ** 63n));
  await rejects(s.increment("m", -1n), "overflow");
  for (const none of ["", "-", "-0", "+5", "007", "abc", "1 ", "1\n", "9223372036854775808", "é"]) {
    await s.set("n", none);
    await rejects(s.increment("n", 1n), "not-a-number");
    assert.equal(await text("n"), none);
  }
});

test("increment's lifetime is for a key that it creates; it keeps what is there", async () => {
  await s.increment("n", 1n, { ttlMs: 1000n });
  await s.increment("n", 1n, { ttlMs: 600_000n });
  advance(1000);
  assert.equal(await s.exists("n"), false);
  await s.set("n", "1", { metadata: Uint8Array.of(1) });
  await s.increment("n", 1n, { ttlMs: 1000n });
  const entry = await s.get("n");
  assert.deepEqual([entry?.expiresInMs, entry?.metadata], [undefined, Uint8Array.of(1)]);
});

test("a store of values is read, and every write is denied", async () => {
  const settings = await open("settings");
  assert.equal((await settings.get("greeting"))?.text(), "hello");
  assert.deepEqual((await settings.keys("g")).keys, ["greeting"]);
  await rejects(settings.set("greeting", "x"), "denied");
  await rejects(settings.delete("greeting"), "denied");
  await rejects(settings.increment("n", 1n), "denied");
  await rejects(settings.set("a\n", "x"), "denied");
});

test("stores share nothing, handles of one store all", async () => {
  const [one, two] = [await open("visits"), await open("visits")];
  await one.set("a", "x");
  assert.equal((await two.get("a"))?.text(), "x");
  assert.equal(await new Store("other").exists("a"), false);
  one[Symbol.dispose]();
  assert.equal((await one.get("a"))?.text(), "x");
});

test("`testEnv` begins anew", async () => {
  await s.set("a", "x");
  const env = testEnv("visits") as { visits?: Store };
  assert.deepEqual(Object.keys(env), ["visits"]);
  assert.equal(await env.visits?.exists("a"), false);
  await rejects(open("other"), "denied");
  reset();
  await rejects(open("visits"), "denied");
});
