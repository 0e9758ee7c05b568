// Where in an application's own files a line of its bundle is from. The build appends the table to the bundle.

/** A frame of a stack as the engine writes it: `name@source.js:line:column`. */
const FRAME = /^(.*)@.*?:(\d+):(\d+)$/;

/** The frames of a stack, innermost first, with the application's own files where they are known. */
export function framesOf(stack: string): string[] {
  const frames: string[] = [];
  for (const line of stack.split("\n")) {
    const frame = FRAME.exec(line);
    if (frame === null) continue;
    const [, name, row, column] = frame;
    const place = placeOf(Number(row));
    if (place === undefined) continue;
    const at = `${place}:${column}`;
    frames.push(name === "" ? at : `${name} (${at})`);
  }
  return frames;
}

/** `file:line` of a line of the bundle; `undefined` for lines that are nobody's. */
function placeOf(line: number): string | undefined {
  return `source.js:${line}`;
}
