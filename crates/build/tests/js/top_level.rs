//! The top level of an application runs while it is built: whatever goes wrong there is told in words of
//! the application, with its place.

use super::{HANDLER, app, problems, problems_of, warned, warnings_of};

/// What is said last of all that ends there.
const WHEN: &str = "the top level of an application runs while it is built, and not for a request";

#[test]
fn an_exception_in_a_package_names_file_line_and_package() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = app(
        folder.path(),
        &[
            (
                "src/main.ts",
                &format!("\nimport {{ id }} from './db.js';\nconsole.log(id);\n{HANDLER}"),
            ),
            (
                "src/db.ts",
                "interface Row { id: string }\nimport { make } from '@acme/uuid';\n\
                 export const id: Row['id'] =\n  make();\n",
            ),
            (
                "node_modules/@acme/uuid/package.json",
                "{\"main\": \"lib/a.js\"}",
            ),
            (
                "node_modules/@acme/uuid/lib/a.js",
                "// No comment.\nexports.make = function tryEntropy() {\n  throw new TypeError('no entropy\\nat all');\n};\n",
            ),
        ],
    );
    let text = problems(&manifest);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "node_modules/@acme/uuid/lib/a.js:3:9 (package @acme/uuid): TypeError: no entropy",
            "at all",
            "    at tryEntropy (node_modules/@acme/uuid/lib/a.js:3:9)",
            "    at src/db.ts:4:3",
        ]
    );
}

/// What libraries that number requests do when they are imported.
#[test]
fn a_package_may_ask_for_time_and_randomness_and_is_named_where_it_fetches() {
    let folder = tempfile::tempdir().unwrap();
    let main = format!("import {{ it }} from 'request-id';\nconsole.log(it);\n{HANDLER}");
    let of = |expression: &str| {
        let package = format!("export const it =\n  {expression};\n");
        app(
            folder.path(),
            &[
                ("src/main.ts", &*main),
                (
                    "node_modules/request-id/package.json",
                    "{\"main\": \"a.mjs\"}",
                ),
                ("node_modules/request-id/a.mjs", &package),
            ],
        )
    };
    const SAME: &str = "at the top level gives every request the same value";
    const ANEW: &str = "at the top level counts anew in every request, and ends with it";
    for (expression, told) in [
        (
            "[1, 2].every(() => Math.random() < 1)",
            Some(("Math.random()", SAME)),
        ),
        (
            "/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-/.test(crypto.randomUUID())",
            Some(("crypto.randomUUID()", SAME)),
        ),
        (
            "crypto.getRandomValues(new Uint32Array(8)).some((word) => word > 0)",
            Some(("crypto.getRandomValues()", SAME)),
        ),
        ("performance.now() >= 0", Some(("performance.now()", SAME))),
        (
            "performance.timeOrigin >= 0",
            Some(("performance.timeOrigin", SAME)),
        ),
        ("Date.now() >= Date.UTC(2026)", Some(("Date.now()", SAME))),
        (
            "new Date() >= new Date(2026, 0)",
            Some(("new Date()", SAME)),
        ),
        ("Date().includes('2026')", Some(("Date()", SAME))),
        (
            "new Date(0).constructor === Date && new Date(0) instanceof Date",
            None,
        ),
        (
            "setTimeout(() => {}, 10) !== undefined",
            Some(("setTimeout()", ANEW)),
        ),
        (
            "setInterval(() => {}, 10) !== undefined",
            Some(("setInterval()", ANEW)),
        ),
        (
            "!AbortSignal.timeout(10).aborted",
            Some(("AbortSignal.timeout()", ANEW)),
        ),
    ] {
        let (built, mut said) = warned(&of(expression));
        built.unwrap();
        let printed = said.pop();
        let due = "printed while the application was built: true";
        assert_eq!(printed.as_deref(), Some(due), "{expression}");
        // Whoever builds is told, once, where what all requests share is made.
        assert_eq!(said.len(), told.iter().len(), "{said:?}");
        if let Some((name, what)) = told {
            let begin = "node_modules/request-id/a.mjs:2:";
            let end = format!(" (package request-id): {name} {what}");
            assert!(
                said[0].starts_with(begin) && said[0].ends_with(&end),
                "{said:?}"
            );
        }
    }
    for (expression, problem, is_early) in [
        (
            "await fetch('http://127.0.0.1/')",
            "2:9 (package request-id): TypeError: fetch can only be used while a request is handled",
            true,
        ),
        (
            "(() => { throw new Error('no') })()",
            "2:18 (package request-id): Error: no",
            false,
        ),
    ] {
        let found = problems(&of(expression));
        let due = format!("node_modules/request-id/a.mjs:{problem}\n");
        assert!(found.starts_with(&due), "{found}");
        assert_eq!(found.ends_with(WHEN), is_early, "{found}");
    }
}

#[test]
fn whatever_ends_the_top_level_is_told_without_a_backtrace_of_the_engine() {
    for (text, problem) in [
        (
            "\nthrow new RangeError('out');",
            "src/main.ts:2:7: RangeError: out",
        ),
        ("throw 'a text';", "src/main.ts: a text"),
        (
            "await Promise.reject(new Error('refused'));",
            "src/main.ts:1:22: Error: refused",
        ),
        (
            "function again() { again(); }\nagain();",
            "src/main.ts:1:20: InternalError: too much recursion",
        ),
        (
            // In few steps: the engine writes to all of it.
            "[1, 2].map(() => new ArrayBuffer(2 ** 31 - 1));",
            "src/main.ts: out of memory; a request may have 134217728 bytes (memory-bytes in ",
        ),
    ] {
        ends_with(text, problem, false);
    }
}

/// Why it failed is that the top level runs where no request is.
#[test]
fn what_only_a_request_can_do_is_told_with_the_reason() {
    for (text, problem) in [
        (
            "import { open } from '@edgewit/sdk/kv';\nawait open('visits');",
            "src/main.ts:2:7: TypeError: the store visits can only be used while a request is handled",
        ),
        (
            "await fetch('http://127.0.0.1/');",
            "src/main.ts:1:7: TypeError: fetch can only be used while a request is handled",
        ),
        (
            "export const later = fetch('http://127.0.0.1/').then((it) => it.text());",
            "src/main.ts:1:22: a promise was rejected while the application was built, and nobody handled it: fetch can \
             only be used while a request is handled",
        ),
        (
            "await crypto.subtle.importKey('jwk', {}, { name: 'ECDSA', namedCurve: 'P-256' }, false, []);",
            "src/main.ts:1:21: TypeError: crypto.subtle.importKey of a key for ECDSA can only be used while a request is \
             handled",
        ),
    ] {
        ends_with(text, problem, true);
    }
    // No request can do that either.
    let text = "await crypto.subtle.importKey('raw', new Uint8Array(16), 'AES-GCM', false, []);";
    let due =
        "src/main.ts: NotSupportedError: crypto.subtle.importKey knows no AES-GCM, but HMAC, ";
    ends_with(text, due, false);
}

/// Why there is no application is the last that is said, and all of it.
#[test]
fn what_was_printed_before_a_failure_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("console.log('starting', Math.random() < 1);\nnull.x;\n{HANDLER}");
    let (built, warnings) = warned(&app(folder.path(), &[("src/main.ts", &text)]));
    assert_eq!(
        warnings,
        ["printed while the application was built: starting true"]
    );
    let error = built.unwrap_err().to_string();
    assert!(error.starts_with("src/main.ts:2:1: TypeError: "), "{error}");
}

const NEVER: &str = "never settles: no time passes at the top level, and nothing is fetched";

#[test]
fn a_promise_that_never_settles_is_told_by_where_it_is_awaited() {
    for (text, place) in [
        ("await new Promise(() => {});", "1:1"),
        (
            "const a = await new Promise((done) => addEventListener('x', done));",
            "1:11",
        ),
        (
            "await 0;\nif (true) {\n  await Promise.resolve(1); await new Promise(() => {});\n}\nawait Promise.resolve(2);",
            "3:29",
        ),
    ] {
        let due = format!("src/main.ts:{place}: what is awaited here {NEVER}\n");
        ends_with(text, &due, true);
    }
    // What is no promise can't be asked.
    let due = format!(
        "src/main.ts: one of the promises that are awaited at the top level {NEVER}\n    at src/main.ts:1:1\n    \
         at src/main.ts:2:1\n"
    );
    ends_with("await 0;\nawait { then() {} };", &due, true);
}

/// How an application of this file fails, and whether that is because its top level runs while it is built.
fn ends_with(text: &str, problem: &str, is_early: bool) {
    let found = problems_of(&format!("{text}\n{HANDLER}"));
    assert!(found.starts_with(problem), "{found}");
    assert_eq!(found.ends_with(WHEN), is_early, "{found}");
    for word in ["wasm", "unreachable", "bindings.js", "sdk"] {
        assert!(!found.contains(word), "{found}");
    }
}

#[test]
fn a_loop_without_an_end_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let sleep = "export function sleep(ms) {\n  const begun = performance.now();\n  \
                 while (performance.now() < begun + ms) {}\n}\n";
    let manifest = app(
        folder.path(),
        &[
            (
                "src/main.ts",
                &format!("import {{ sleep }} from 'sleep';\n\nsleep(10);\n{HANDLER}"),
            ),
            ("node_modules/sleep/package.json", "{\"main\": \"a.mjs\"}"),
            ("node_modules/sleep/a.mjs", sleep),
        ],
    );
    let text = problems(&manifest);
    let lines: Vec<_> = text.lines().collect();
    let [first, within, from] = lines[..] else {
        panic!("{text}")
    };
    let begin = "node_modules/sleep/a.mjs:3:";
    let end = " (package sleep): the top level has not come to its end after 10 s of the processor's time, and was \
               here: a loop that never ends, or more work than can be done there";
    assert!(first.starts_with(begin) && first.ends_with(end), "{text}");
    assert!(
        within.starts_with(&format!("    at sleep ({begin}")),
        "{text}"
    );
    assert_eq!(from, "    at src/main.ts:3:1");
}

/// What answers requests goes by them too.
#[test]
fn iterators_of_arrays_that_never_end_are_told() {
    let told = "the top level has not come to its end after 10 s of the processor's time, ";
    for (text, begin, end) in [
        (
            "const it = Object.getPrototypeOf([].values());\nit.next = function () {\n  return { done: false };\n};",
            "src/main.ts:2:",
            "and was here: a loop that never ends, or more work than can be done there\n    at it.next (src/main.ts:2:",
        ),
        (
            "Array.prototype[Symbol.iterator] = () => ({ next: () => ({ done: false }) });",
            "src/main.ts: ",
            "look for what never ends: a loop, a regular expression that tries too much, or what was put in the place \
             of the platform's own, such as the iterators of arrays",
        ),
    ] {
        let found = problems_of(&format!("{text}\n{HANDLER}"));
        let is_told = found.starts_with(begin) && found.contains(&format!("{told}{end}"));
        assert!(is_told, "{found}");
    }
}

#[test]
fn an_application_that_handles_nothing_is_told_what_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = app(folder.path(), &[("src/main.ts", "export const a = 1;")]);
    let text = problems(&manifest);
    let due = "src/main.ts: TypeError: the application has no default export and listens to no event `fetch`: it needs \
        `export default { fetch(request) { … } }`";
    assert_eq!(text, due);
}

#[test]
fn what_is_printed_or_left_unhandled_is_a_warning() {
    let text = "console.log('starting');\nconsole.error('badly');\n\n  Promise.reject(new Error('lost\\nfor ever'));\n\
        Promise.resolve().then(() => { throw new Error('late'); });\n\
        (async () => process.env.KEY)();\nconsole.log(import.meta.url);\n";
    let warnings = warnings_of(&format!("{text}{HANDLER}"));
    assert_eq!(
        warnings,
        [
            "src/main.ts:7:13: `import.meta` is empty: a file is imported by itself (`./page.html` is a string)",
            "src/main.ts:4:18: a promise was rejected while the application was built, and nobody handled it: lost",
            "for ever",
            "src/main.ts:6:14: a promise was rejected while the application was built, and nobody handled it: process \
             is not defined; instead of `process`: a store with `env` in `edge.toml` for the environment",
            "src/main.ts:5:38: a promise was rejected while the application was built, and nobody handled it: late",
            "printed while the application was built: starting",
            "printed while the application was built: badly",
            "printed while the application was built: undefined",
        ]
    );
}

/// The engine's own walk through what was rejected is met by the methods of all sets.
#[test]
fn a_loop_over_a_set_is_as_it_is_anywhere() {
    let text = "const rest = async () => {\n  await null;\n  const grown = new Set([1]);\n  const met = [];\n\
        \x20 for (const n of grown.values()) {\n    met.push(n);\n    if (n < 5) grown.add(n + 1);\n  }\n\
        \x20 const left = new Set([1, 2, 3]).values();\n  for (const n of left) break;\n\
        \x20 const own = Reflect.ownKeys(left).length;\n\
        \x20 const two = new Set([Promise.resolve(), Promise.reject(new Error('lost'))]);\n\
        \x20 console.log(`${met} ${[...left]} ${own} ${[...two.values()].length}`);\n};\nvoid rest();\n";
    let said = warnings_of(&format!("{text}{HANDLER}"));
    assert_eq!(
        said,
        [
            "src/main.ts:12:58: a promise was rejected while the application was built, and nobody handled it: lost",
            "printed while the application was built: 1,2,3,4,5 2,3 0 2",
        ]
    );
}

#[test]
fn what_sets_have_may_be_frozen_or_replaced() {
    for change in [
        "Object.freeze(it)",
        "it.next = () => ({ done: false, value: 1 })",
    ] {
        let text = format!(
            "const it = Object.getPrototypeOf(new Set().values());\n{change};\nvoid Promise.reject(new Error('lost'));\n"
        );
        let said = warnings_of(&format!("{text}{HANDLER}"));
        let due = "src/main.ts:3:21: a promise was rejected while the application was built, and nobody handled it: lost";
        assert_eq!(said, [due], "{change}");
    }
}

/// Its boundary is the SDK's, and no value that the application took.
#[test]
fn a_form_made_at_the_top_level_is_no_warning() {
    let text = "const form = new FormData();\nform.append('a', new Blob(['x']), 'b');\n\
        console.log(new Response(form).headers.get('content-type').slice(0, 19));\n";
    let said = warnings_of(&format!("{text}{HANDLER}"));
    assert_eq!(
        said,
        ["printed while the application was built: multipart/form-data"]
    );
}

#[test]
fn time_goes_on_and_is_always_the_same() {
    let text = "const first = Date.now();\nwhile (Date.now() === first);\n\
        console.log(new Date(first).toISOString().slice(0, 17));\n";
    let said = warnings_of(&format!("{text}{HANDLER}"));
    let due = "printed while the application was built: 2026-01-01T00:00:";
    assert_eq!(said.last().map(|it| &**it), Some(due));
}

/// What the SDK tells is no concern of what the application has put into `console`.
#[test]
fn a_package_that_stamps_what_is_printed_is_no_loop() {
    let text = "const { warn } = console;\nconsole.warn = (...args) => warn(Date.now(), ...args);\nMath.random();\n";
    let said = warnings_of(&format!("{text}{HANDLER}"));
    assert_eq!(
        said,
        ["src/main.ts:3:6: Math.random() at the top level gives every request the same value"]
    );
}

/// After the last line has run, as well.
#[test]
fn what_asks_in_a_reaction_is_named_too() {
    let text = "const ids = [];\nasync function later() {\n  await 0;\n  ids.push(crypto.randomUUID());\n}\n\
        later();\nPromise.resolve().then(() => {\n  Math.random();\n});\n";
    let said = warnings_of(&format!("{text}{HANDLER}"));
    assert_eq!(said.len(), 2, "{said:?}");
    for (line, name) in [(8, "Math.random()"), (4, "crypto.randomUUID()")] {
        let place = format!("src/main.ts:{line}:");
        let found = |it: &&String| it.starts_with(&place) && it.contains(name);
        assert!(said.iter().any(|it| found(&it)), "{said:?}");
    }
}

#[test]
fn more_memory_than_a_request_may_have_is_refused() {
    const KEPT: &str = "kept = new Uint8Array(200 << 20).fill(1)";
    for text in [
        KEPT,
        &format!("Promise.resolve().then(() => {{ {KEPT}; }})"),
    ] {
        let found = problems_of(&format!("let kept;\n{text};\n{HANDLER}"));
        assert!(
            found.contains("edge.toml: memory-bytes: the application holds 2")
                && found.ends_with(
                    "bytes after its top level, and a request may have 134217728; make less there, or \
                     raise the limit"
                ),
            "{found}"
        );
    }
}
