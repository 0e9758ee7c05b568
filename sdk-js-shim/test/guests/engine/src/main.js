// The engine without the SDK: which of the things that the SDK adds it has by itself.

import { lacks } from "../../../../src/engine/starlingmonkey/lacks.ts";

async function answers() {
  const there = {};
  for (const [name, lack] of Object.entries(lacks)) there[name] = await lack.isThere();
  return there;
}

export default {
  BodySource: class {},
  async handle() {
    const val = new TextEncoder().encode(JSON.stringify(await answers()));
    return { status: 200, headers: [], body: { tag: "bytes", val }, hints: [] };
  },
  async afterReply() {},
};
