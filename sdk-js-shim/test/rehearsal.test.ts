// Who answers while a component is built, and who afterwards.

import assert from "node:assert/strict";
import { test } from "node:test";

import type { Exports } from "../dist/guest/handler.js";
import { rehearsed } from "../dist/guest/rehearsal.js";

type Handle = Parameters<Exports["handle"]>;

const request = {} as Handle[0];
const context = (requestId: string) => ({ requestId }) as Handle[1];

/** What is asked of exports, by their name. */
function answering() {
  const asked: string[] = [];
  const exports = (name: string) =>
    ({
      handle: async () => void asked.push(name),
      afterReply: async ({ tag }: { tag: string }) => void asked.push(`${name} ${tag}`),
    }) as unknown as Exports;
  return { asked, both: rehearsed(exports("app"), exports("rehearsal")) };
}

const sent = { tag: "ok" } as const;
const failed = { tag: "err", val: { tag: "closed" } } as const;

test("a rehearsal has its begin and its end", async () => {
  const { asked, both } = answering();
  await both.afterReply(sent);
  await both.handle(request, context("another"));
  for (const end of [sent, failed]) {
    await both.handle(request, context("edgewit-rehearsal"));
    await both.afterReply(end);
  }
  await both.handle(request, context("edgewit-rehearsal"));
  await both.afterReply(sent);
  assert.deepEqual(asked, [
    "app",
    "rehearsal",
    "rehearsal ok",
    "rehearsal",
    "rehearsal err",
    "app",
    "app ok",
  ]);
});

test("where none was begun, the application is asked by whatever id", async () => {
  const { asked, both } = answering();
  await both.handle(request, context("edgewit-rehearsal"));
  await both.afterReply(sent);
  await both.handle(request, context("edgewit-rehearsal"));
  assert.deepEqual(asked, ["app", "app ok", "app"]);
});
