// Bodies that are forms, read. The engine's makes the bytes of a file a text of their numbers, and of what is no form
// an empty one.

import { define } from "../../internal/define.js";
import type { Message } from "../engine.js";
import type { Lack } from "../lacks.js";

const CR = 13;
const DASH = 45;
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

export const lacks: Record<string, Lack> = {
  "formData() with a file": {
    async isThere() {
      const head = 'Content-Disposition: form-data; name="a"; filename="b"';
      const file = (await formOf(`--x\r\n${head}\r\n\r\nc\r\n--x--\r\n`)?.catch(() => {}))?.get(
        "a",
      );
      return file instanceof File && (await file.text()) === "c";
    },
    install() {
      for (const prototype of [Request.prototype, Response.prototype]) {
        define(prototype, "formData", function (this: Message) {
          return read(this);
        });
      }
    },
  },
};

function formOf(text: string): Promise<FormData> {
  const headers = { "content-type": "multipart/form-data; boundary=x" };
  return new Response(text, { headers }).formData();
}

async function read(message: Message): Promise<FormData> {
  const type = message.headers.get("content-type") ?? "";
  const form = new FormData();
  if (/^\s*application\/x-www-form-urlencoded\s*(;|$)/i.test(type)) {
    const pairs = new URLSearchParams(DECODER.decode(await message.arrayBuffer()));
    for (const [name, value] of pairs) form.append(name, value);
    return form;
  }
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(type) ?? [];
  const boundary = quoted ?? plain;
  if (!/^\s*multipart\/form-data\s*;/i.test(type) || boundary === undefined) {
    throw new TypeError(`the body is no form, but of the type ${JSON.stringify(type)}`);
  }
  const bytes = new Uint8Array(await message.arrayBuffer());
  for (const [head, content] of partsOf(bytes, ENCODER.encode(`--${boundary}`))) {
    append(form, head, content);
  }
  return form;
}

function append(form: FormData, head: string, content: Uint8Array<ArrayBuffer>): void {
  const [, disposition = ""] = /^content-disposition:\s*form-data\s*(;.*)$/im.exec(head) ?? [];
  const name = parameter(disposition, "name");
  if (name === undefined) throw broken("a part has no name");
  const filename = parameter(disposition, "filename");
  if (filename === undefined) return form.append(name, DECODER.decode(content));
  const [, type = "text/plain"] = /^content-type:\s*(.*?)\s*$/im.exec(head) ?? [];
  form.append(name, new File([content], filename, { type }));
}

/** A parameter, with what HTML writes otherwise. */
function parameter(disposition: string, name: string): string | undefined {
  const [, quoted, plain] =
    new RegExp(`;\\s*${name}=(?:"([^"]*)"|([^\\s;"]+))`, "i").exec(disposition) ?? [];
  return (quoted ?? plain)?.replaceAll("%0A", "\n").replaceAll("%0D", "\r").replaceAll("%22", '"');
}

/** The head and the content of each part. */
function* partsOf(
  bytes: Uint8Array<ArrayBuffer>,
  delimiter: Uint8Array,
): Iterable<[string, Uint8Array<ArrayBuffer>]> {
  let at = startsWith(bytes, 0, delimiter) ? 0 : due(lineOf(bytes, 0, delimiter)) + 2;
  for (;;) {
    at += delimiter.length;
    if (bytes[at] === DASH && bytes[at + 1] === DASH) return;
    const head = due(lineOf(bytes, at)) + 2;
    let line = head;
    for (let end = due(lineOf(bytes, line)); end !== line; end = due(lineOf(bytes, line))) {
      line = end + 2;
    }
    const end = due(lineOf(bytes, line + 2, delimiter));
    yield [DECODER.decode(bytes.subarray(head, line)), bytes.subarray(line + 2, end)];
    at = end + 2;
  }
}

function due(place: number): number {
  if (place < 0) throw broken("a part has no beginning or no end");
  return place;
}

/** Where the next line ends, or the one before a line that begins with `next`; -1 if there is none. */
function lineOf(bytes: Uint8Array, from: number, next?: Uint8Array): number {
  for (let at = bytes.indexOf(CR, from); at >= 0; at = bytes.indexOf(CR, at + 1)) {
    if (bytes[at + 1] !== 10) continue;
    if (next === undefined || startsWith(bytes, at + 2, next)) return at;
  }
  return -1;
}

function startsWith(bytes: Uint8Array, at: number, start: Uint8Array): boolean {
  return start.every((byte, index) => bytes[at + index] === byte);
}

function broken(what: string): TypeError {
  return new TypeError(`the form of the body is broken: ${what}`);
}
