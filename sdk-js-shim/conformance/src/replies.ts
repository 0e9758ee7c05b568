import { BodyError, type Context, setHint, withLength } from "@edgewit/sdk";
import { Body } from "./body.js";
import type { Verbs } from "./script.js";
import { Mistake, Report } from "./words.js";

/** The reply, as far as steps have shaped it. */
export class Reply {
  readonly headers = new Headers();
  readonly hints: [string, string][] = [];
  readonly #c: Context;
  #status: number | undefined;
  #make: ((init: ResponseInit) => Response) | undefined;

  constructor(c: Context) {
    this.#c = c;
  }

  get isShaped(): boolean {
    return this.#status !== undefined || this.#make !== undefined || [...this.headers].length > 0;
  }

  set status(status: number) {
    // The platform tells a status that it does not take here.
    this.#status = new Response(null, { status }).status;
  }

  set body(body: BodyInit | null) {
    this.#make = (init) => new Response(body, init);
  }

  /** A body that is made while it is sent. Its length is promised where a field says one. */
  set source(stream: ReadableStream<Uint8Array>) {
    const length = this.headers.get("content-length");
    this.body = length === null ? stream : withLength(stream, Number(length));
  }

  set text(text: string) {
    this.#make = (init) => this.#c.text(text, init);
  }

  set json(value: unknown) {
    this.#make = (init) => this.#c.json(value, init);
  }

  /** The script's own fields go over those of the SDK's helpers. */
  toResponse(): Response {
    const make = this.#make ?? ((init: ResponseInit) => new Response(null, init));
    const response = make({ status: this.#status ?? 200, headers: this.headers });
    for (const [name, value] of this.hints) setHint(response, name, value);
    return response;
  }
}

const FLOATS: Readonly<Record<string, number>> = { nan: Number.NaN, inf: Number.POSITIVE_INFINITY };

export const replies: Verbs = {
  "reply.status"({ reply }, operands) {
    reply.status = operands.number(0);
  },
  "reply.field"({ reply }, operands) {
    reply.headers.append(operands.units(0), operands.units(1));
  },
  "reply.set"({ reply }, operands) {
    reply.headers.set(operands.units(0), operands.units(1));
  },
  "reply.none"({ reply }) {
    reply.body = null;
  },
  "reply.bytes"({ reply }, operands) {
    reply.body = operands.bytes(0);
  },
  "reply.text"({ reply }, operands) {
    reply.text = operands.text(0);
  },
  "reply.json"({ reply }, operands) {
    reply.json = operands.text(0);
  },
  "reply.json-number"({ reply }, operands) {
    reply.json = FLOATS[operands.word(0)] ?? Number(operands.word(0));
  },
  "reply.forward"(run, operands) {
    run.reply.body = run.get(operands.word(0), Body).rest();
  },
  "reply.hint"({ reply }, operands) {
    reply.hints.push(...operands.pairs(0));
  },
  "reply.source"(run) {
    run.turn = { kind: "source" };
  },
  "reply.fail"(run, operands) {
    run.turn = { kind: "fail", text: operands.text(0) };
  },
  give(run, operands) {
    run.turn = { kind: "give", times: 1, bytes: operands.bytes(0) };
  },
  "give-many"(run, operands) {
    run.turn = { kind: "give", times: operands.number(0), bytes: operands.bytes(1) };
  },
  end(run, operands) {
    run.turn = { kind: "end", trailers: operands.fields(0) };
  },
  break(run, operands) {
    run.turn = { kind: "break", error: brokenOff(operands.word(0)) };
  },
  sent({ sent }) {
    if (sent === undefined) throw new Mistake("the reply is not over");
    if (sent.error !== undefined) throw sent.error;
    return Report.ok();
  },
};

function brokenOff(word: string): BodyError {
  switch (word) {
    case "closed":
    case "incomplete":
    case "timeout":
      return new BodyError({ tag: word });
    case "other":
      return new BodyError({ tag: word, val: "by the script" });
    default:
      throw new Mistake(`\`${word}\` is no error of a source`);
  }
}
