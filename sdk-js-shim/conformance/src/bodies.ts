import { bodyLength, EdgewitError, trailers } from "@edgewit/sdk";
import { Body } from "./body.js";
import { caseOf } from "./cases.js";
import type { Run, Verbs } from "./script.js";
import { type Operands, Report } from "./words.js";

export const bodies: Verbs = {
  "body.length": (run, operands) => Report.ok().value(text(bodyLength(message(run, operands)))),
  async "body.read"(run, operands) {
    return Report.ok().value(await body(run, operands).read());
  },
  async "body.read-exactly"(run, operands) {
    return Report.ok().value(await body(run, operands).readExactly(operands.number(1)));
  },
  async "body.read-all"(run, operands) {
    const bytes = await message(run, operands).arrayBuffer();
    return Report.ok().value(new Uint8Array(bytes));
  },
  "body.drain": drain,
  "body.trailers"(run, operands) {
    const { message, stream } = body(run, operands);
    const fields = trailers(stream ?? message);
    return fields === undefined ? Report.ok().value(undefined) : Report.ok().fields(fields);
  },
  async "body.text"(run, operands) {
    return Report.ok().value(await message(run, operands).text());
  },
  async "body.json"(run, operands) {
    return Report.ok().value(JSON.stringify(await message(run, operands).json()));
  },
  async "body.json-integer"(run, operands) {
    const { n } = await exactJson(message(run, operands));
    return Report.ok().word(n);
  },
};

function body(run: Run, operands: Operands): Body {
  return run.get(operands.word(0), Body);
}

function message(run: Run, operands: Operands): Request | Response {
  return body(run, operands).message;
}

function text(number: bigint | undefined): string | undefined {
  return number === undefined ? undefined : String(number);
}

async function drain(run: Run, operands: Operands): Promise<Report> {
  const from = body(run, operands);
  let length = 0;
  try {
    for (let chunk = await from.read(); chunk !== undefined; chunk = await from.read()) {
      length += chunk.length;
      // Else a long body fills the memory before the collector runs.
      release(chunk);
    }
  } catch (error) {
    const report = caseOf(error);
    if (report === undefined) throw error;
    return report.word(length);
  }
  return Report.ok().word(length);
}

/** Gives the memory of bytes back, which nobody can read afterwards. */
function release(bytes: Uint8Array): void {
  // Node 20 has no such method, and memory enough.
  if (bytes.buffer instanceof ArrayBuffer) bytes.buffer.transfer?.(0);
}

/** A string, whatever it holds, or a number: in JSON no digit is anywhere else. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;

/**
 * A message's body as an object whose `n` is an integer of 64 bits, with all of its digits.
 * Throws: `EdgewitError` with the code `json` if it is something else.
 */
export async function exactJson(
  message: Request | Response,
): Promise<{ n: bigint; name: unknown }> {
  const bytes = await message.arrayBuffer();
  try {
    const { n, name } = parsed(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof n === "bigint" && BigInt.asIntN(64, n) === n) return { n, name };
  } catch (cause) {
    throw new EdgewitError("json", "the body is not JSON", { cause });
  }
  throw new EdgewitError("json", "`n` is no integer of 64 bits");
}

/** The value of JSON, its integers as `bigint`. A reviver that is told the source is younger than Node 20. */
function parsed(json: string): { n?: unknown; name?: unknown } {
  const plain = JSON.stringify(JSON.parse(json));
  let mark = "integer:";
  while (plain.includes(mark)) mark += ":";
  const marked = json.replace(TOKENS, (token) =>
    /^-?\d+$/.test(token) ? JSON.stringify(mark + token) : token,
  );
  return JSON.parse(marked, (_, value: unknown) =>
    typeof value === "string" && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value,
  );
}
