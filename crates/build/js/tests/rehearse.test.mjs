import assert from "node:assert/strict";
import { test } from "node:test";
import { copyOf, rehearse, rehearses } from "../rehearse.mjs";

const PAGE_BYTES = 4096;

/** Where the engine puts what it returns, and the pages that begin with a count: of its replies, and of what it was told. */
const RESULT = 8;
const [REPLIED, TOLD] = [5, 7];

/** An engine whose `n`th reply is what `answer` makes of it: an error, a source, or else bytes; and what it is asked. */
function engine(answer, { parameters = 16 } = {}) {
  const memory = new WebAssembly.Memory({ initial: 2 });
  const view = new DataView(memory.buffer);
  const text = (at, bytes) => new TextDecoder().decode(new Uint8Array(memory.buffer, at, bytes));
  const word = (at) => view.getUint32(at, true);
  const count = (page) => view.setUint8(page * PAGE_BYTES, view.getUint8(page * PAGE_BYTES) + 1);
  const asked = [];
  let replies = 0;
  let left = 0;
  function handle(method, methodBytes, _uri, _uriBytes, fields, length, ...rest) {
    const [, , , id, idBytes] = rest;
    const names = Array.from({ length }, (_, at) => fields + 16 * at);
    const told = names.map((at) => text(word(at), word(at + 4)));
    asked.push(`${text(method, methodBytes)} ${text(id, idBytes)} ${told}`);
    count(REPLIED);
    const { isError = false, source } = answer(++replies);
    view.setUint8(RESULT, isError ? 1 : 0);
    view.setUint8(RESULT + 16, source === undefined ? 1 : 3);
    view.setUint32(RESULT + 20, source ?? 0, true);
    left = 2;
    return RESULT;
  }
  Object.defineProperty(handle, "length", { value: parameters });
  function tell(sent) {
    asked.push(`told of ${sent}`);
    count(TOLD);
    return 0;
  }
  function read(source) {
    asked.push(`read ${source}`);
    view.setUint8(RESULT, 0);
    view.setUint8(RESULT + 8, left-- > 0 ? 0 : 1);
    return RESULT;
  }
  return { asked, exports: { memory, ...exported({ handle, tell, read }, asked) } };
}

/** These functions by the names that a component's have, and what else an engine exports. */
function exported({ handle, tell, read }, asked) {
  let next = 1024;
  const exports = {
    cabi_realloc(_old, _oldBytes, align, bytes) {
      next = Math.ceil(next / align) * align + bytes;
      return next - bytes;
    },
  };
  const all = { handle, "after-reply": tell, "[method]body-source.read": read };
  for (const [name, call] of Object.entries(all)) {
    exports[`edge:sdk/handler@0.1.0#${name}`] = call;
    exports[`cabi_post_edge:sdk/handler@0.1.0#${name}`] = (at) => asked.push(`freed ${at}`);
  }
  return exports;
}

const ID = "edgewit-rehearsal host,user-agent,accept";
const whole = [`GET ${ID}`, `freed ${RESULT}`, "told of 0", "freed 0"];
const streamed = [
  `POST ${ID}`,
  `freed ${RESULT}`,
  ...Array.from({ length: 3 }, () => ["read 9", `freed ${RESULT}`]).flat(),
  "told of 0",
  "freed 0",
];
const one = [...whole, ...streamed];

/** Every second reply is a stream. */
const asMost = (n) => (n % 2 === 0 ? { source: 9 } : {});

test("a rehearsal is begun, ended before the memory is taken, and begun once more for its pages", () => {
  const { asked, exports } = engine(asMost);
  const { memory, written } = rehearse(exports);
  const begin = ["told of 0", "freed 0"];
  const end = ["told of 1", "freed 0"];
  assert.deepEqual(asked, [...begin, ...one, ...one, ...one, ...end, ...begin, ...one]);
  // As of the end.
  assert.equal(memory[REPLIED * PAGE_BYTES], 6);
  assert.equal(memory[TOLD * PAGE_BYTES], 8);
  assert.ok(written.includes(REPLIED) && written.includes(TOLD), `${written}`);
  assert.ok(!written.includes(TOLD + 1));
  assert.notDeepEqual(copyOf(exports), memory);
});

test("an engine that answers by an error, at first or later, is not the one to begin with", () => {
  for (const place of [1, 2, 6, 7, 8]) {
    const { asked, exports } = engine((n) => (n === place ? { isError: true } : asMost(n)));
    assert.equal(rehearse(exports), undefined);
    const requests = asked.filter((it) => it.includes(ID));
    assert.equal(requests.length, place);
    assert.equal(asked.at(-1), `freed ${RESULT}`);
  }
});

test("another version of the interface is told, and not called", () => {
  const { asked, exports } = engine(asMost, { parameters: 17 });
  assert.throws(() => rehearse(exports), {
    message: "`handle` of this version of the interface takes 17 arguments",
  });
  assert.deepEqual(asked, ["told of 0", "freed 0"]);
});

test("an SDK that rehearses is known by what it has in it", () => {
  assert.ok(rehearses('var REHEARSAL = "edgewit-rehearsal";'));
  assert.ok(!rehearses("export const start = (module) => module.default;"));
});
