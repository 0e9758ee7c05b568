import { attributes, type EdgeInit, redirects, setTrailers, upload } from "@edgewit/sdk";
import { Body } from "./body.js";
import { caseOf } from "./cases.js";
import type { Run, Verbs } from "./script.js";
import { reactions } from "./waiting.js";
import { Mistake, type Operands, Report } from "./words.js";

/** A request that is not sent yet. */
class Draft {
  readonly uri: string;
  readonly edge: EdgeInit & { hints: [string, string][] } = { hints: [] };
  readonly headers = new Headers();
  readonly #method: string;
  body: BodyInit | null = null;
  redirect: RequestRedirect = "follow";

  constructor(method: string, uri: string) {
    this.#method = method;
    this.uri = uri;
  }

  init(controller: AbortController | undefined): RequestInit {
    const signal = controller?.signal ?? null;
    const { headers, body, redirect, edge } = this;
    return { method: this.#method, headers, body, redirect, edge, signal, duplex: "half" };
  }
}

/** A request on its way. */
export class Pending {
  readonly #respond: () => Promise<Response>;
  readonly #controller: AbortController | undefined;

  /** `respond` is called by steps that want the response. */
  constructor(respond: () => Promise<Response>, controller: AbortController | undefined) {
    this.#respond = respond;
    this.#controller = controller;
  }

  get response(): Promise<Response> {
    return this.#respond();
  }

  ready(): Promise<unknown> {
    return this.response;
  }

  drop(): void {
    this.#controller?.abort();
  }
}

/** A request's body that steps write. */
export class Upload {
  readonly writable: WritableStream<Uint8Array>;
  readonly writer: WritableStreamDefaultWriter<Uint8Array>;

  constructor(writable: WritableStream<Uint8Array>) {
    this.writable = writable;
    this.writer = writable.getWriter();
    // What it broke off with is told by the step that writes next.
    this.writer.closed.catch(() => {});
  }

  async ready(): Promise<void> {
    await this.writer.ready;
  }

  async drop(): Promise<void> {
    await this.writer.abort();
  }
}

const TIMEOUTS = {
  connect: "connectMs",
  "first-byte": "firstByteMs",
  "between-bytes": "betweenBytesMs",
  total: "totalMs",
} as const;

const REDIRECTS: readonly RequestRedirect[] = ["follow", "manual", "error"];

export const fetching: Verbs = {
  "fetch.new"(run, operands) {
    run.keep(operands.word(0), new Draft(operands.units(1), operands.text(2)));
  },
  "fetch.field"(run, operands) {
    draft(run, operands).headers.append(operands.units(1), operands.units(2));
  },
  "fetch.bytes"(run, operands) {
    draft(run, operands).body = operands.bytes(1);
  },
  "fetch.forward"(run, operands) {
    draft(run, operands).body = run.get(operands.word(1), Body).rest();
  },
  "fetch.redirect"(run, operands) {
    const how = REDIRECTS.find((how) => how === operands.word(1));
    if (how === undefined) throw new Mistake("no way to redirect");
    draft(run, operands).redirect = how;
  },
  "fetch.timeout"(run, operands) {
    const which = operands.word(1);
    if (!(which in TIMEOUTS)) throw new Mistake(`\`${which}\` is no timeout`);
    draft(run, operands).edge[TIMEOUTS[which as keyof typeof TIMEOUTS]] = operands.number(2);
  },
  "fetch.hint"(run, operands) {
    draft(run, operands).edge.hints.push(...operands.pairs(1));
  },
  "fetch.send": send,
  "fetch.stream"(run, operands) {
    const draft = run.take(operands.word(0), Draft);
    const controller = controllerOf(run, operands.word(1));
    const started = upload(draft.uri, draft.init(controller));
    run.keep(operands.word(1), new Pending(() => started.response, controller));
    run.keep(operands.word(2), new Upload(started.writable));
  },
  async "fetch.write"(run, operands) {
    await run.get(operands.word(0), Upload).writer.write(operands.bytes(1));
  },
  async "fetch.finish"(run, operands) {
    const { writable, writer } = run.take(operands.word(0), Upload);
    const trailers = operands.fields(1);
    if ([...trailers].length > 0) setTrailers(writable, trailers);
    await writer.close();
  },
  async "fetch.wait"(run, operands) {
    const pending = run.take(operands.word(0), Pending);
    return arrived(run, operands.word(1), await pending.response);
  },
  async "fetch.cancel"(run, operands) {
    const pending = run.take(operands.word(0), Pending);
    pending.drop();
    await pending.response;
  },
  async "fetch.get"(run, operands) {
    return arrived(run, operands.word(1), await fetch(operands.text(0)));
  },
  "res.fields": (run, operands) => Report.ok().fields(response(run, operands).headers),
  "res.field": (run, operands) =>
    Report.ok().field(response(run, operands).headers, operands.text(1)),
  "res.uri": (run, operands) => Report.ok().value(response(run, operands).url),
  "res.redirects": (run, operands) => Report.ok().word(redirects(response(run, operands))),
  "res.attribute": (run, operands) =>
    Report.ok().value(attributes(response(run, operands)).get(operands.text(1))),
};

function draft(run: Run, operands: Operands): Draft {
  return run.get(operands.word(0), Draft);
}

function response(run: Run, operands: Operands): Response {
  const { message } = run.get(operands.word(0), Body);
  if (message instanceof Response) return message;
  throw new Mistake("no response");
}

/** Keeps a response, and reports its status. */
function arrived(run: Run, name: string, response: Response): Report {
  run.keep(name, new Body(response));
  return Report.ok().word(response.status);
}

/** What gives up a request that a later step does: a body that may be aborted is not handed on unread. */
function controllerOf({ steps }: Run, name: string): AbortController | undefined {
  const isGivenUp = steps.some(
    ({ verb, operands }) =>
      (verb === "drop" || verb === "fetch.cancel") && operands.word(0) === name,
  );
  return isGivenUp ? new AbortController() : undefined;
}

async function send(run: Run, operands: Operands): Promise<Report> {
  const draft = run.take(operands.word(0), Draft);
  const controller = controllerOf(run, operands.word(1));
  const response = fetch(draft.uri, draft.init(controller));
  // Of what comes later a step may hear late, or never.
  const refused = response.then(
    () => undefined,
    (error: unknown) => caseOf(error),
  );
  // `fetch` tells by its promise alone; what the host refuses at once has rejected it already.
  const report = await Promise.race([refused, reactions(1)]);
  if (report !== undefined) return report;
  run.keep(operands.word(1), new Pending(() => response, controller));
  return Report.ok();
}
