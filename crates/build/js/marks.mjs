// What an application's script has put into it where it did not come to its end, so that it tells the place when it is
// run once more. It is told on stdout, by stacks as the engine writes them.
//
// No line of the script becomes another.

/** What the clock says of a script that is late, in nanoseconds: no time of an application's. */
export const LATE_NS = 4_000_000_000_000_000_000n;

const LATE_MS = Number(LATE_NS / 1_000_000n);

const LOOP = "edgewit-loop\n";
const LOOPED = "edgewit-looped\n";
const AWAITS = "edgewit-awaits ";
const SETTLED = "edgewit-settled ";

/** Called in every body; it looks at the clock once in so many calls. */
const CALL = "$edgewit()";
const CALLS = 1024;
/** How often it then tells where it is: of a loop of the SDK's, a part may be the application's. */
const STACKS = 20;

/** A line that begins the body of a function or of a loop, as esbuild writes it. */
const BODY = /(?:\)|=>|\bdo) \{$/;
/** The same of what has no statements in it. */
const OTHER = /^\s*switch \(|\bclass\b/;
/** A line that makes what it begins strict, as long as nothing is before it. */
const DIRECTIVE = /^\s*"use \w+";$/;
/** The beginning of a loop whose body is no block. */
const BARE = /^\s*while \((?=.*;$)/;

/** What a mark needs, as it was before the application could replace it. */
const OWN =
  "const { apply } = Reflect, { log } = console, E = Error; " +
  'const { get } = Object.getOwnPropertyDescriptor(E.prototype, "stack"); ' +
  'const tell = (...words) => apply(log, console, [words.join("")]), stack = () => apply(get, new E(), []);';

/** The script, which tells where it is once it is late. */
export function withLoopsMarked(script) {
  const tick =
    `let calls = 0, isLate = false; const { now } = Date; return () => { ++calls; ` +
    `if (isLate ||= calls % ${CALLS} === 0 && now() >= ${LATE_MS}) tell(${text(LOOP)}, stack(), ${text(LOOPED)}); };`;
  const lines = script.split("\n").map((line, index, all) => {
    if (DIRECTIVE.test(all[index + 1])) return line;
    const head = DIRECTIVE.test(line) ? all[index - 1] : line;
    if (BODY.test(head) && !OTHER.test(head)) return `${line} ${CALL};`;
    return line.replace(BARE, (head) => `${head}${CALL}, `);
  });
  return begun(`const $edgewit = (() => { ${OWN} ${tick} })();`, lines.join("\n"));
}

/** A script with `own` before its statements, and behind what makes it strict. */
function begun(own, script) {
  return script.replace(/^(?:"use \w+";(?:\n(?="use))?)*/, (directives) => `${directives} ${own} `);
}

/** Whether a script has told by `printed`, of which `text` is new, where it is: it need not go on. */
export function isTold(printed, text = printed) {
  return text.includes(LOOPED) && printed.split(LOOPED).length > STACKS;
}

/** The stacks that a script which {@link withLoopsMarked} marked has told, and what was printed before. */
export function loopOf(printed) {
  const [before, ...told] = printed.split(LOOP);
  return { before, stacks: told.map((it) => it.split(LOOPED)[0]) };
}

/** The script, which tells of the promises that are waited for. */
export function withAwaitsMarked(script) {
  // The engine asks a promise for its constructor where it is awaited, unless nobody could tell.
  const getter =
    "const P = Promise, { then } = P.prototype; let asked = 0, isOwn = false; " +
    'Object.defineProperty(P.prototype, "constructor", { configurable: true, set() {}, get() { ' +
    "if (isOwn) return P; isOwn = true; const id = ++asked; " +
    `const settled = () => tell(${text(SETTLED)}, id); ` +
    `try { apply(then, this, [settled, settled]); tell(${text(AWAITS)}, id, "\\n", stack()); } catch {} ` +
    "isOwn = false; return P; } });";
  return begun(`(() => { ${OWN} ${getter} })();`, script);
}

/** The stacks of where a script that {@link withAwaitsMarked} marked has waited in vain. */
export function waitsOf(printed) {
  const stacks = new Map();
  for (const [, id, stack, settled] of printed.matchAll(TOLD)) {
    if (id !== undefined) stacks.set(id, stack);
    else stacks.delete(settled);
  }
  return [...stacks.values()];
}

const TOLD = new RegExp(`^${AWAITS}(\\d+)\\n((?:.*@.*\\n)*)\\n*|^${SETTLED}(\\d+)\\n`, "gm");

function text(value) {
  return JSON.stringify(value);
}
