// What `console` is handed: Node is asked how it formats the same. Left out is what its versions do not agree on (keys
// that are symbols, buffers), and what only an engine knows of its objects (a promise's value, an iterator's rest).

class Point {
  constructor(x, y) {
    this.x = x;
    this.y = y;
  }
  get sum() {
    return this.x + this.y;
  }
}

class Private {
  #hidden = 1;
  get [Symbol.toStringTag]() {
    return "Tagged";
  }
}

const circle = { name: "circle" };
circle.self = circle;

export const values = {
  text: ["some text"],
  texts: ["one", "two"],
  numbers: [1, -0, 1.5, NaN, Infinity, 10n],
  nothing: [undefined, null, true],
  symbol: [Symbol("sym"), Symbol.iterator],
  percent: [
    "%s is %d and %i, %f, %j, %o, %O, %c%%",
    "a",
    1.5,
    2.7,
    "3.5",
    { a: 1 },
    [1],
    { b: 2 },
    "css",
    "rest",
  ],
  percentAlone: ["100%"],
  object: [{ a: 1, b: "two", c: [1, 2, 3], "d-e": null, f: undefined }],
  nested: [{ a: { b: { c: { d: 1 } } } }],
  array: [[1, "two", [3, [4, [5, [6]]]]]],
  sparse: [[1, , 3]],
  long: [Array.from({ length: 120 }, (_, n) => n)],
  longText: [{ text: "x".repeat(200) }],
  quotes: [["it's", 'say "x"', `both ' and "`]],
  lines: [{ text: "two\nlines" }],
  map: [
    new Map([
      ["a", 1],
      [{ b: 2 }, new Map()],
    ]),
  ],
  set: [new Set([1, "two", { three: 3 }])],
  weak: [new WeakMap(), new WeakSet()],
  class: [new Point(1, 2), Point],
  private: [new Private()],
  functions: [
    function named() {},
    () => {},
    async () => {},
    function* gen() {},
    class A extends Point {},
  ],
  date: [new Date(0), new Date(NaN)],
  regexp: [/a+b/gi],
  bytes: [new Uint8Array([1, 2, 3]), new Float64Array(2)],
  boxed: [Object("text"), Object(1), Object(true), Object(1n)],
  circle: [circle],
  bare: [Object.assign(Object.create(null), { a: 1 })],
  accessor: [
    {
      get a() {
        return 1;
      },
      set b(_) {},
      get c() {
        return 1;
      },
      set c(_) {},
    },
  ],
  promise: [new Promise(() => {})],
  proxy: [new Proxy({ a: 1 }, {})],
  generator: [(function* () {})()],
  iterators: [[1].values()],
  arguments: [
    (function () {
      return arguments;
    })(1, 2),
  ],
  json: [JSON, Math],
  headers: [new Headers({ a: "1", "x-b": "2" }), new Headers()],
  url: [new URL("http://a:81/b?c=d#e")],
  params: [new URLSearchParams("a=1&a=2&b="), new URLSearchParams()],
  nestedWeb: [{ a: { headers: new Headers({ a: "1" }) } }],
  blob: [new Blob(["abc"], { type: "a/b" })],
  several: [Object.assign(new AggregateError([1, "two"], "several"), { stack: "several" })],
  signals: [new AbortController().signal, AbortSignal.abort()],
};
