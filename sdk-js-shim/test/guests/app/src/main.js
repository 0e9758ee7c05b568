// An application whose path says what it does.

import { absent } from "./absent.js";
import { bodies } from "./bodies.js";
import { engine } from "./engine.js";
import { failing } from "./failing.js";
import { fetching } from "./fetching.js";
import { fields } from "./fields.js";
import { handling } from "./handling.js";
import { leaking } from "./leaking.js";
import { printing } from "./printing.js";
import { random } from "./random.js";
import { replies } from "./replies.js";
import { timers } from "./timers.js";

const routes = {
  ...absent,
  ...bodies,
  ...engine,
  ...failing,
  ...fetching,
  ...fields,
  ...handling,
  ...leaking,
  ...printing,
  ...random,
  ...replies,
  ...timers,
};

export default {
  name: "the application",
  fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    const query = (name) => searchParams.get(name);
    query.all = (name) => searchParams.getAll(name);
    const route = routes[pathname.slice(1)];
    if (route === undefined) return new Response(null, { status: 404 });
    return route({ request, env, ctx, query, app: this });
  },
};
