// `console.table`, drawn as Node does.

import { inspect } from "node-inspect-extracted";

type Row = Map<string, string>;

/** A table with a row for each of the members of `data`, and a column for each of theirs that `wanted` names. */
export function drawTable(data: object, wanted?: readonly string[]): string {
  const isMap = data instanceof Map;
  const index = isMap || data instanceof Set ? "(iteration index)" : "(index)";
  const members: [unknown, unknown][] = isMap ? [...data] : membersOf(data);
  const rows = members.map(([key, value], at): Row => {
    const named: [string, string][] = isMap
      ? [
          [index, String(at)],
          ["Key", cell(key)],
        ]
      : [[index, String(key)]];
    return new Map([...named, ...cellsOf(value, wanted)]);
  });
  const columns = new Set([index, ...(wanted ?? [])]);
  // Values that are no objects come last, in a column of their own.
  for (const row of rows) for (const name of row.keys()) if (name !== VALUES) columns.add(name);
  if (rows.some((row) => row.has(VALUES))) columns.add(VALUES);
  return draw([...columns], rows);
}

const VALUES = "Values";

function membersOf(data: object): [unknown, unknown][] {
  return data instanceof Set ? [...data].map((value, at) => [at, value]) : Object.entries(data);
}

function cellsOf(value: unknown, wanted: readonly string[] | undefined): [string, string][] {
  if (typeof value !== "object" || value === null) return [[VALUES, cell(value)]];
  const all = Object.entries(value).map(([name, member]): [string, string] => [name, cell(member)]);
  return wanted === undefined ? all : all.filter(([name]) => wanted.includes(name));
}

function cell(value: unknown): string {
  return inspect(value, { depth: 0, maxArrayLength: 3, breakLength: Infinity });
}

function draw(columns: string[], rows: Row[]): string {
  const widths = columns.map((name) =>
    Math.max(name.length, ...rows.map((row) => row.get(name)?.length ?? 0)),
  );
  const line = ([left, middle, right]: string) =>
    left + widths.map((width) => "─".repeat(width + 2)).join(middle) + right;
  const filled = (cells: string[]) =>
    `│${cells.map((text, at) => ` ${text.padEnd(widths[at]!)} `).join("│")}│`;
  const drawn = rows.map((row) => filled(columns.map((name) => row.get(name) ?? "")));
  return [line("┌┬┐"), filled(columns), line("├┼┤"), ...drawn, line("└┴┘")].join("\n");
}
