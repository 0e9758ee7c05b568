// What the engine lacks of the Web or does otherwise, and applications need.
//
// Each entry says how the engine is asked whether it has the thing by now. Nothing that works is replaced, so an entry
// goes once the engine answers yes: a test asks it without the SDK.

import { type Lack, lacks as young } from "../lacks.js";
import * as bodies from "./bodies.js";
import * as crypto from "./crypto.js";
import * as disturbed from "./disturbed.js";
import * as forms from "./forms.js";
import * as keys from "./keys.js";
import * as messages from "./messages.js";
import * as parts from "./parts.js";
import * as properties from "./properties.js";
import * as rejections from "./rejections.js";
import * as signals from "./signals.js";
import * as stacks from "./stacks.js";
import * as streams from "./streams.js";
import * as tags from "./tags.js";
import * as tee from "./tee.js";
import * as writables from "./writables.js";

export const lacks: Record<string, Lack> = {
  ...young,
  ...disturbed.lacks,
  ...bodies.lacks,
  ...forms.lacks,
  ...keys.lacks,
  // Of its keys, too.
  ...crypto.lacks,
  ...messages.lacks,
  ...properties.lacks,
  ...signals.lacks,
  ...stacks.lacks,
  ...streams.lacks,
  // Of what streams bring, too.
  ...parts.lacks,
  ...rejections.lacks,
  ...tags.lacks,
  ...tee.lacks,
  ...writables.lacks,
};
