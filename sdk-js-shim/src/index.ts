export * from "./errors.js";
export type { ExecutionContext } from "./context.js";
