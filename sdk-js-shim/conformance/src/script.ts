// Carries a script out, in the three places where a step can run.

import { type Context, type BodyError, headerText, withTrailers } from "@edgewit/sdk";
import * as log from "@edgewit/sdk/log";
import { bodies } from "./bodies.js";
import { Body } from "./body.js";
import { caseOf } from "./cases.js";
import { echo } from "./echo.js";
import { ends } from "./ends.js";
import { fetching } from "./fetching.js";
import { replies, Reply } from "./replies.js";
import { requests } from "./requests.js";
import { routes } from "./routes.js";
import { stores } from "./stores.js";
import { system } from "./system.js";
import { waiting } from "./waiting.js";
import { Mistake, Operands, Prevented, Report } from "./words.js";

/** Carries a step out; without a report it is `ok`. */
export type Verb = (run: Run, operands: Operands) => Report | void | Promise<Report | void>;

export type Verbs = Readonly<Record<string, Verb>>;

const VERBS: Verbs = {
  ...requests,
  ...bodies,
  ...replies,
  ...fetching,
  ...waiting,
  ...stores,
  ...routes,
  ...system,
  ...echo,
  ...ends,
};

interface Step {
  verb: string;
  operands: Operands;
}

/** What ends a turn of steps before they are used up. */
export type Turn =
  | { kind: "source" }
  | { kind: "fail"; text: string }
  | { kind: "give"; times: number; bytes: Uint8Array }
  | { kind: "end"; trailers: Headers }
  | { kind: "break"; error: BodyError };

/** The steps in the fields of a request; none if it has no script. */
export function stepsOf(headers: Headers): Step[] {
  const field = headerText(headers, "conformance");
  if (field === undefined) return [];
  return field.split(",").map((line) => {
    const [verb = "", ...words] = line.trim().split(" ");
    return { verb, operands: new Operands(words) };
  });
}

/** Runs the steps of the handler, and leaves the others to the body and to what comes after the reply. */
export async function run(c: Context, steps: Step[]): Promise<Response> {
  const place = steps.findIndex((step) => step.verb === "after");
  const after = place < 0 ? [] : steps.splice(place).slice(1);
  const run = new Run(c, steps);
  c.afterReply(async (error) => {
    run.sent = { error };
    run.steps = after;
    const turn = await run.advance();
    if (turn !== undefined) throw new Mistake("script: this step has no place after the reply");
  });
  const turn = await run.advance();
  switch (turn?.kind) {
    case undefined:
      return run.answer();
    case "source":
      run.reply.source = run.source();
      return run.answer();
    case "fail":
      throw new Error(turn.text);
    default:
      throw new Mistake("script: this step is one of a source");
  }
}

/** A script and what its steps have made so far. */
export class Run {
  readonly c: Context;
  readonly reply: Reply;
  steps: Step[];
  /** How the reply went, once it is over. */
  sent: { error: BodyError | undefined } | undefined;
  /** What ends the turn, by the step that runs. */
  turn: Turn | undefined;
  /** What `grow` holds. */
  readonly memory: Uint8Array[] = [];
  /** By the names of the script; `undefined` once dropped or used up. */
  readonly #handles = new Map<string, object | undefined>();
  #lines = "";

  constructor(c: Context, steps: Step[]) {
    this.c = c;
    this.steps = steps;
    this.reply = new Reply(c);
    this.keep("request", new Body(c.request));
  }

  /** Runs steps until one ends the turn, or all are done. Throws what is wrong with the script. */
  async advance(): Promise<Turn | undefined> {
    for (let step = this.steps.shift(); step !== undefined; step = this.steps.shift()) {
      this.say(await this.#carryOut(step));
      const { turn } = this;
      this.turn = undefined;
      if (turn !== undefined) return turn;
    }
    return undefined;
  }

  async #carryOut({ verb, operands }: Step): Promise<Report> {
    try {
      const carryOut = VERBS[verb];
      if (carryOut === undefined) return Report.unsupported();
      return (await carryOut(this, operands)) ?? Report.ok();
    } catch (error) {
      if (error instanceof Mistake) throw new Mistake(`script: ${verb}: ${error.message}`);
      if (error instanceof Prevented) return Report.prevented();
      const report = caseOf(error);
      if (report === undefined) throw error;
      return report;
    }
  }

  /** Reports a line. */
  say(line: Report): void {
    log.event("info", String(line), { target: "conformance" });
    this.#lines += `${line}\n`;
  }

  answer(): Response {
    if (!this.reply.isShaped) this.reply.text = this.#lines;
    return this.reply.toResponse();
  }

  /** The body that the steps left make. */
  source(): ReadableStream<Uint8Array> {
    let giving = { times: 0, bytes: new Uint8Array() };
    let trailers: Headers | undefined;
    const next = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
      if (giving.times === 0) {
        const turn = await this.advance();
        if (turn === undefined) return controller.close();
        if (turn.kind === "break") throw turn.error;
        if (turn.kind === "end") {
          trailers = turn.trailers;
          return controller.close();
        }
        if (turn.kind !== "give") throw new Mistake("script: this step is one of a handler");
        giving = { times: turn.times, bytes: turn.bytes.slice() };
        if (giving.times === 0) return next(controller);
      }
      giving.times--;
      controller.enqueue(giving.bytes);
    };
    // Nothing is made before it is asked for.
    const stream = new ReadableStream<Uint8Array>({ pull: next }, { highWaterMark: 0 });
    const hasEnd = this.steps.some((step) => step.verb === "end");
    return hasEnd ? withTrailers(stream, () => trailers) : stream;
  }

  /** Keeps what a step has made, by a name that is not given yet. */
  keep(name: string, value: object): void {
    if (this.#handles.has(name)) throw new Mistake(`\`${name}\` is given twice`);
    this.#handles.set(name, value);
  }

  /** What an earlier step has made, of any kind. */
  any(name: string): object {
    if (!this.#handles.has(name)) throw new Mistake(`\`${name}\` is not given`);
    const value = this.#handles.get(name);
    if (value === undefined) throw new Mistake(`\`${name}\` is used up`);
    return value;
  }

  /** What an earlier step has made. */
  get<T extends object>(name: string, type: abstract new (...args: never[]) => T): T {
    const value = this.any(name);
    if (!(value instanceof type)) throw new Mistake(`\`${name}\` is something else`);
    return value;
  }

  /** What an earlier step has made, used up by this one. */
  take<T extends object>(name: string, type: abstract new (...args: never[]) => T): T {
    const value = this.get(name, type);
    this.#handles.set(name, undefined);
    return value;
  }
}
