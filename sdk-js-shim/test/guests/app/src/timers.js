// Timers and the loop that they share with all that waits.

import { readExactly } from "@edgewit/sdk";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Set while the application is built. */
const early = new Promise((resolve) => setTimeout(resolve, 50, "early"));
const never = setTimeout(() => console.error("this one was cleared"), 10);
clearTimeout(never);

const encoder = new TextEncoder();

/** Runs `run` again and again, with how often it has run, until what is returned is called. */
function again(run) {
  let turns = 0;
  let isOver = false;
  const turn = () => {
    run(++turns);
    if (!isOver) setTimeout(turn, 0);
  };
  turn();
  return () => (isOver = true);
}

export const timers = {
  async sleep({ query }) {
    const began = performance.now();
    await sleep(Number(query("ms")));
    return new Response(String(performance.now() - began >= query("ms") - 1));
  },

  async early() {
    return new Response(await early);
  },

  async order() {
    const order = [];
    const note = (text) => () => order.push(text);
    setTimeout(note("20"), 20);
    setTimeout(note("0 first"), 0);
    setTimeout(note("0 second"));
    setTimeout(note("NaN"), NaN);
    setTimeout(note("negative"), -5);
    setTimeout((a, b) => order.push(a + b), 0, "argu", "ments");
    try {
      setTimeout("order.push('text')", 0);
    } catch (error) {
      order.push(error.message);
    }
    queueMicrotask(note("microtask"));
    await sleep(30);
    return Response.json(order);
  },

  // A timer that clears others which are due at the same time.
  async clear() {
    const ran = [];
    const ids = [];
    setTimeout(() => {
      ran.push("first");
      for (const id of ids) clearTimeout(id);
      clearInterval(interval);
    }, 5);
    ids.push(
      setTimeout(() => ran.push("second"), 5),
      setTimeout(() => ran.push("third"), 6),
    );
    const interval = setInterval(() => ran.push("interval"), 6);
    let ticks = 0;
    const self = setInterval(() => ++ticks === 3 && clearInterval(self), 2);
    clearTimeout(undefined);
    clearTimeout(12345);
    clearTimeout("no number");
    await sleep(40);
    return Response.json({ ran, ticks });
  },

  // An interval beside a fetch.
  async beside({ query }) {
    let ticks = 0;
    const id = setInterval(() => console.info(`tick ${++ticks}`), 20);
    await fetch(query("gate"));
    clearInterval(id);
    return new Response(`${ticks >= 3}`);
  },

  // A line a tick, until a gate opens.
  ticking({ query }) {
    let id;
    const body = new ReadableStream({
      start(controller) {
        let ticks = 0;
        id = setInterval(() => controller.enqueue(encoder.encode(`tick ${++ticks}\n`)), 20);
        void fetch(query("gate")).then(() => {
          clearInterval(id);
          controller.close();
        });
      },
      cancel: () => clearInterval(id),
    });
    return new Response(body);
  },

  // What has to get its turn beside the others: a timer that is due at once, again and again, an interval, a body,
  // fetches, and one that is not answered before all others are done.
  async fair({ query }) {
    const stop = again((turns) => turns === 10 && console.info("10 turns"));
    let ticks = 0;
    const id = setInterval(() => ++ticks === 3 && console.info("3 ticks"), 5);
    const late = fetch(query("gate"));
    let bytes = 0;
    const reading = (async () => {
      for await (const chunk of (await fetch(query("body"))).body) bytes += chunk.length;
    })();
    const others = query.all("url").map(async (url) => (await fetch(url)).text());
    const texts = await Promise.all(others);
    await reading;
    console.info("all but one");
    await late;
    stop();
    clearInterval(id);
    return Response.json({ bytes, texts: texts.join(" ") });
  },

  // A body each byte of which is ready, beside a timer that is due.
  async bytes({ query }) {
    const up = await fetch(query("url"));
    let turns = 0;
    const stop = again(() => (turns += 1));
    for (let n = 0; n < 50; n++) await readExactly(up, 1);
    stop();
    return new Response(`${turns > 25}`);
  },

  // Much that only the engine itself brings to its end, one after the other.
  async engine() {
    let done = 0;
    for (let n = 0; n < 50; n++) {
      await new Blob(["some text"]).text();
      await crypto.subtle.digest("SHA-256", encoder.encode("text"));
      await new Response(new FormData()).text();
      done += 1;
    }
    let bytes = 0;
    for await (const chunk of new Blob([new Uint8Array(20_000_000)]).stream())
      bytes += chunk.length;
    const packed = new Blob(["x".repeat(1_000_000)])
      .stream()
      .pipeThrough(new CompressionStream("gzip"));
    const unpacked = await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).text();
    return Response.json({ done, bytes, unpacked: unpacked.length });
  },

  // Reads what is whole, in one and by pieces, while nothing but a far timer is due.
  async whole() {
    let fired = false;
    const late = setTimeout(() => (fired = true), 20_000);
    const form = new FormData();
    form.append("file", new Blob([new Uint8Array(1_000_000)]), "name");
    const sizes = [];
    for (const body of [form, form.get("file")]) {
      sizes.push((await new Response(body).arrayBuffer()).byteLength);
      let piped = 0;
      const stream = new Response(body).body.pipeThrough(new TransformStream());
      for await (const chunk of stream) piped += chunk.length;
      sizes.push(piped);
    }
    clearTimeout(late);
    // Each form has a boundary of its own, of some length.
    const same = Math.abs(sizes[0] - sizes[1]) < 100;
    return Response.json({ fired, same, file: sizes.slice(2) });
  },

  // Waits for what nothing can settle.
  stuck({ query, ctx }) {
    const never = new Promise(() => {});
    switch (query("where")) {
      case "handler":
        return never;
      case "stream":
        return new Response(
          new ReadableStream(
            { start: (it) => it.enqueue(encoder.encode("some")), pull: () => never },
            { highWaterMark: 0 },
          ),
        );
      case "after":
        ctx.waitUntil(never);
        return new Response("some");
    }
  },
};
