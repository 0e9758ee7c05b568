import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
// Within the package, which is found by its name there.
const scratch = mkdtempSync(join(root, "dist-test/readme-"));
after(() => rmSync(scratch, { recursive: true }));

const node = (...args: string[]) =>
  execFileSync(process.execPath, args, {
    cwd: scratch,
    encoding: "utf8",
    // By this a test would know of the one that is run, and tell that of its results.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });

/** Each block of code by its place in a project, which its first line may say. */
function blocks(): Map<string, string> {
  const text = readFileSync(join(root, "README.md"), "utf8");
  const found = Array.from(text.matchAll(/^```[jt]s\n([^]*?)^```$/gm), ([, code]) => code!);
  return new Map(
    found.map((code, at) => [/^\/\/ (\S+\.ts)\n/.exec(code)?.[1] ?? `src/block-${at}.ts`, code]),
  );
}

test("what the README shows compiles, and its test passes", () => {
  const files = blocks();
  assert.ok(files.size >= 4, [...files.keys()].join());
  for (const [file, code] of files) {
    mkdirSync(join(scratch, dirname(file)), { recursive: true });
    writeFileSync(join(scratch, file), code);
  }
  const compilerOptions = {
    target: "ES2022",
    module: "NodeNext",
    lib: ["ES2024"],
    types: ["node"],
    strict: true,
  };
  const config = { compilerOptions, files: [...files.keys()] };
  writeFileSync(join(scratch, "tsconfig.json"), JSON.stringify(config));
  node(join(root, "node_modules/typescript/bin/tsc"), "-p", ".");
  assert.match(
    node("--test", "--test-reporter=tap", "test/main.test.js"),
    /\n# pass 1\n# fail 0\n/,
  );
});
