// Runs an application's tests in Node's own runner.
// `node test.mjs '{"folder": …, "sdk": …, "output": …}' ARGUMENTS…`
//
// A test is a file that is named like `main.test.ts`. Each is bundled with what it imports of the
// application, packages left out, into the folder `output`, because this Node may know no TypeScript
// and never imports a text. Exits with 3 if that fails.

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { attempt } from "./bundle.mjs";

const TEST = /\.test\.[cm]?[jt]sx?$/;
/** Folders of tools, which hold no tests of the application. */
const LEFT_OUT = new Set(["node_modules", "target", "dist"]);
/** Options of Node's runner whose value may be the next word. */
const VALUED =
  /^--(test-(concurrency|coverage-\w+|isolation|name-pattern|reporter|reporter-destination|shard|skip-pattern|timeout)|import|conditions|env-file)$/;

const { folder, sdk, output } = JSON.parse(process.argv[2]);
rmSync(output, { recursive: true, force: true });
const tests = found(folder, "");
if (tests.length === 0) {
  console.log("no tests: they are in files that are named like test/main.test.ts");
  process.exit();
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
const problems = bundled.problems ?? tests.filter((_, at) => isOfVitest(files[at])).map(ofVitest);
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
  const reporter = told.some((word) => word.startsWith("--test-reporter"))
    ? []
    : ["--test-reporter=spec"];
  const node = ["--enable-source-maps", "--test", ...reporter, ...told, ...files];
  const ended = spawnSync(process.execPath, node, { cwd: folder, stdio: "inherit" });
  return ended.status ?? 1;
}

function isOfVitest(file) {
  return /\bfrom "vitest";$/m.test(readFileSync(file, "utf8"));
}

function ofVitest(test) {
  return `${test} is a test of Vitest's: have the script \`test\` in package.json be \`vitest run\``;
}

/** The tests below `root`, in the order of their paths within it. */
function found(root, within) {
  const entries = readdirSync(join(root, within), { withFileTypes: true });
  const names = entries.filter(({ name }) => !name.startsWith(".") && !LEFT_OUT.has(name));
  return names
    .flatMap((entry) => {
      const path = join(within, entry.name);
      if (entry.isDirectory()) return found(root, path);
      return TEST.test(entry.name) ? [path] : [];
    })
    .sort();
}
