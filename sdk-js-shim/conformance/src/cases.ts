// Errors by their names in the WIT, and the SDK's own by those of the contract.

import { BodyError, EdgewitError, KvError } from "@edgewit/sdk";
import { Report } from "./words.js";

const PLATFORM = [TypeError, RangeError, SyntaxError];

/** What is reported of an error; `undefined` if it is none that an application would catch. */
export function caseOf(error: unknown): Report | undefined {
  // The platform's own type has what the SDK knows as its cause.
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof EdgewitError) return ofSdk(at);
  }
  if (error instanceof DOMException && error.name === "AbortError") return Report.err("cancelled");
  const type = PLATFORM.find((type) => error instanceof type);
  return type && Report.thrown(type.name);
}

function ofSdk(error: EdgewitError): Report {
  const report = Report.err(error.code);
  const { cause } = error;
  if (error.code === "request-body" && cause instanceof BodyError) report.word(cause.code);
  const limit = limitOf(error.code === "request-body" ? cause : error);
  return limit === undefined ? report : report.word(limit);
}

function limitOf(error: unknown): bigint | undefined {
  return error instanceof BodyError || error instanceof KvError ? error.limit : undefined;
}
