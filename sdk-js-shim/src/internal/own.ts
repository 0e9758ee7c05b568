/**
 * The classes as the platform or the SDK has them. An application may put its own in the place of the globals, which
 * nothing is to be asked of before it is called.
 */
export const own: {
  Headers: typeof Headers;
  Request: typeof Request;
  Response: typeof Response;
} = {
  Headers: globalThis.Headers,
  Request: globalThis.Request,
  Response: globalThis.Response,
};
