export * from "./errors.js";
export type { ExecutionContext } from "./context.js";
export { FixedLengthStream } from "./fixed-length.js";
export {
  type EdgeInit,
  attributes,
  bodyLength,
  redirects,
  setHint,
  setTrailers,
  trailers,
  withTrailers,
} from "./message.js";
export { abort, monotonic, now } from "./system.js";
export { type Upload, upload } from "./upload.js";
