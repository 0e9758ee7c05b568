// An application called in process, as a host would.

import type { Env, ExecutionContext } from "./context.js";
import { BodyError, chain } from "./errors.js";
import { event } from "./log.js";

type Fetch = (request: Request, env: Env, ctx: ExecutionContext) => Response | Promise<Response>;
type Task = (error: BodyError | undefined) => unknown;

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
  const left = new WorkLeft();
  const response = await answer(fetch, request, env, left);
  const body = request.method === "HEAD" ? null : response.body;
  if (body === null) {
    await response.body?.cancel();
    await left.over(undefined);
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
    return await fetch(request, env, ctx);
  } catch (error) {
    report(error);
    return new Response(null, { status: 500 });
  }
}

/** The work of one request that its reply does not wait for. */
class WorkLeft implements ExecutionContext {
  readonly requestId = `test-${++calls}`;
  readonly client = "127.0.0.1";
  readonly attributes = new Map([["network.protocol.version", "1.1"]]);
  readonly #work: Promise<unknown>[] = [];
  readonly #tasks: Task[] = [];

  waitUntil(work: PromiseLike<unknown>): void {
    this.#work.push(Promise.resolve(work).catch(report));
  }

  afterReply(task: Task): void {
    this.#tasks.push(task);
  }

  /** Runs the tasks, and waits for the rest; either may add to both. */
  async over(error: BodyError | undefined): Promise<void> {
    for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) {
      try {
        await task(error);
      } catch (thrown) {
        report(thrown);
      }
    }
    while (this.#work.length > 0) {
      await this.#work.shift();
    }
    if (this.#tasks.length > 0) {
      await this.over(error);
    }
  }
}

/** A body behind whose end no work is left. */
function watched(body: ReadableStream<Uint8Array>, left: WorkLeft): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller) {
      const next = await reader.read().catch(async (error: unknown) => {
        await left.over(
          error instanceof BodyError ? error : new BodyError({ tag: "other", val: chain(error) }),
        );
        throw error;
      });
      if (next.done) {
        await left.over(undefined);
        controller.close();
      } else {
        controller.enqueue(next.value);
      }
    },
    async cancel(reason) {
      await reader.cancel(reason);
      await left.over(new BodyError({ tag: "closed" }));
    },
  });
}

function report(error: unknown): void {
  event("error", chain(error), { target: "edgewit" });
}
