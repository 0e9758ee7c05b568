import assert from "node:assert/strict";
import { test } from "node:test";

import { readExactly, rest } from "@edgewit/sdk";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** A body of these chunks, which then fails if it is told to. */
function body(chunks: string[], error?: Error): Response {
  return new Response(
    new ReadableStream<Uint8Array>({
      pull(controller) {
        const chunk = chunks.shift();
        if (chunk !== undefined) controller.enqueue(new TextEncoder().encode(chunk));
        else if (error !== undefined) controller.error(error);
        else controller.close();
      },
    }),
  );
}

test("a body is read in parts, whatever its chunks are", async () => {
  const message = body(["ab", "cdef", "g"]);
  assert.equal(text(await readExactly(message, 3)), "abc");
  assert.equal(text(await readExactly(message, 1)), "d");
  assert.equal(text(await readExactly(message, 0)), "");
  assert.equal(await new Response(rest(message)).text(), "efg");
  const short = body(["ab"]);
  assert.equal(text(await readExactly(short, 3)), "ab");
  assert.equal(text(await readExactly(short, 3)), "");
  const none = new Response(null);
  assert.deepEqual([text(await readExactly(none, 3)), rest(none)], ["", null]);
});

test("what came before a body broke off is for the next call", async () => {
  const message = body(["ab", "cd"], new Error("broken off"));
  await assert.rejects(readExactly(message, 5), /broken off/);
  assert.equal(text(await readExactly(message, 3)), "abc");
  await assert.rejects(readExactly(message, 2), /broken off/);
  assert.equal(text(await readExactly(message, 1)), "d");
  await assert.rejects(readExactly(message, 1), /broken off/);
});

test("a body that a reader holds is read by nobody else", async () => {
  const message = body(["ab"]);
  message.body?.getReader();
  await assert.rejects(readExactly(message, 1), TypeError);
  assert.throws(() => rest(message), TypeError);
});
