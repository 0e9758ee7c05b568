/** The streams of which something was read, whoever read it. */
export const touched: WeakSet<ReadableStream<unknown>> = new WeakSet();
