/** The streams of which something was read, whoever read it. */
export const touched = new WeakSet<ReadableStream>();
