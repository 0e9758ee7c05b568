import type { ExecutionContext } from "../context.js";
import type { BodyError } from "../errors.js";
import { toMap } from "../message.js";

type Task = (error: BodyError | undefined) => unknown;

/** What the host says of a request beside the request itself. */
interface Info {
  requestId: string;
  client?: string | undefined;
  attributes: readonly (readonly [string, string])[];
}

/** The context of one request, and the work that its reply does not wait for. */
export class Work implements ExecutionContext {
  readonly requestId: string;
  readonly client: string | undefined;
  #attributes: Info["attributes"] | Map<string, string>;
  readonly #report: (error: unknown) => void;
  readonly #tasks: Task[] = [];
  readonly #work: Promise<void>[] = [];

  /** `report` is called with what a piece of work failed with. */
  constructor(info: Info, report: (error: unknown) => void) {
    this.requestId = info.requestId;
    this.client = info.client;
    this.#attributes = info.attributes;
    this.#report = report;
  }

  // Made where it is asked for first: most requests never do.
  get attributes(): ReadonlyMap<string, string> {
    const known = this.#attributes;
    return known instanceof Map ? known : (this.#attributes = toMap(known));
  }

  waitUntil(work: PromiseLike<unknown>): void {
    // It would be ignored otherwise, as what is no promise is done already.
    if (typeof work === "function")
      throw new TypeError("waitUntil takes a promise: call the function");
    // What fails before anybody waits for it must not count as a rejection that nobody handled.
    this.#work.push(Promise.resolve(work).then(() => {}, this.#report));
  }

  afterReply(task: Task): void {
    this.#tasks.push(task);
  }

  /** Whether there is nothing to do: most requests leave nothing behind, and need no loop for it. */
  get isDone(): boolean {
    return this.#tasks.length === 0 && this.#work.length === 0;
  }

  /** Runs the tasks, and waits for the rest; either may add to both. `error` is what ended the reply. */
  async finish(error: BodyError | undefined): Promise<void> {
    for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) {
      try {
        await task(error);
      } catch (thrown) {
        this.#report(thrown);
      }
    }
    for (let work = this.#work.shift(); work !== undefined; work = this.#work.shift()) {
      await work;
    }
    if (this.#tasks.length > 0) await this.finish(error);
  }
}
