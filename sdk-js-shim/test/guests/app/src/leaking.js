// What must not keep what it was handed.

const MIB = 1024 * 1024;

const many = (mebibytes, extra) => {
  let left = mebibytes;
  return new ReadableStream(
    {
      pull(controller) {
        if (left-- === 0) return controller.close();
        controller.enqueue(new Uint8Array(MIB));
      },
    },
    { highWaterMark: 0 },
  );
};

async function length(body) {
  let bytes = 0;
  for await (const chunk of body) bytes += chunk.length;
  return bytes;
}

export const leaking = {
  async take({ request }) {
    return new Response(String(await length(request.body)));
  },

  async give({ query }) {
    const up = await fetch(query("url"), {
      method: "POST",
      body: many(Number(query("mib"))),
      duplex: "half",
    });
    return new Response(await up.text());
  },

  async fetched({ query }) {
    return new Response(String(await length((await fetch(query("url"))).body)));
  },

  sent: ({ query }) => new Response(many(Number(query("mib")))),

  async calls({ env, query }) {
    const value = new Uint8Array(4096);
    const text = "x".repeat(4096);
    for (let n = 0; n < Number(query("times")); n++) {
      await env.visits.set("key", value);
      console.info(text);
    }
    return new Response(String((await env.visits.get("key")).value.length));
  },

  // One after the other, each with a body that is read, cancelled, left alone or ended by a signal.
  async sequence({ query }) {
    const ends = { read: 0, cancelled: 0, aborted: 0, early: 0 };
    for (let n = 0; n < Number(query("times")); n++) {
      const controller = new AbortController();
      const up = await fetch(query("url"), { signal: controller.signal });
      if (n % 3 === 0) {
        await up.text();
        ends.read += 1;
      } else if (n % 3 === 1) {
        await up.body.cancel();
        ends.cancelled += 1;
      } else {
        const reader = up.body.getReader();
        controller.abort();
        await reader.read().catch(() => (ends.aborted += 1));
      }
      const early = new AbortController();
      const begun = fetch(query("url"), { signal: early.signal });
      early.abort();
      // It may have been answered before.
      await begun.then(
        (late) => late.body.cancel(),
        () => {},
      );
      ends.early += 1;
    }
    return Response.json(ends);
  },
};
