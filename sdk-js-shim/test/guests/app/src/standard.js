// What the standards of the Web say and applications rely on, in a component and under Node alike. Each is a promise of
// `true`, or of what is there instead.

const URL_ = "http://a/";
const encoder = new TextEncoder();

/** `true`, or the first as text. */
function is(value, due) {
  const text = JSON.stringify(value);
  return text === JSON.stringify(due) || text;
}

async function caught(run) {
  try {
    return `no error but ${await run()}`;
  } catch (error) {
    return error instanceof Error ? error.name : error;
  }
}

const post = (body, init) => new Request(URL_, { method: "POST", body, duplex: "half", ...init });

const streamOf = (...texts) =>
  new ReadableStream({
    start(controller) {
      for (const text of texts) controller.enqueue(encoder.encode(text));
      controller.close();
    },
  });

async function all(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const form = () => {
  const form = new FormData();
  form.append("field", "a body");
  return form;
};

/** Requests whose text, read in any way, holds these words. */
const requests = {
  text: () => post("a body"),
  bytes: () => post(encoder.encode("a body")),
  blob: () => post(new Blob(["a body"])),
  form: () => post(form()),
  stream: () => post(streamOf("a ", "body")),
  "a stream of bytes": () =>
    post(
      new ReadableStream({
        type: "bytes",
        start: (it) => (it.enqueue(encoder.encode("a body")), it.close()),
      }),
    ),
};

/** What each of the requests gives, by its name, where that is not `due`. */
async function ofEach(due, ask) {
  const wrong = {};
  for (const [name, make] of Object.entries(requests)) {
    const told = await is(await ask(make()), due);
    if (told !== true) wrong[name] = told;
  }
  return is(wrong, {});
}

const words = (text) => text.includes("a body");

const bodies = {
  "a request that another one is made from has given its body away": () =>
    ofEach([true, false, "TypeError", "TypeError", "TypeError", true], async (request) => {
      const other = new Request(request, { method: "PUT" });
      return [
        request.bodyUsed,
        other.bodyUsed,
        await caught(() => request.text()),
        await caught(() => request.clone()),
        await caught(() => new Request(request)),
        words(await other.text()),
      ];
    }),
  "one with a body of its own leaves it": () =>
    ofEach([false, "other", true], async (request) => {
      const other = new Request(request, { body: "other" });
      return [request.bodyUsed, await other.text(), words(await request.text())];
    }),
  "a body that is `null` is none of its own": () =>
    ofEach([true, true], async (request) => {
      const other = new Request(request, { body: null });
      return [request.bodyUsed, words(await other.text())];
    }),
  "one without a body has none to give": () => {
    const request = new Request(URL_);
    new Request(request);
    return !request.bodyUsed && new Request(request).body === null;
  },
  "a used one may be made anew with another body": () =>
    ofEach("other", async (request) => {
      await request.text();
      return new Request(request, { body: "other" }).text();
    }),
  "a copy leaves both unread": () =>
    ofEach([false, false, true, false, true, true, true], async (request) => {
      const copy = request.clone();
      return [
        request.bodyUsed,
        copy.bodyUsed,
        words(await copy.text()),
        request.bodyUsed,
        copy.bodyUsed,
        words(await request.text()),
        request.bodyUsed,
      ];
    }),
  "a copy, and what it was copied from, give their bodies away": () =>
    ofEach([true, false, true, true], async (request) => {
      const copy = request.clone();
      const one = new Request(request);
      const before = [request.bodyUsed, copy.bodyUsed];
      const other = new Request(copy);
      return [...before, words(await one.text()), words(await other.text())];
    }),
  "a body that is read by another message is used": async () => {
    const one = new Response("a body");
    const other = new Response(one.body);
    const before = one.bodyUsed;
    return is([before, await other.text(), one.bodyUsed], [false, "a body", true]);
  },
  "a body that a reader holds is nobody's to take": () =>
    ofEach([false, "TypeError", "TypeError", "TypeError"], async (request) => {
      request.body.getReader();
      return [
        request.bodyUsed,
        await caught(() => new Request(request)),
        await caught(() => request.text()),
        await caught(() => request.clone()),
      ];
    }),
  "two branches hold a body, which is used once one reads": () =>
    ofEach([false, true, "TypeError", true, true], async (request) => {
      const [one, other] = request.body.tee();
      const before = [request.bodyUsed, request.body.locked, await caught(() => request.text())];
      const texts = await Promise.all([one, other].map((it) => new Response(it).text()));
      return [...before, request.bodyUsed, texts.every(words)];
    }),
  "what is refused leaves a body unread": () =>
    ofEach([Array(5).fill("TypeError"), false], async (request) => {
      const { body } = request;
      const held = new WritableStream();
      held.getWriter();
      const thrown = [
        await caught(() => body.pipeTo(held)),
        await caught(() => body.pipeThrough({ readable: new ReadableStream(), writable: held })),
      ];
      const released = body.getReader();
      released.releaseLock();
      thrown.push(await caught(() => released.cancel()));
      body.getReader();
      thrown.push(await caught(() => body.cancel()));
      thrown.push(await caught(() => body.pipeTo(new WritableStream())));
      return [thrown, request.bodyUsed];
    }),
  "what is not refused reads a body": () =>
    ofEach([true, true, true], (request) => {
      const used = [request, request.clone(), request.clone()];
      void used[0].body.cancel();
      void used[1].body.pipeTo(new WritableStream());
      used[2].body.pipeThrough(new TransformStream());
      return used.map(({ bodyUsed }) => bodyUsed);
    }),
  "a body is given away without a type of its own": async () => {
    const request = post("a body");
    request.headers.delete("content-type");
    const other = new Request(request);
    return is([other.headers.get("content-type"), await other.text()], [null, "a body"]);
  },
  "`fetch` takes the body of a request, whatever becomes of it": () =>
    ofEach([true, false, false], async (request) => {
      const controller = new AbortController();
      controller.abort();
      const untouched = request.clone();
      await caught(() => fetch(request, { signal: controller.signal }));
      const own = post("x");
      await caught(() => fetch(own, { body: "y", signal: controller.signal }));
      return [request.bodyUsed, untouched.bodyUsed, own.bodyUsed];
    }),
};

const source = (told, ...chunks) =>
  new ReadableStream({
    start: (it) => chunks.forEach((chunk) => it.enqueue(chunk)),
    cancel: (reason) => void told.push(`cancelled: ${reason}`),
  });

/** Tells what becomes of it. */
const sink = (told) =>
  new WritableStream({
    start: ({ signal }) =>
      signal.addEventListener("abort", () => told.push(`signal: ${signal.reason}`)),
    write: (chunk) => void told.push(chunk),
    close: () => void told.push("closed"),
    abort: (reason) => void told.push(`aborted: ${reason}`),
  });

const pipes = {
  "a signal ends a pipe, and both its ends": async () => {
    const told = [];
    const controller = new AbortController();
    const { signal } = controller;
    const piped = source(told, "one").pipeTo(sink(told), { signal });
    while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    controller.abort("enough");
    const reason = await caught(() => piped);
    return is(
      [[...told].sort(), reason],
      [["aborted: enough", "cancelled: enough", "one", "signal: enough"], "enough"],
    );
  },
  "a signal that is aborted lets no pipe begin": async () => {
    const told = [];
    const signal = AbortSignal.abort("never");
    const reason = await caught(() => source(told, "one").pipeTo(sink(told), { signal }));
    return is(
      [[...told].sort(), reason],
      [["aborted: never", "cancelled: never", "signal: never"], "never"],
    );
  },
  "a signal may spare both ends of a pipe": async () => {
    const told = [];
    const [from, to] = [source(told, "one"), sink(told)];
    const options = { signal: AbortSignal.abort("x"), preventCancel: true, preventAbort: true };
    const reason = await caught(() => from.pipeTo(to, options));
    return is([told, reason, from.locked, to.locked], [[], "x", false, false]);
  },
  "a pipe with a signal is one like another": async () => {
    const told = [];
    const { signal } = new AbortController();
    const broken = new ReadableStream({ start: (it) => it.error(new RangeError("broken")) });
    await ReadableStream.from([1, 2]).pipeTo(sink(told), { signal });
    await ReadableStream.from([3]).pipeTo(sink(told), { signal, preventClose: true });
    const names = [
      await caught(() => broken.pipeTo(sink(told), { signal })),
      await caught(() => streamOf("a").pipeTo({}, { signal })),
    ];
    const through = ReadableStream.from(["a"]).pipeThrough(new TransformStream(), { signal });
    const error = "RangeError: broken";
    return is(
      [told, names, await all(through)],
      [
        [1, 2, "closed", 3, `signal: ${error}`, `aborted: ${error}`],
        ["RangeError", "TypeError"],
        ["a"],
      ],
    );
  },
  "a sink is told of a pipe that fails": async () => {
    const told = [];
    const broken = new ReadableStream({ start: (it) => it.error("broken") });
    await caught(() => broken.pipeTo(sink(told)));
    return is(told, ["signal: broken", "aborted: broken"]);
  },
  "branches tell why they end in their order": async () => {
    const wrong = [];
    for (const type of [undefined, "bytes"]) {
      let reasons;
      const stream = new ReadableStream({ type, cancel: (all) => void (reasons = all) });
      const [one, two] = stream.tee();
      await Promise.all([two.cancel("two"), one.cancel("one")]);
      if (reasons.join() !== "one,two") wrong.push(reasons);
    }
    return is(wrong, []);
  },
};

const iterator = (members) => ({ [Symbol.iterator]: () => members });
const later = (members) => ({ [Symbol.asyncIterator]: () => members });
const endless = (members) => ({ next: async () => ({ done: false, value: 1 }), ...members });

const streams = {
  "no stream is made of what can't be iterated": async () => {
    const all = [
      undefined,
      null,
      1,
      {},
      () => {},
      { [Symbol.iterator]: 1 },
      { [Symbol.asyncIterator]: 1, [Symbol.iterator]: () => [].values() },
      iterator(1),
      later(undefined),
    ];
    const thrown = await Promise.all(all.map((it) => caught(() => ReadableStream.from(it))));
    return thrown.every((name) => name === "TypeError") || thrown.join();
  },
  "a stream is made of text, of a stream, and of an iterator without a method for promises":
    async () => {
      const sources = [
        "aé",
        ReadableStream.from(["b", "c"]),
        { [Symbol.asyncIterator]: null, [Symbol.iterator]: () => ["d"].values() },
      ];
      const chunks = sources.map((it) => all(ReadableStream.from(it)));
      return is(await Promise.all(chunks), [["a", "é"], ["b", "c"], ["d"]]);
    },
  "an iterator that gives no object is an error": async () => {
    const sources = [
      iterator({ next: () => 1 }),
      later({ next: async () => undefined }),
      later({}),
      later({ next: () => Promise.reject(new TypeError()) }),
    ];
    const thrown = await Promise.all(
      sources.map((it) => caught(() => all(ReadableStream.from(it)))),
    );
    return thrown.every((name) => name === "TypeError") || thrown.join();
  },
  "chunks of what is asynchronous may be promises": async () => {
    let left = 1;
    const promise = Promise.resolve(1);
    const source = later({ next: () => ({ done: left-- === 0, value: promise }) });
    const { value } = await ReadableStream.from(source).getReader().read();
    return value === promise;
  },
  "a stream that is cancelled ends its iterator": async () => {
    const told = [];
    const end = (...args) => (told.push(args), {});
    await ReadableStream.from(later(endless({ return: end }))).cancel("one");
    await ReadableStream.from(later(endless())).cancel("two");
    const failing = [
      () => 1,
      1,
      () => {
        throw new TypeError();
      },
    ].map((end) => caught(() => ReadableStream.from(later(endless({ return: end }))).cancel()));
    const thrown = await Promise.all(failing);
    return is([told, thrown], [[["one"]], ["TypeError", "TypeError", "TypeError"]]);
  },
  "a stream that is iterated is held, and cancelled even where nothing was read": async () => {
    const told = [];
    const source = () => new ReadableStream({ cancel: (reason) => void told.push(reason) });
    const stream = source();
    const iterator = stream.values();
    const { locked } = stream;
    await iterator.return("one");
    await ReadableStream.from(source()).cancel("two");
    return is([locked, stream.locked, told], [true, false, ["one", "two"]]);
  },
  "steps of an iteration are taken in turn": async () => {
    const iterator = ReadableStream.from([1, 2]).values();
    const steps = [iterator.next(), iterator.next(), iterator.return("end"), iterator.next()];
    const told = (await Promise.all(steps)).map(({ done, value }) => `${done} ${value}`);
    return told.join() === "false 1,false 2,true end,true undefined" || told.join();
  },
  "aborting a stream that has failed fires no signal": async () => {
    const told = [];
    const failed = async (by) => {
      let controller;
      const stream = new WritableStream({ start: (own) => void (controller = own) });
      const { signal } = controller;
      await undefined;
      controller.error(new RangeError());
      await undefined;
      await by(stream);
      told.push(signal.aborted);
    };
    await failed((stream) => stream.abort("now"));
    await failed((stream) => {
      const writer = stream.getWriter();
      writer.closed.catch(() => {});
      return writer.abort("now");
    });
    return is(told, [false, false]);
  },
};

/** What the `TypeError` of `run` says. */
async function messageOf(run) {
  try {
    return `no error but ${await run()}`;
  } catch (error) {
    return error.name === "TypeError" ? error.message : `${error}`;
  }
}

const messages = {
  "a status is a number of 16 bits": async () => {
    const of = (status, body = null) => new Response(body, { status }).status;
    const named = (all, body) => Promise.all(all.map((status) => caught(() => of(status, body))));
    return is(
      [
        ["204", 65736, 200.9, undefined].map((status) => of(status)),
        await named([199, 600, null, NaN, -1, "x"]),
        await named(["204", 205.5, 65536 + 304], ""),
      ],
      [[204, 200, 200, 200], Array(6).fill("RangeError"), Array(3).fill("TypeError")],
    );
  },
  "a request may be what another one is asked to be": async () => {
    const one = post("a body", { headers: { a: "b" }, redirect: "manual", cache: "no-store" });
    const two = new Request("http://b/", one);
    const three = new Request(new Request(URL_, { redirect: "error" }), new Request(URL_));
    const four = new Request(
      post("left"),
      new Request(URL_, { method: "PUT", headers: { c: "d" } }),
    );
    return is(
      [
        [two.url, two.method, two.headers.get("a"), two.redirect, two.cache, await two.text()],
        three.redirect,
        [four.method, four.headers.get("c"), await four.text()],
      ],
      [["http://b/", "POST", "b", "manual", "no-store", "a body"], "follow", ["PUT", "d", "left"]],
    );
  },
  "a request is asked by whatever has the names": async () => {
    class Init {
      get method() {
        return "POST";
      }
      get redirect() {
        return "manual";
      }
      get body() {
        return new Blob(["a body"]);
      }
    }
    const { method, redirect } = new Request(URL_, new Init());
    class Wrong {
      get redirect() {
        return "other";
      }
    }
    return is(
      [method, redirect, await caught(() => new Request(URL_, new Wrong()))],
      ["POST", "manual", "TypeError"],
    );
  },
  "a request has the signal of what it is made by": async () => {
    const controller = new AbortController();
    const by = new Request(URL_, { signal: controller.signal });
    const all = [new Request("http://b/", by), new Request(URL_, Object.create(null))];
    controller.abort("why");
    const thrown = await caught(() => fetch("http://b/", by));
    return is([all.map(({ signal }) => signal.aborted), thrown], [[true, false], "why"]);
  },
  "JSON is a response like another": async () => {
    const made = Response.json({ a: ["é"] }, { status: 201, statusText: "x", headers: { a: "b" } });
    const { status, statusText, headers } = made;
    const typed = Response.json(null, { headers: [["content-type", "a/b"]] });
    const runs = [
      () => Response.json(undefined),
      () => Response.json(1n),
      () => Response.json({}, { status: 204 }),
      () => Response.json({}, { statusText: "a\nb" }),
    ];
    return is(
      [
        [status, statusText, headers.get("a"), headers.get("content-type"), await made.text()],
        [typed.headers.get("content-type"), await typed.text()],
        Response.json(1).headers.get("content-type"),
        await Promise.all(runs.map(caught)),
      ],
      [
        [201, "x", "b", "application/json", '{"a":["é"]}'],
        ["a/b", "null"],
        "application/json",
        Array(4).fill("TypeError"),
      ],
    );
  },
  "messages are what they are, whatever an application has in the place of the classes":
    async () => {
      const before = ["Request", "Response", "URL"].map((name) => [
        name,
        Object.getOwnPropertyDescriptor(globalThis, name),
      ]);
      const request = post("a body", { redirect: "manual" });
      const error = Response.error();
      for (const [name] of before) Object.defineProperty(globalThis, name, { value: undefined });
      const told = [];
      try {
        told.push(request.clone().redirect);
        told.push(/that is an error are/.test(await messageOf(() => error.headers.set("a", "b"))));
      } catch (error) {
        told.push(error.message);
      }
      for (const [name, own] of before) Object.defineProperty(globalThis, name, own);
      return is(told, ["manual", true]);
    },
  "a value that no field holds names the field": async () => {
    const runs = [
      () => new Headers().set("x-name", "日本"),
      () => new Headers().append("x-name", "a日"),
      () => new Headers({ "x-other": "a", "x-name": "日本" }),
      () => new Headers([["x-name", "日本"]]),
      () => new Response("", { headers: { "x-name": "日本" } }),
      () => new Request(URL_, { headers: [["x-name", "日本"]] }),
      () => fetch(URL_, { headers: { "x-name": "日本" } }),
      () => Response.json({}, { headers: { "x-name": "日本" } }),
      () => new Headers().set("x-name", "\ufeff日"),
    ];
    const texts = await Promise.all(runs.map(messageOf));
    const tells = (text) =>
      /"x-name" has "(日|\ufeff)" at index \d/.test(text) && /setHeaderText/.test(text);
    return texts.every(tells) || texts.join("\n");
  },
  "a value names what is wrong with it": async () => {
    const text = await messageOf(
      () =>
        new Headers([
          ["a", " b "],
          ["x-name", " a\nb\n"],
        ]),
    );
    return (
      text === 'the value of the field "x-name" has "\\n" at index 2, which no field holds' || text
    );
  },
  "a status has a text that fits on a line": async () => {
    const of = (statusText) => new Response(null, { statusText }).statusText;
    const thrown = ["a\nb", "ł", "\0"].map((text) => caught(() => of(text)));
    return is(
      [of("a é\t"), of(undefined), await Promise.all(thrown)],
      ["a é\t", "", Array(3).fill("TypeError")],
    );
  },
  "a redirect leads to a whole URL": async () => {
    const { headers, status } = Response.redirect(new URL("http://a/b"), 303);
    const thrown = ["/b", "http://"].map((url) => caught(() => Response.redirect(url)));
    return is(
      [
        headers.get("location"),
        status,
        Response.redirect("HTTP://A").headers.get("location"),
        await Promise.all(thrown),
      ],
      ["http://a/b", 303, "http://a/", ["TypeError", "TypeError"]],
    );
  },
  "an error has a copy": () => {
    const { status, type } = Response.error().clone();
    return is([status, type], [0, "error"]);
  },
  "a request leads to nothing in a page": () => new Request(URL_).destination === "",
  "objects say what they are": () => {
    const made = {
      AbortController: new AbortController(),
      AbortSignal: new AbortController().signal,
      EventTarget: new EventTarget(),
      FormData: new FormData(),
      Headers: new Headers(),
      ReadableStreamDefaultReader: streamOf().getReader(),
      Request: new Request(URL_),
      Response: new Response(),
      TransformStream: new TransformStream(),
      URL: new URL(URL_),
      URLSearchParams: new URLSearchParams(),
      WritableStream: new WritableStream(),
    };
    const told = Object.values(made).map((it) => Object.prototype.toString.call(it));
    return is(
      told,
      Object.keys(made).map((name) => `[object ${name}]`),
    );
  },
  "an exception of the Web is a class, and knows where it was made": async () => {
    class Own extends DOMException {
      kind = "own";
    }
    const one = new DOMException("one", "DataError");
    const own = new Own("two");
    const cloned = await caught(() => structuredClone(() => {}));
    const thrown = [one, own].map((it) => [
      it instanceof Error && it instanceof DOMException,
      it instanceof Own,
      it.constructor.name,
      it.stack.includes("standard.js:"),
      Object.keys(it),
    ]);
    return is(
      [
        ...thrown,
        one.stack.split("\n")[0],
        one.code,
        DOMException.DATA_CLONE_ERR,
        one.name,
        own.name,
        own.message,
        cloned,
      ],
      [
        [true, false, "DOMException", true, []],
        [true, true, "Own", true, ["kind"]],
        "DataError: one",
        0,
        25,
        "DataError",
        "Error",
        "two",
        "DataCloneError",
      ],
    );
  },
  "an exception of the Web is made by `new`": () =>
    caught(() => DOMException("one")).then((it) => is(it, "TypeError")),
  "the headers of a redirect are nobody's to change": async () => {
    const redirect = Response.redirect("http://a/");
    const all = [redirect, redirect.clone(), Response.error()];
    const thrown = all.map(({ headers }) => caught(() => headers.set("a", "b")));
    const own = new Response(null, redirect);
    own.headers.set("a", "b");
    const texts = all.map(({ headers }) => messageOf(() => headers.delete("a")));
    const whose = (await Promise.all(texts)).map(
      (text) => /response (.*) are immutable/.exec(text)?.[1],
    );
    return is(
      [await Promise.all(thrown), own.headers.get("a"), own.status, whose],
      [
        ["TypeError", "TypeError", "TypeError"],
        "b",
        302,
        ["of a redirect", "of a redirect", "that is an error"],
      ],
    );
  },
};

export const standard = { ...bodies, ...pipes, ...streams, ...messages };
