import type { http } from "./generated/edge.js";
import { binary, bytesOf, textOf, utf8 } from "./internal/text.js";

/**
 * The value of a field as text: its bytes as UTF-8, with U+FFFD for what is none. `headers.get`
 * gives one unit a byte. The name has any case; several fields of one name are joined by `, `.
 * `undefined` if there is no such field.
 * Throws: `TypeError` if the name is not a token of RFC 9110.
 */
export function headerText(headers: Headers, name: string): string | undefined {
  const bytes = headerBytes(headers, name);
  return bytes && textOf(bytes);
}

/**
 * The bytes of a field's value, as they were sent. The name has any case; several fields of one
 * name are joined by `, `. `undefined` if there is no such field.
 * Throws: `TypeError` if the name is not a token of RFC 9110.
 */
export function headerBytes(headers: Headers, name: string): Uint8Array | undefined {
  const value = headers.get(name);
  return value === null ? undefined : bytesOf(value);
}

/**
 * Puts a field with `text`, as UTF-8, in the place of all of its name.
 * Throws: `TypeError` if the name is not a token of RFC 9110, or the text holds a line break, a NUL
 * or a lone surrogate.
 */
export function setHeaderText(headers: Headers, name: string, text: string): void {
  headers.set(name, utf8Value(text));
}

/**
 * Adds a field with `text`, as UTF-8, behind those of its name.
 * Throws: as {@link setHeaderText}.
 */
export function appendHeaderText(headers: Headers, name: string, text: string): void {
  headers.append(name, utf8Value(text));
}

function utf8Value(text: string): string {
  if (!text.isWellFormed()) {
    throw new TypeError("a field's value holds a lone surrogate, which is no UTF-8");
  }
  return binary(utf8(text));
}

// The platform's own, which the SDK has say more on what it refuses: for each request that is dear.
const PlatformHeaders = Headers;
const { append } = Headers.prototype;

/**
 * The platform's type of a host's fields. Throws: its `TypeError` for a name or a value that it
 * does not take.
 */
export function toHeaders(fields: readonly http.Field[]): Headers {
  const headers = new PlatformHeaders();
  for (let index = 0; index < fields.length; index++) {
    const field = fields[index] as http.Field;
    append.call(headers, field[0], binary(field[1]));
  }
  return headers;
}

/** A host's fields of the platform's type: names in lower case, each `set-cookie` by itself. */
export function fromHeaders(headers: Headers): http.Field[] {
  const fields: http.Field[] = [];
  // Taking a pair apart iterates it, which is dear.
  for (const pair of headers) fields.push([pair[0], bytesOf(pair[1])]);
  return fields;
}
