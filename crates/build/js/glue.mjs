// Mends the bindings that componentize-js generates for the engine.
//
// As generated, nothing frees what an import's arguments are copied into: 30,000 lines of 4 KiB for a
// log fill a memory of 128 MiB. Here such a copy is lent for the time of the call and freed after it.
// What a failed lowering left behind is freed when the next call begins. Results of exports, which the host
// reads later, are freed by the engine itself.
//
// A string is encoded by the engine, and not measured by a loop over its characters before, which took
// 0.1 ms a kilobyte: room is made for three bytes a character, which is the most that one takes.
//
// The engine evaluates the bindings in a realm of their own: an array of bytes or an error from there is
// no `Uint8Array` and no `Error` of the application's. They are made by its constructors here.
//
// The engine takes an integer of 32 bits for a signed one, and one of 64 bits for one without a sign.
//
// An import that is called while the application is built is an exception at that place, and not a
// trap that has none.

/** A top-level function or class of the bindings. */
const BLOCK = /^(?:async function export_|function import_|class import_)[^]*?^}$/gm;
const START = "delete globalThis.$bindings;\n";
const CALL = /^( *)((?:ret = )?\$import_edge_sdk_(\S+?)\(.*\);)$/gm;
/** The functions that lower arguments: those of interfaces, and within the methods of resources. */
const LOWERING = /^( *)function (?:import_\S+?|helper)\(.*\) \{\n/gm;
const LOGGED = /^ *_debugLog\('[^']*'(?:, \{[^}]*\})?\);\n/gm;

const REALM = "let { TextEncoder, TextDecoder } = contentGlobal;\n";
const OWN = `const { Error, TextDecoder, TextEncoder, TypeError, Uint8Array, Uint32Array } = contentGlobal;
`;
const COPIED = /new (Uint\d+Array)\(\$memory\.buffer\.slice\((\w+), \2 \+ (\w+) \* \d\)\)/g;

const INTEGERS = [
  ["return BigInt.asIntN(64, converted);", "return BigInt.asUintN(64, converted);"],
  ["return val >>> 0;", "return val | 0;"],
];

const ENCODER = /^function _utf8AllocateAndEncode\(s, realloc, memory\) \{\n[^]*?^\}$/m;

const ENCODE = `function _utf8AllocateAndEncode(s, realloc, memory) {
  if (typeof s !== "string") throw new TypeError(\`expected a string, received \${typeof s}\`);
  if (s.length === 0) return { ptr: 1, len: 0 };
  const room = 3 * s.length;
  const ptr = realloc(0, 0, 1, room);
  const encoded = TEXT_ENCODER_UTF8.encodeInto(s, new Uint8Array(memory.buffer, ptr, room));
  return { ptr, len: encoded.written };
}`;

const HELPERS = `
let $building = true;
const $lent = [];
const $lend = (old, oldBytes, align, bytes) => {
  const at = $realloc(old, oldBytes, align, bytes);
  $lent.push(at);
  return at;
};
const $free = () => {
  for (const at of $lent) $dealloc(at);
  $lent.length = 0;
};
const $early = (name) => {
  throw new TypeError(\`\${name} can only be used while a request is handled\`);
};
`;

/** The mended text of `bindings`, which import `imports` (`[interface, function, …]` each).
 * Throws if the text is not of the shape that is known: the mending has to be looked at anew. */
export function mend(bindings, imports) {
  const changed = (what) => {
    throw new Error(`the bindings of this version of componentize-js are not as expected: ${what}`);
  };
  if (bindings.split(START).length !== 2) changed("they begin otherwise");
  const outside = bindings.replace(BLOCK, "").split("$realloc").length - 1;
  if (outside !== 1) changed(`${outside} uses of $realloc outside of imports and exports, not 1`);
  if (!ENCODER.test(bindings)) changed("strings are encoded otherwise");
  if (bindings.split(REALM).length !== 2) changed("they name their realm otherwise");
  for (const [was] of INTEGERS) {
    if (bindings.split(was).length !== 2)
      changed(`integers are lowered otherwise than by \`${was}\``);
  }
  let calls = 0;
  const mended = bindings.replace(BLOCK, (block) => {
    const quiet = block.replace(LOGGED, "");
    if (block.startsWith("async function export_")) {
      return quiet.replace("{\n", "{\n  $building = false;\n");
    }
    const lending = quiet
      .replaceAll("$realloc(0, 0, ", "$lend(0, 0, ")
      .replaceAll(", $realloc, $memory)", ", $lend, $memory)");
    if (lending.includes("$realloc")) changed(`$realloc is used otherwise in:\n${block}`);
    const clean = lending.replace(LOWERING, (head, indent) => `${head}${indent}  $free();\n`);
    return clean.replace(CALL, (_, indent, call, name) => {
      calls += 1;
      const early = `if ($building) $early(\`${readable(name)}\`);`;
      return `${indent}${early}\n${indent}${call}\n${indent}$free();`;
    });
  });
  if (/\.buffer\.slice\(/.test(mended.replace(COPIED, ""))) changed("bytes are copied otherwise");
  const functions = imports.filter(([, name]) => !name.startsWith("[resource-")).length;
  if (calls !== functions) changed(`${calls} calls of ${functions} imported functions`);
  const whole = mended
    .replace(REALM, () => OWN)
    .replace(COPIED, "new $1($memory.buffer, $2, $3).slice()")
    .replace(ENCODER, () => ENCODE)
    .replace(START, () => START + HELPERS);
  return INTEGERS.reduce((text, [was, is]) => text.replace(was, is), whole);
}

/** What an application calls that which ends up at the import `kv_0_1_0$store$method$get`, as the inside of a
 * template literal. */
function readable(name) {
  const called = name
    .replace(/_\d+_\d+_\d+/, "")
    .replace("$method", "")
    .replaceAll("$", ".");
  if (called === "kv.open") return "the store ${arg0}";
  return called.replace(/^fetch\.send.*/, "fetch").replace(/^(?:system|logging)\./, "");
}
