// What each part of the sources may import.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../src", import.meta.url));

/** The imports of every file in `folder`, those of files of the package relative to `src`. */
function importsOf(folder: string): [file: string, imported: string][] {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
  return files
    .map((file) => join(folder, file))
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) => {
      const found = readFileSync(join(root, file), "utf8").matchAll(
        /^(?:.*\bfrom|import) "(.+)";$/gm,
      );
      return Array.from(found, ([, to]): [string, string] => [
        file,
        to!.startsWith(".") ? normalize(join(dirname(file), to!)) : to!,
      ]);
    });
}

const SEAM = "engine/engine.js";

test("what is for any engine knows none", () => {
  const all = importsOf(".").filter(([file]) => !file.startsWith("engine/"));
  assert.ok(all.some(([file, to]) => file.startsWith("guest/") && to === "#engine"));
  for (const [file, to] of all) {
    assert.ok(!to.startsWith("engine/") || to === SEAM, `${file} imports ${to}`);
  }
  for (const file of readdirSync(join(root, "guest"))) {
    assert.doesNotMatch(readFileSync(join(root, "guest", file), "utf8"), /monkey/i, file);
  }
});

test("an engine knows nothing of what is for any, and of no other", () => {
  const engines = readdirSync(join(root, "engine"), { withFileTypes: true });
  const folders = engines.filter((it) => it.isDirectory()).map(({ name }) => `engine/${name}/`);
  assert.ok(folders.length > 1);
  const all = importsOf("engine");
  for (const [file, to] of all) {
    assert.doesNotMatch(to, /^(guest|node|host)\/|^entry|^#/, `${file} imports ${to}`);
    const other = folders.find((folder) => to.startsWith(folder));
    assert.ok(other === undefined || file.startsWith(other), `${file} imports ${to}`);
  }
  for (const folder of folders) {
    assert.ok(all.some(([file, to]) => file === `${folder}main.ts` && to === SEAM));
  }
});
