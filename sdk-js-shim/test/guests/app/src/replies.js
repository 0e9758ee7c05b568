// Replies that are made while they are sent.

import { FixedLengthStream } from "@edgewit/sdk";

const encoder = new TextEncoder();

export const replies = {
  // As much as is taken, of pieces as large as asked for; it says how many were made.
  pieces({ query }) {
    let left = Number(query("pieces"));
    const piece = new Uint8Array(Number(query("bytes"))).fill(120);
    const body = new ReadableStream({
      pull(controller) {
        if (left-- === 0) return controller.close();
        console.info("made a piece");
        controller.enqueue(piece);
      },
      async cancel(reason) {
        console.info(`cancelled: ${reason.name}: ${reason.message}`);
        if (query("gate")) await fetch(query("gate"));
        console.info("cancelled to the end");
        if (query("fail")) throw new Error("no way to stop");
      },
    });
    return new Response(body);
  },

  async gated({ query }) {
    let made = 0;
    const body = new ReadableStream({
      async pull(controller) {
        await fetch(query("gate"));
        controller.enqueue(encoder.encode(`piece ${++made}`));
      },
      cancel: () => console.info("cancelled"),
    });
    return new Response(body);
  },

  breaking({ query }) {
    let made = 0;
    const body = new ReadableStream({
      pull(controller) {
        if (++made === 3) throw new Error("lost", { cause: new RangeError("beneath") });
        controller.enqueue(query("kind") === "text" ? "no bytes" : encoder.encode(`${made}`));
      },
    });
    return new Response(body);
  },

  // Promises a length and writes another, or the same.
  async fixed({ query, ctx }) {
    const { readable, writable } = new FixedLengthStream(Number(query("length")));
    const write = async () => {
      const writer = writable.getWriter();
      for (let n = 0; n < Number(query("pieces")); n++) await writer.write(encoder.encode("12345"));
      await writer.close();
    };
    ctx.waitUntil(
      write().then(
        () => console.info("written"),
        (error) => console.info(`refused: ${error.message}`),
      ),
    );
    return new Response(readable);
  },

  // As it is used with an own TransformStream: written to while it is read.
  events({ query }) {
    const { readable, writable } = new TransformStream();
    const write = async () => {
      const writer = writable.getWriter();
      for (let n = 0; n < Number(query("events")); n++) {
        await writer.write(encoder.encode(`data: event ${String(n).padStart(4, "0")}\n\n`));
      }
      await writer.close();
    };
    void write();
    return new Response(readable, { headers: { "content-type": "text/event-stream" } });
  },

  echo({ request }) {
    const upper = new TransformStream({
      transform(chunk, controller) {
        controller.enqueue(encoder.encode(new TextDecoder().decode(chunk).toUpperCase()));
      },
    });
    return new Response(request.body.pipeThrough(upper));
  },
};
