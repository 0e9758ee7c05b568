// Packages of npm that want more than the engine has.

import { marked } from "marked";
import { z } from "zod";

const visit = z.object({ page: z.string(), mood: z.emoji() });

export default {
  async fetch(request: Request) {
    const text = await request.text();
    switch (new URL(request.url).pathname) {
      // Its regular expressions have properties of Unicode.
      case "/markdown":
        return new Response(marked.parse(text, { async: false }));
      // It throws an error that it makes.
      case "/nothing":
        return new Response(await marked.parse(undefined as unknown as string));
      // The stack of its error is captured, and begins where it was called.
      case "/visit":
        return Response.json(visit.parse(JSON.parse(text)));
    }
    return new Response(null, { status: 404 });
  },
};
