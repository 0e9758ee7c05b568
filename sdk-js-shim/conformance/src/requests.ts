import type { Verbs } from "./script.js";
import { Report } from "./words.js";

export const requests: Verbs = {
  "req.method": ({ c }) => Report.ok().value(c.request.method),
  "req.uri": ({ c }) => Report.ok().value(c.request.url),
  "req.fields": ({ c }) => Report.ok().fields(c.request.headers),
  "req.field": ({ c }, operands) => Report.ok().field(c.request.headers, operands.text(0)),
  "req.id": ({ c }) => Report.ok().value(c.requestId),
  "req.client": ({ c }) => Report.ok().value(c.client),
  "req.attribute": ({ c }, operands) => Report.ok().value(c.attributes.get(operands.text(0))),
  "req.query": ({ c }, operands) => Report.ok().value(c.query(operands.text(0))),
};
