import assert from "node:assert/strict";
import { test } from "node:test";
import { mend } from "../glue.mjs";

/** Bindings of the generated shape: an import that fills an argument, one in a class, and an export. */
const BINDINGS = `let { TextEncoder, TextDecoder } = contentGlobal;
let [$memory, $realloc, $dealloc, $import_edge_sdk_log_0_1_0$write, $import_edge_sdk_kv_0_1_0$store$method$has] = $bindings;
delete globalThis.$bindings;

function toInt64(val) {
  const converted = BigInt(val)
  return BigInt.asIntN(64, converted);
}

function toUint32(val) {
  return val >>> 0;
}

const TEXT_ENCODER_UTF8 = new TextEncoder();
function _utf8AllocateAndEncode(s, realloc, memory) {
  throw new Error('replaced');
}

function import_edge_sdk_log_0_1_0$write(arg0, arg1) {
  var encodeRes = _utf8AllocateAndEncode(arg0, $realloc, $memory);
  var result = $realloc(0, 0, 4, arg1.length);
  _debugLog('[Instruction::CallWasm] enter', {
    funcName: 'write',
    postReturn: true,
  });
  let ret;
  ret = $import_edge_sdk_log_0_1_0$write(encodeRes.ptr, encodeRes.len, result);
  var ptr1 = 8;
  var len1 = 2;
  var result1 = new Uint8Array($memory.buffer.slice(ptr1, ptr1 + len1 * 1));
  return [ret, result1];
}

class import_kv_0_1_0$Store {
  has(arg0) {
    function helper(arg0) {
      var encodeRes = _utf8AllocateAndEncode(arg0, $realloc, $memory);
      $import_edge_sdk_kv_0_1_0$store$method$has(encodeRes.ptr, encodeRes.len);
    }
    return helper(arg0);
  }
}

async function export_handler_0_1_0$handle(arg0) {
  _debugLog(' [Instruction::CallInterface] (sync, @ enter)');
  return $realloc(0, 0, 1, arg0);
}
`;
const IMPORTS = [
  ["edge:sdk/log", "write", 3],
  ["edge:sdk/kv", "[method]store.has", 2],
  ["edge:sdk/kv", "[resource-drop]store", 0],
];

/** Constructors that are not those of the bindings' own realm. */
class OwnBytes extends Uint8Array {}
class OwnTypeError extends TypeError {}
const APPLICATION = { Error, TypeError: OwnTypeError, Uint8Array: OwnBytes, Uint32Array };

/** Runs the bindings on a memory that tells what is allocated. */
function run(text) {
  const buffer = new ArrayBuffer(1 << 16);
  const open = new Set();
  let next = 8;
  const realloc = (_old, _bytes, _align, bytes) => {
    next += 8;
    const at = next;
    next += bytes;
    open.add(at);
    return at;
  };
  const seen = [];
  const written = (at, length) => {
    seen.push(new TextDecoder().decode(new Uint8Array(buffer, at, length)), open.size);
    return 1;
  };
  const dealloc = (at) => assert.ok(open.delete(at), `${at} is freed twice`);
  const program = text.replace("delete globalThis.$bindings;", "");
  const results = `return { write: import_edge_sdk_log_0_1_0$write,
    Store: import_kv_0_1_0$Store, handle: export_handler_0_1_0$handle, toInt64, toUint32 };`;
  const make = new Function("contentGlobal", "$bindings", program + results);
  const realm = { ...APPLICATION, TextDecoder, TextEncoder };
  const bindings = make(realm, [{ buffer }, realloc, dealloc, written, written]);
  return { ...bindings, open, seen };
}

const mended = () => mend(BINDINGS, IMPORTS);

test("arguments are freed after a call, and results of exports are not", async () => {
  const { write, Store, handle, open, seen } = run(mended());
  await handle(7);
  assert.equal(open.size, 1);
  assert.equal(write("grüße \u{1f600}", [1, 2])[0], 1);
  new Store().has("k");
  assert.deepEqual(seen, ["grüße \u{1f600}", 3, "k", 2]);
  assert.equal(open.size, 1);
});

test("what a failed lowering leaves is freed when the next call begins", async () => {
  const { write, handle, open } = run(mended());
  await handle(1);
  for (const again of [1, 2]) {
    assert.throws(() => write("text", null), TypeError, `${again}`);
    assert.equal(open.size, 2);
  }
  write("", []);
  assert.equal(open.size, 1);
});

test("an import is an exception until a request is handled", () => {
  const { write, Store } = run(mended());
  assert.throws(() => write("a", []), /^TypeError: log.write can only be used while a request is/);
  assert.throws(() => new Store().has("a"), /^TypeError: kv.store.has can only be used while a/);
});

test("bytes and errors are made by the application's own constructors", async () => {
  const { write, handle } = run(mended());
  await handle(1);
  const [, bytes] = write("a", []);
  assert.ok(bytes instanceof OwnBytes);
  assert.notEqual(bytes.buffer.byteLength, 1 << 16);
  assert.throws(() => write(5, []), OwnTypeError);
});

test("integers are lowered as the engine takes them", () => {
  const { toInt64, toUint32 } = run(mended());
  assert.equal(toInt64(-1n), 2n ** 64n - 1n);
  assert.equal(toUint32(2 ** 32 - 1), -1);
});

test("nothing is logged about the bindings themselves", () => {
  assert.ok(BINDINGS.includes("_debugLog"));
  assert.ok(!mended().includes("_debugLog"));
});

test("bindings of another shape are refused", () => {
  const changes = [
    ["delete globalThis.$bindings;", "", "they begin otherwise"],
    ["$realloc(0, 0, 4, arg1.length)", "$realloc(1, 0, 4, 5)", "$realloc is used otherwise in"],
    ["class import_kv", "class other_kv", "2 uses of $realloc outside of imports and exports"],
    ["  ret = $import", "  var ret = $import", "1 calls of 2 imported functions"],
    ["let { TextEncoder, TextDecoder }", "let { TextEncoder }", "they name their realm otherwise"],
    ["val >>> 0", "val >>> 1", "integers are lowered otherwise than by `return val >>> 0;`"],
    [".slice(ptr1, ptr1 + len1 * 1)", ".slice(ptr1, len1)", "bytes are copied otherwise"],
    [
      "function _utf8AllocateAndEncode(s",
      "function _utf8Encode(s",
      "strings are encoded otherwise",
    ],
  ];
  for (const [from, to, problem] of changes) {
    assert.ok(BINDINGS.includes(from), from);
    const message = `the bindings of this version of componentize-js are not as expected: ${problem}`;
    assert.throws(
      () => mend(BINDINGS.replace(from, to), IMPORTS),
      (error) => error.message.startsWith(message) || assert.fail(error.message),
    );
  }
});
