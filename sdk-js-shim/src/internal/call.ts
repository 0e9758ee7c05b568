// An application called in process, as a host would.

import type { Env, ExecutionContext } from "../context.js";
import { BodyError, chain } from "../errors.js";
import { event } from "../log.js";
import { toReturned } from "./returned.js";
import { Work } from "./work.js";

/** What contexts of other platforms have, and ours has not: the types of applications for several may ask for it. */
type Absent = Readonly<Record<"exports" | "passThroughOnException" | "props", never>>;

/** What a host calls of an application. */
export type Fetch = (
  request: Request,
  env: Env,
  ctx: ExecutionContext & Absent,
) => Response | Promise<Response>;

let calls = 0;

export async function callInProcess(
  fetch: Fetch,
  input: string | URL | Request,
  init?: RequestInit,
  env: Env = {},
): Promise<Response> {
  const request = new Request(
    input instanceof Request ? input : new URL(input, "http://localhost"),
    init,
  );
  const left = new Work(
    {
      requestId: `test-${++calls}`,
      client: "127.0.0.1",
      attributes: [["network.protocol.version", "1.1"]],
    },
    report,
  );
  const response = await answer(fetch, request, env, left);
  const body = request.method === "HEAD" ? null : response.body;
  if (body === null) {
    await response.body?.cancel();
    await left.finish(undefined);
    return new Response(null, response);
  }
  return new Response(watched(body, left), response);
}

async function answer(
  fetch: Fetch,
  request: Request,
  env: Env,
  ctx: ExecutionContext,
): Promise<Response> {
  try {
    return toReturned(await fetch(request, env, ctx as ExecutionContext & Absent));
  } catch (error) {
    // Who runs the test is to see where it was thrown.
    console.error(error);
    report(error);
    return new Response(null, { status: 500 });
  }
}

/** A body behind whose end no work is left. */
function watched(body: ReadableStream<Uint8Array>, left: Work): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller) {
      const next = await reader.read().catch(async (error: unknown) => {
        await left.finish(
          error instanceof BodyError ? error : new BodyError({ tag: "other", val: chain(error) }),
        );
        throw error;
      });
      if (next.done) {
        await left.finish(undefined);
        controller.close();
      } else {
        controller.enqueue(next.value);
      }
    },
    async cancel(reason) {
      await reader.cancel(reason);
      await left.finish(new BodyError({ tag: "closed" }));
    },
  });
}

function report(error: unknown): void {
  event("error", chain(error), { target: "edgewit" });
}
