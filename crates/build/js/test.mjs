// Runs an application's tests in Node's own runner.
// `node test.mjs '{"folder": …, "sdk": …, "output": …}' ARGUMENTS…`
//
// A test is a file that is named like `main.test.ts` or `main.spec.ts`. Each is bundled with what it imports of the
// application, packages left out, into the folder `output`, because this Node may know no TypeScript
// and never imports a text. Exits with 3 if that fails, or if there is none.

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { attempt } from "./bundle.mjs";

/** Tells where none of them ran. */
const RAN = new URL("ran.mjs", import.meta.url);

const TEST = /\.(test|spec)\.[cm]?[jt]sx?$/;
/** Folders of tools, which hold no tests of the application. */
const LEFT_OUT = ["node_modules", "target", "dist"];
/** Options of Node's runner whose value may be the next word. */
const VALUED = new RegExp(
  "^--(import|conditions|env-file|test-(concurrency|coverage-\\w+|isolation|name-pattern|reporter" +
    "|reporter-destination|shard|skip-pattern|timeout))$",
);
const NONE =
  "no tests: they are in files that are named like test/main.test.ts or src/main.spec.js, in any folder but " +
  LEFT_OUT.join(", ");

const { folder, sdk, output } = JSON.parse(process.argv[2]);
rmSync(output, { recursive: true, force: true });
const tests = found(folder, "");
if (tests.length === 0) {
  console.log(NONE);
  process.exit(3);
}
const bundled = await attempt(
  {
    entryPoints: tests,
    outbase: folder,
    outdir: output,
    outExtension: { ".js": ".mjs" },
    packages: "external",
    platform: "node",
    sourcemap: "linked",
    target: "node20",
    write: true,
  },
  { folder, sdk },
);
const files = tests.map((test) => join(output, test.replace(/\.[^.]+$/, ".mjs")));
const hasVitest = dependsOn("vitest");
const problems = bundled.problems ?? tests.flatMap((test, at) => ofAnother(test, files[at]));
if (problems.length > 0) {
  console.log(problems.join("\n"));
  process.exitCode = 3;
} else {
  process.exitCode = run(process.argv.slice(3));
  // Another runner would take what is left for tests of its own.
  rmSync(output, { recursive: true, force: true });
}

function run(words) {
  // A bare word is a part of a test's name.
  const told = words.map((word, index) =>
    word.startsWith("-") || VALUED.test(words[index - 1]) ? word : `--test-name-pattern=${word}`,
  );
  // With several reporters Node asks for a destination of each.
  const reporter = has(told, "--test-reporter") ? [] : ["--test-reporter=spec"];
  const to = has(told, "--test-reporter-destination") ? [] : ["--test-reporter-destination=stdout"];
  const ran = [`--test-reporter=${RAN}`, "--test-reporter-destination=stderr"];
  const node = ["--enable-source-maps", "--test", ...reporter, ...told, ...to, ...ran, ...files];
  const ended = spawnSync(process.execPath, node, { cwd: folder, stdio: "inherit" });
  return ended.status ?? 1;
}

function has(words, option) {
  return words.some((word) => word === option || word.startsWith(`${option}=`));
}

/** What to say of a test that Node's runner does not know; its bundle is `file`. */
function ofAnother(test, file) {
  const text = readFileSync(file, "utf8");
  const isOfNode = text.includes('"node:test"');
  // Vitest may have its functions be globals.
  if (/\bfrom "vitest";$/m.test(text) || (hasVitest && !isOfNode)) {
    const instead =
      "`npm test` does, with `edgewit types && vitest run` as the script `test` in package.json";
    return [`${test} is a test of Vitest's, which \`edgewit test\` does not run: ${instead}`];
  }
  const due = 'write it with `import { test } from "node:test"`, or name the file otherwise';
  return isOfNode ? [] : [`${test} has no test of Node's runner, which runs it: ${due}`];
}

/** Whether the application asks for the package `name`. */
function dependsOn(name) {
  const file = join(folder, "package.json");
  if (!existsSync(file)) return false;
  const { dependencies, devDependencies } = JSON.parse(readFileSync(file, "utf8"));
  return name in { ...dependencies, ...devDependencies };
}

/** The tests below `root`, in the order of their paths within it. */
function found(root, within) {
  const entries = readdirSync(join(root, within), { withFileTypes: true });
  const names = entries.filter(({ name }) => !name.startsWith(".") && !LEFT_OUT.includes(name));
  return names
    .flatMap((entry) => {
      const path = join(within, entry.name);
      if (entry.isDirectory()) return found(root, path);
      return TEST.test(entry.name) ? [path] : [];
    })
    .sort();
}
