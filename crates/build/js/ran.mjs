// A reporter of Node's runner, beside the one that is read: where no test ran, it says so and has the runner fail.

import { resolve } from "node:path";

const NONE =
  "no test ran: one is a call of `test` of `node:test` that is not skipped, and has in its name what is behind `--`\n";

export default async function* ran(events) {
  let hasRun = false;
  for await (const { type, data } of events) hasRun ||= type === "test:fail" || isTest(type, data);
  if (hasRun) return;
  process.exitCode = 1;
  yield NONE;
}

/** Whether a test has passed, and neither a group of them nor a file, which counts as one where it has none. */
function isTest(type, { details, file, name, skip }) {
  if (type !== "test:pass" || details.type === "suite") return false;
  return (skip ?? false) === false && resolve(name) !== file;
}
