// Where in an application's own files a line of its bundle is from. The build appends the table to the bundle: one line
// for each file's name, and a last one of runs, from the bundle's first line on, parted by blanks. A run is the number of
// its lines, and, unless they are nobody's, the line in the file that the first of them is from and, where it is another
// than that of the run before, the number of the file: parted by commas, to the base 36.

/** The name under which the build leaves the table. */
const TABLE = Symbol.for("edgewit.lines");

/** A frame of a stack as the engine writes it: `name@source.js:line:column`. */
const FRAME = /^(.*)@.*?:(\d+):(\d+)$/;

/** Files of the SDK's, wherever the build took them from. */
const OWN = /(^|\/)(@edgewit|\.edgewit)\/sdk\//;

/** The frames of a stack in the application's own files, innermost first. */
export function framesOf(stack: string): string[] {
  const frames: string[] = [];
  for (const line of stack.split("\n")) {
    const frame = FRAME.exec(line);
    const place = frame === null ? undefined : placeOf(Number(frame[2]));
    if (frame === null || place === undefined || OWN.test(place)) continue;
    const name = frame[1]!;
    const at = `${place}:${frame[3]}`;
    frames.push(name === "" ? at : `${name} (${at})`);
  }
  return frames;
}

/** `file:line` of a line of the bundle; `undefined` for lines that are nobody's. */
function placeOf(wanted: number): string | undefined {
  const table = (globalThis as { [TABLE]?: unknown })[TABLE];
  if (typeof table !== "string") return undefined;
  const files = table.split("\n");
  let first = 1;
  let file = 0;
  for (const run of files.pop()!.split(" ")) {
    const [count, line, changed] = run.split(",").map((digits) => Number.parseInt(digits, 36));
    file = changed ?? file;
    if (wanted < first + count!) {
      return line === undefined ? undefined : `${files[file]}:${line + wanted - first}`;
    }
    first += count!;
  }
  return undefined;
}
