import assert from "node:assert/strict";
import { test } from "node:test";
import { LATE_NS, isTold, loopOf, waitsOf, withAwaitsMarked, withLoopsMarked } from "../marks.mjs";

/** As esbuild writes it. */
const SCRIPT = `var sum = 0;
var A = class {
  static zero = 0;
  add(n) {
    switch (n) {
      case 0:
        return;
    }
    for (let i = 0; i < n; i++) {
      sum += [1].map((it) => {
        return it;
      })[0];
    }
    do {
      sum -= 1;
    } while (sum > 5);
    while (sum > 4) sum -= 1;
    const options = Object.entries({
      a: 1
    });
    if (options) sum += 1;
  }
};
new A().add(1000);
`;

/** Runs a script as the engine does, whose stacks are properties of their class; what it printed. */
function run(script, now) {
  let printed = "";
  const console = { log: (text) => (printed += `${text}\n`) };
  class OfEngine extends Error {
    get stack() {
      return "f@source.js:1:1\n";
    }
  }
  const named = { console, Error: OfEngine, Date: { now: () => now } };
  const sum = new Function(...Object.keys(named), `${script}\nreturn sum;`)(
    ...Object.values(named),
  );
  return { sum, printed };
}

test("marks change neither what a script does nor its lines", () => {
  const marked = withLoopsMarked(SCRIPT);
  const lines = marked.split("\n");
  assert.equal(lines.length, SCRIPT.split("\n").length);
  const own = SCRIPT.split("\n");
  const changed = lines.flatMap((line, index) => (line === own[index] ? [] : [index + 1]));
  assert.deepEqual(changed, [1, 4, 9, 10, 14, 17]);
  assert.deepEqual(run(marked, 0), run(SCRIPT, 0));
  const late = run(marked, Number(LATE_NS / 1_000_000n));
  assert.equal(late.sum, run(SCRIPT, 0).sum);
  assert.ok(isTold(late.printed));
});

test("marks leave a script as strict as it is", () => {
  const strict = "var sum = (function() { return this === void 0 ? 1 : 0; })();";
  const inside = `var sum = (function() {\n  "use strict";\n  return this === void 0 ? 1 : 0;\n})();`;
  for (const [script, sum] of [
    [strict, 0],
    [`"use strict";\n${strict}`, 1],
    [`"use client";\n"use strict";\n${strict}`, 1],
    [inside, 1],
  ]) {
    const marked = withLoopsMarked(script);
    assert.equal(marked.split("\n").length, script.split("\n").length);
    assert.equal(run(marked, 0).sum, sum, marked);
  }
  assert.match(withAwaitsMarked(`"use strict";\n${strict}`), /^"use strict"; .*\nvar sum/);
});

test("a script that goes on when it is late tells where", () => {
  const endless = `var sum = 0;\nwhile (sum < 5000) {\n  sum += 1;\n}`;
  assert.equal(run(withLoopsMarked(endless), 0).printed, "");
  const { printed } = run(withLoopsMarked(endless), Number(LATE_NS / 1_000_000n));
  const told = printed.slice(0, (printed.length / (5000 - 1023)) * 20);
  assert.ok(isTold(told));
  assert.ok(!isTold(told.slice(0, -2)));
  const stacks = Array(20).fill("f@source.js:1:1\n");
  assert.deepEqual(loopOf(`before\n${told}`), { before: "before\n", stacks });
  assert.deepEqual(loopOf("before\n"), { before: "before\n", stacks: [] });
});

test("the waits that are told and not settled are left", () => {
  const told = "edgewit-awaits 1\n@source.js:3:1\n\nseen\nedgewit-awaits 2\nf@source.js:4:1\n\n";
  assert.deepEqual(waitsOf(`${told}edgewit-settled 1\n`), ["f@source.js:4:1\n"]);
  assert.deepEqual(waitsOf("seen\n"), []);
});
