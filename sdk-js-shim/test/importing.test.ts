import assert from "node:assert/strict";
import { test } from "node:test";

/** The globals, and what tests give their messages and the console. */
function globals(): unknown[] {
  const objects = [globalThis, console, URL, Request.prototype, Response, Response.prototype];
  return objects.flatMap((object) =>
    Reflect.ownKeys(object).flatMap((name) => {
      const { value, get } = Reflect.getOwnPropertyDescriptor(object, name) ?? {};
      return [name, value, get];
    }),
  );
}

// A file of its own: any other imports the package before its first line.
test("importing changes nothing; calling an application does", async () => {
  // Node makes some of them once they are looked at.
  for (const name of Object.getOwnPropertyNames(globalThis)) Reflect.get(globalThis, name);
  const before = globals();
  const { App } = await import("@edgewit/sdk");
  await import("@edgewit/sdk/kv");
  await import("@edgewit/sdk/log");
  await import("@edgewit/sdk/router");
  await import("@edgewit/sdk/testing");
  const areSame = () => {
    const now = globals();
    return now.length === before.length && now.every((value, at) => Object.is(value, before[at]));
  };
  assert.ok(areSame());
  await new App().request("/");
  assert.ok(!areSame());
});
