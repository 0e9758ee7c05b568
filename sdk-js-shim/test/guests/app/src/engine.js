// What the SDK adds to the engine.

import { lacks } from "../../../../src/engine/starlingmonkey/lacks.ts";
import keys from "./keys.json";
import { standard } from "./standard.js";

const encoder = new TextEncoder();

const bytes = (...all) => Uint8Array.from(all);

const some = () =>
  new ReadableStream({
    start(controller) {
      for (const n of [1, 2, 3]) controller.enqueue(n);
      controller.close();
    },
    cancel: (reason) => console.info(`cancelled with ${reason}`),
  });

const all = async (stream) => {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
};

const caught = async (run) => {
  try {
    return `no error but ${await run()}`;
  } catch (error) {
    return `${error?.name ?? error}`;
  }
};

/** Each as a promise of what has to be `true`, or of a text that says what is there instead. */
const checks = {
  ...standard,
  "text of bytes that are no UTF-8": async () =>
    (await new Response(bytes(0x61, 0xff, 0x62)).text()) === "a\ufffdb",
  "text without its mark": async () =>
    (await new Response(bytes(0xef, 0xbb, 0xbf, 0x61)).text()) === "a",
  "json with a mark": async () => (await new Response(bytes(0xef, 0xbb, 0xbf, 0x31)).json()) === 1,
  "json of what is none": async () =>
    (await caught(() => new Response("{").json())) === "SyntaxError",
  bytes: async () => {
    const read = await new Response("abc").bytes();
    return read instanceof Uint8Array && read.join() === "97,98,99";
  },
  "bytes of a request": async () =>
    (await new Request("http://a/", { method: "POST", body: "abc" }).bytes()).length === 3,
  "a blob has a type": async () => {
    const [one, two] = [
      new Response("abc"),
      new Request("http://a/", { method: "POST", body: "abc" }),
    ];
    const types = [(await one.blob()).type, (await two.blob()).type];
    return types.every((type) => type === "text/plain;charset=utf-8") || types.join();
  },
  "a signal that is aborted has a reason": () =>
    AbortSignal.abort().reason.name === "AbortError" &&
    AbortSignal.abort(5).reason === 5 &&
    AbortSignal.abort() instanceof AbortSignal,
  "a signal that is aborted throws its reason": async () => {
    new AbortController().signal.throwIfAborted();
    return (
      (await caught(() => AbortSignal.abort(new RangeError()).throwIfAborted())) === "RangeError"
    );
  },
  "a signal of several has the reason of the first": () => {
    const [one, two] = [new AbortController(), new AbortController()];
    const any = AbortSignal.any([one.signal, two.signal]);
    let events = 0;
    any.addEventListener("abort", () => (events += 1));
    const before = any.aborted;
    two.abort("two");
    one.abort("one");
    return !before && any.aborted && any.reason === "two" && events === 1;
  },
  "a signal of one that is aborted is": () =>
    AbortSignal.any([new AbortController().signal, AbortSignal.abort("x")]).reason === "x" &&
    !AbortSignal.any([]).aborted,
  "a copy has the status, the fields and the body": async () => {
    const response = new Response("abc", { status: 201, statusText: "Made", headers: { a: "b" } });
    const copy = response.clone();
    const { status, statusText } = copy;
    return (
      status === 201 &&
      statusText === "Made" &&
      copy.headers.get("a") === "b" &&
      copy instanceof Response &&
      (await copy.text()) === "abc" &&
      !response.bodyUsed &&
      (await response.text()) === "abc" &&
      response.bodyUsed
    );
  },
  "the copy's fields are its own": async () => {
    const response = new Response("x", { headers: { a: "1" } });
    const copy = response.clone();
    copy.headers.set("a", "2");
    return response.headers.get("a") === "1";
  },
  "a copy of a copy": async () => {
    const response = new Response("abc");
    const texts = [response.clone().clone(), response.clone(), response].map((it) => it.text());
    return (await Promise.all(texts)).join() === "abc,abc,abc";
  },
  "a used body has no copy": async () => {
    const response = new Response("abc");
    await response.text();
    return (await caught(() => response.clone())) === "TypeError";
  },
  "a copy of a request": async () => {
    const body = new ReadableStream({
      type: "bytes",
      start: (it) => (it.enqueue(encoder.encode("abc")), it.close()),
    });
    const request = new Request("http://a/", {
      method: "POST",
      headers: { a: "b" },
      body,
      duplex: "half",
    });
    const copy = request.clone();
    const again = new Request(request, { method: "PUT" });
    return (
      [copy.url, copy.method, copy.headers.get("a"), again.method].join() ===
        "http://a/,POST,b,PUT" &&
      (await copy.text()) === "abc" &&
      (await again.text()) === "abc"
    );
  },
  "two branches of bytes have their own": async () => {
    const source = new ReadableStream({
      type: "bytes",
      start: (it) => (it.enqueue(Uint8Array.of(1)), it.enqueue(Uint8Array.of(2)), it.close()),
    });
    const [one, two] = source.tee();
    for await (const chunk of one) chunk.fill(9);
    return (await all(two)).join() === "1,2" && source.locked;
  },
  "two branches of bytes end together": async () => {
    let cancelled = null;
    const source = new ReadableStream({
      type: "bytes",
      cancel: (reason) => void (cancelled = reason),
    });
    const [one, two] = source.tee();
    await one.cancel("one");
    const before = cancelled;
    await two.cancel("two");
    return before === null && cancelled?.join() === "one,two";
  },
  "an error is that of both branches": async () => {
    const source = new ReadableStream({
      type: "bytes",
      pull() {
        throw new RangeError();
      },
    });
    const results = source.tee().map((branch) => caught(() => all(branch)));
    return (await Promise.all(results)).join() === "RangeError,RangeError";
  },
  "an error has a type": () => {
    const { type, status, ok, body, statusText } = Response.error();
    return type === "error" && status === 0 && !ok && body === null && statusText === "";
  },
  "attributes of a request": () => {
    const it = new Request("http://a/", { redirect: "manual", cache: "no-store", keepalive: true });
    const other = new Request(it);
    const plain = new Request("http://a/");
    return (
      [it.redirect, it.cache, it.keepalive].join() === "manual,no-store,true" &&
      other.redirect === "manual" &&
      [plain.redirect, plain.cache, plain.keepalive, plain.mode, plain.credentials].join() ===
        "follow,default,false,cors,same-origin" &&
      plain.referrer === "about:client" &&
      plain.duplex === "half"
    );
  },
  "a request refuses what is no value": async () => {
    const inits = [{ redirect: "bogus" }, { mode: "navigate" }, { cache: "" }, { duplex: "full" }];
    const all = inits.map((init) => caught(() => new Request("http://a/", init)));
    new Request("http://a/", { redirect: undefined, credentials: "omit", headers: {} });
    return (await Promise.all(all)).every((name) => name === "TypeError");
  },
  "a stream that is aborted while it is written to": async () => {
    const told = [];
    const stream = new WritableStream({
      start: ({ signal }) => signal.addEventListener("abort", () => told.push(signal.reason)),
      write: () => new Promise(() => {}),
    });
    const writer = stream.getWriter();
    void writer.write("x").catch(() => {});
    writer.closed.catch(() => {});
    await caught(() => stream.abort("locked"));
    void writer.abort("now");
    return told.join() === "now" || told.join();
  },
  "a stream that is closed has no signal any more": async () => {
    let aborted = false;
    const stream = new WritableStream({
      start: ({ signal }) => signal.addEventListener("abort", () => (aborted = true)),
    });
    await stream.close();
    await stream.abort();
    return !aborted;
  },
  "a status that has no body is told of, whatever it is written as": async () => {
    try {
      return `no error but ${new Response("", { status: "204" })}`;
    } catch (error) {
      return error.message === "a response with the status 204 has no body" || error.message;
    }
  },
  "what a stream is written with is called on it": async () => {
    class Sink {
      #all = [];
      write(chunk) {
        this.#all.push(chunk);
      }
      close() {
        this.#all.push("end");
      }
      text = () => this.#all.join();
    }
    const sink = new Sink();
    await ReadableStream.from([1, 2]).pipeTo(new WritableStream(sink));
    return sink.text() === "1,2,end";
  },
  "a form as HTML says": async () => {
    const form = new FormData();
    form.append('a"b', "1\n2");
    form.append("empty", new File([], "é"));
    const message = new Response(form);
    const boundary = message.headers.get("content-type").split("boundary=")[1];
    const text = await message.text();
    const read = await new Response(text, {
      headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
    }).formData();
    const expected = [
      `--${boundary}`,
      'Content-Disposition: form-data; name="a%22b"',
      "",
      "1",
      "2",
      `--${boundary}`,
      'Content-Disposition: form-data; name="empty"; filename="é"',
      "Content-Type: application/octet-stream",
      "",
      "",
      `--${boundary}--`,
      "",
    ];
    return (text === expected.join("\r\n") && read.get("empty").name === "é") || text;
  },
  "a form is read whole": async () => {
    const type = "multipart/form-data; boundary=a--b";
    const body = (...lines) =>
      new Response(lines.join("\r\n"), { headers: { "content-type": type } });
    const disposition = "Content-Disposition: form-data;";
    const form = await body(
      "a preamble",
      "--a--b",
      `${disposition} name="te%22xt"`,
      "",
      "one\r\n--a--",
      "--a--b",
      `content-type: image/png`,
      `${disposition} filename="f\u00e9.png"; name=file`,
      "",
      "\u0000\r\n\ufeff",
      "--a--b",
      `${disposition} name=file; filename=""`,
      "",
      "",
      "--a--b--",
      "and more",
    ).formData();
    const files = form.getAll("file");
    const bytes = [...new Uint8Array(await files[0].arrayBuffer())].join();
    const told = files.map(({ name, type, size }) => `${name} ${type} ${size}`);
    const broken = [
      await caught(() => body("garbage").formData()),
      await caught(() => body("--a--b", `${disposition} name=a`, "", "cut").formData()),
      await caught(() => body("--a--b", "a: b", "", "", "--a--b--").formData()),
      await caught(() => new Response("a=1").formData()),
    ];
    const result = [form.get('te"xt'), bytes, ...told, ...broken].join("|");
    const types = "TypeError|TypeError|TypeError|TypeError";
    const due = `one\r\n--a--|0,13,10,239,187,191|f\u00e9.png image/png 6| text/plain 0|${types}`;
    return result === due || result;
  },
  "keys of curves and of RSA verify": async () => {
    const bytes = (text) => Uint8Array.from(atob(text), (it) => it.charCodeAt(0));
    const signed = new TextEncoder().encode("signed");
    const { d, key_ops, ...ec } = keys.ec;
    const all = [
      [ec, keys.ecSignature, { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }],
      [keys.rsa, keys.rsaSignature, { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }],
    ];
    const results = [];
    for (const [jwk, signature, algorithm] of all) {
      const key = await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["verify"]);
      for (const data of [signed, signed.subarray(1)]) {
        results.push(await crypto.subtle.verify(algorithm, key, bytes(signature), data));
      }
    }
    return results.join() === "true,false,true,false" || results;
  },
  "hashes and keys of HMAC": async () => {
    const { subtle } = crypto;
    const jwk = { kty: "oct", k: btoa("secret").replaceAll("=", "") };
    const lengths = [];
    for (const hash of ["SHA-1", "SHA-256", "SHA-384", "SHA-512", "MD5"]) {
      const digest = await subtle.digest(hash, bytes(1));
      const algorithm = { name: "hmac", hash };
      const [raw, other] = await Promise.all([
        subtle.importKey("raw", encoder.encode("secret"), algorithm, false, ["sign"]),
        hash === "MD5" || subtle.importKey("jwk", jwk, algorithm, false, ["verify"]),
      ]);
      const signed = await subtle.sign("HMAC", raw, bytes(1));
      const isVerified = hash === "MD5" || (await subtle.verify("HMAC", other, signed, bytes(1)));
      lengths.push(isVerified && digest.byteLength);
    }
    const wrong = { ...jwk, k: "c2Vj*mV0" };
    const refused = [
      await caught(() =>
        subtle.importKey("jwk", wrong, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]),
      ),
      await caught(() =>
        subtle.importKey("jwk", { kty: "oct" }, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]),
      ),
    ];
    const result = [...lengths, ...refused].join();
    return result === "20,32,48,64,16,DataError,DataError" || result;
  },
  "pairs of keys in every format sign and verify": async () => {
    const { subtle } = crypto;
    const decoded = (text) => Uint8Array.from(atob(text), (it) => it.charCodeAt(0));
    const wrong = [];
    for (const [name, { jwk, pkcs8, spki }] of Object.entries(keys.pairs)) {
      const algorithm = name.startsWith("P-")
        ? { name: "ECDSA", namedCurve: name, hash: "SHA-256" }
        : { name, hash: "SHA-256" };
      const { kty, crv, x, y, n, e } = jwk;
      const use = (format, data, usage) => subtle.importKey(format, data, algorithm, true, [usage]);
      const [ours, theirs] = await Promise.all([
        Promise.all([use("jwk", jwk, "sign"), use("pkcs8", decoded(pkcs8), "sign")]),
        Promise.all([
          use("jwk", { kty, crv, x, y, n, e }, "verify"),
          use("spki", decoded(spki), "verify"),
        ]),
      ]);
      for (const own of ours) {
        const signed = await subtle.sign(algorithm, own, bytes(1));
        for (const other of theirs) {
          if (!(await subtle.verify(algorithm, other, signed, bytes(1)))) wrong.push(name);
          if (await subtle.verify(algorithm, other, signed, bytes(2)))
            wrong.push(`${name}, not signed`);
        }
      }
    }
    return wrong.length === 0 || wrong.join();
  },
  "a timeout may be long": async () => {
    const signals = [2 ** 31, Number.MAX_SAFE_INTEGER].map((it) => AbortSignal.timeout(it));
    await new Promise((resolve) => setTimeout(resolve, 5));
    const refused = [Infinity, NaN, -1].map((it) => caught(() => AbortSignal.timeout(it)));
    return (
      !signals.some((it) => it.aborted) &&
      (await Promise.all(refused)).join() === "TypeError,TypeError,TypeError"
    );
  },
  "a request refuses": async () => {
    const results = [
      await caught(() => new Request("http://a/", { method: "A B" })),
      await caught(() => new Request("http://a/", { method: "connect" })),
      await caught(() => new Request("http://u:p@a/")),
    ];
    return results.join() === "TypeError,TypeError,TypeError";
  },
  // No other engine knows it.
  "what `edge` asks for is handed on with a request": async () => {
    const asking = new Request("http://a/", { edge: { nonsense: 1 } });
    const made = [
      () => fetch("http://b/", asking),
      () => fetch(new Request("http://b/", asking)),
      () => fetch(new Request(asking)),
      () => fetch(asking.clone()),
    ];
    const told = await Promise.all(made.map((run) => run().catch(({ message }) => message)));
    return told.every((message) => message === "`edge.nonsense` is no option of fetch") || told;
  },
  "methods are written as they have to be": () =>
    new Request("http://a/", { method: "post" }).method === "POST" &&
    new Request("http://a/", { method: "patch" }).method === "patch",
  "a stream is iterated": async () => (await all(some())).join() === "1,2,3",
  "a loop that is left cancels": async () => {
    let cancelled = false;
    const stream = new ReadableStream({
      pull: (it) => it.enqueue(1),
      cancel: () => void (cancelled = true),
    });
    for await (const _ of stream) break;
    return cancelled && !stream.locked;
  },
  "a loop that throws cancels": async () => {
    let cancelled = false;
    const stream = new ReadableStream({
      pull: (it) => it.enqueue(1),
      cancel: () => void (cancelled = true),
    });
    const name = await caught(async () => {
      for await (const _ of stream) throw new RangeError();
    });
    return cancelled && name === "RangeError";
  },
  "a loop that is left may keep the stream": async () => {
    const stream = some();
    for await (const _ of stream.values({ preventCancel: true })) break;
    return (await all(stream)).join() === "2,3";
  },
  "a stream's error leaves the loop": async () =>
    (await caught(() =>
      all(
        new ReadableStream({
          pull() {
            throw new RangeError();
          },
        }),
      ),
    )) === "RangeError",
  "a stream of an array, a generator and promises": async () => {
    async function* later() {
      yield* ["a", "b"];
    }
    const streams = [[1, 2], later(), [Promise.resolve(3)], new Set([4])].map((it) =>
      ReadableStream.from(it),
    );
    return (await Promise.all(streams.map(all))).join(";") === "1,2;a,b;3;4";
  },
  "a stream of an iterable ends it": async () => {
    let ended = false;
    function* endless() {
      try {
        for (;;) yield 1;
      } finally {
        ended = true;
      }
    }
    for await (const _ of ReadableStream.from(endless())) break;
    return ended;
  },
  "a stream of no iterable": async () =>
    (await caught(() => ReadableStream.from(5))) === "TypeError",
  "text is decoded across chunks": async () => {
    const euro = encoder.encode("€");
    const stream = ReadableStream.from([
      euro.subarray(0, 1),
      euro.subarray(1, 2),
      euro.subarray(2),
    ]);
    return (await all(stream.pipeThrough(new TextDecoderStream()))).join("|") === "€";
  },
  "text that breaks off is decoded": async () =>
    (await all(ReadableStream.from([bytes(0xe2)]).pipeThrough(new TextDecoderStream()))).join() ===
    "\ufffd",
  "text that must be UTF-8": async () => {
    const stream = ReadableStream.from([bytes(0xff)]).pipeThrough(
      new TextDecoderStream("utf-8", { fatal: true }),
    );
    return (await caught(() => all(stream))) === "TypeError";
  },
  // Node 20 does neither.
  "an iterator that is not asynchronous is ended as well, and one may have no way to": async () => {
    let reason;
    const source = { next: () => ({}), return: (given) => ((reason = given), {}) };
    await ReadableStream.from({ [Symbol.iterator]: () => source }).cancel("the reason");
    source.return = null;
    await ReadableStream.from({ [Symbol.iterator]: () => source }).cancel();
    return reason === "the reason";
  },
  "a decoding stream tells what it is": () => {
    const it = new TextDecoderStream("UTF8", { ignoreBOM: true });
    return [it.encoding, it.fatal, it.ignoreBOM].join() === "utf-8,false,true";
  },
  "text is encoded across chunks": async () => {
    const stream = ReadableStream.from(["a\ud83d", "\ude00b", "\ud83d", "x", ""]);
    const chunks = await all(stream.pipeThrough(new TextEncoderStream()));
    const text = new TextDecoder().decode(await new Blob(chunks).arrayBuffer());
    return text === "a😀b\ufffdx" && new TextEncoderStream().encoding === "utf-8";
  },
  "half a pair at the end": async () => {
    const chunks = await all(ReadableStream.from(["\ud83d"]).pipeThrough(new TextEncoderStream()));
    return (await new Blob(chunks).text()) === "\ufffd";
  },
  "URL.canParse": () =>
    URL.canParse("http://a/") && URL.canParse("b", "http://a/") && !URL.canParse("b"),
  "URL.parse": () => URL.parse("b", "http://a/")?.href === "http://a/b" && URL.parse("b") === null,
  "navigator.userAgent": () => navigator.userAgent === "Edgewit",
  "a stack as V8 writes it": () => {
    function named() {
      return new TypeError("the message");
    }
    const lines = named().stack.split("\n");
    return (
      (lines[0] === "TypeError: the message" &&
        /^    at named\d* \(.+\.js:\d+\)$/.test(lines[1])) ||
      lines.join("; ")
    );
  },
  "properties of Unicode in regular expressions": async () =>
    /^\p{L}\P{L}$/u.test("é1") &&
    (await caught(() => new RegExp(`\\p{${"Lo"}}`, "u"))) === "SyntaxError",
  "nothing that is added can be enumerated": () =>
    ["navigator", "TextEncoderStream", "FixedLengthStream"].every(
      (name) => !Object.prototype.propertyIsEnumerable.call(globalThis, name),
    ),
};

export const engine = {
  async lacks() {
    const there = {};
    for (const [name, lack] of Object.entries(lacks)) there[name] = await lack.isThere();
    return Response.json(there);
  },

  // The names of the checks that do not hold.
  async checks() {
    const wrong = {};
    for (const [name, check] of Object.entries(checks)) {
      const result = await Promise.resolve()
        .then(check)
        .catch((error) => `${error}`);
      if (result !== true) wrong[name] = result;
    }
    return Response.json({ count: Object.keys(checks).length, wrong });
  },
};
