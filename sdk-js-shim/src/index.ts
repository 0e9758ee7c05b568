export * from "./context.js";
export {
  BodyError,
  type BodyErrorCode,
  EdgewitError,
  type ErrorCode,
  FetchError,
  type FetchErrorCode,
  KvError,
  type KvErrorCode,
  type SdkErrorCode,
} from "./errors.js";
export { appendHeaderText, headerBytes, headerText, setHeaderText } from "./fields.js";
export { FixedLengthStream, withLength } from "./fixed-length.js";
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
export type { Context, ErrorHandler, Handler, Middleware, Next } from "./router.js";
export { App, Router } from "./router.js";
export { abort, monotonic, now, random } from "./system.js";
export { type Upload, readExactly, rest, upload } from "./upload.js";
