//! Exceptions in every place from which one can come: none is a trap.

use crate::events;
use crate::serving::{app, run};

/// What the only new error of an application says, after its `n`th request.
async fn failed(name: &str, n: usize) -> String {
    events::line(name, n).await;
    let errors = events::errors(name);
    assert_eq!(errors.len(), n, "{errors:#?}");
    let error = &errors[n - 1];
    for word in ["wasm", "trap", "unreachable"] {
        assert!(!error.contains(word), "{error}");
    }
    error.clone()
}

const UNTOLD: &str = "an exception that can't be told as text";

const THROWN: [(&str, &str); 21] = [
    ("string", "a text"),
    ("undefined", "undefined"),
    ("null", "null"),
    ("number", "42"),
    ("symbol", "Symbol(sym)"),
    ("causes", "outer: TypeError: middle: inner"),
    ("circle", "round"),
    ("object", "{ a: 1 }"),
    ("bare", "[Object: null prototype] {}"),
    ("proxy", UNTOLD),
    ("hostile", "{ toString: [Function: toString] }"),
    ("getters", UNTOLD),
    ("stack", "with a stack"),
    ("aggregate", "AggregateError: several: [one, two] (at "),
    ("dom", "DataError: of the Web (at dom (src/failing.js:"),
    (
        "deep",
        "{ a: { b: { c: [Object] } }, list: [ 1, 2, 3, 4, 5, 6, 7 ] }",
    ),
    ("function", "[Function: fail]"),
    ("integer", "42n"),
    // Where it was made, and not its class.
    ("own", "OwnError: of my own (at fail (src/failing.js:"),
    ("surrogate", "half \u{fffd} of it"),
    ("long", "xxxxxxxxxxxx"),
];

/// What the engine rejects with by itself was asked for somewhere.
#[test]
fn what_crypto_refuses_has_its_place() {
    run(async {
        let served = app("js-key").await;
        assert_eq!(served.get("/key").await.status(), 500);
        let error = failed("js-key", 1).await;
        assert!(error.contains(" (at key (src/failing.js:"), "{error}");
    });
}

#[test]
fn whatever_is_thrown_is_a_500_and_a_line() {
    run(async {
        let served = app("js-throw").await;
        let mut n = 0;
        for how in ["throw", "reject"] {
            for (what, expected) in THROWN {
                let reply = served.get(&format!("/{how}?what={what}")).await;
                assert_eq!((reply.status(), reply.text().as_str()), (500, ""), "{what}");
                n += 1;
                let error = failed("js-throw", n).await;
                let expected = format!("handler failed: {expected}");
                assert!(error.starts_with(&expected), "{how} {what}: {error}");
            }
        }
    });
}

#[test]
fn a_line_names_the_place_in_the_application() {
    run(async {
        let served = app("js-place").await;
        let source = include_str!("../../../../sdk-js-shim/test/guests/app/src/failing.js");
        for (n, (what, text)) in [("causes", "\"outer\""), ("chained", "in a chain")]
            .into_iter()
            .enumerate()
        {
            served.get(&format!("/throw?what={what}")).await;
            let error = failed("js-place", n + 1).await;
            let index = source.lines().take_while(|line| !line.contains(text));
            let place = format!("(src/failing.js:{}))", index.count() + 1);
            assert!(error.contains(&place), "{error}");
        }
    });
}

#[test]
fn a_line_tells_each_error_of_several() {
    run(async {
        let served = app("js-several").await;
        for (n, (target, due)) in [
            (
                "/any",
                ": [RangeError: one, two] (at Promise.any*any (src/failing.js:",
            ),
            (
                "/gathered",
                ": several: [one: its cause] (at gathered (src/failing.js:",
            ),
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(served.get(target).await.status(), 500);
            let error = failed("js-several", n + 1).await;
            assert!(
                error.starts_with("handler failed: AggregateError: "),
                "{error}"
            );
            assert!(error.contains(due), "{error}");
        }
    });
}

#[test]
fn a_line_says_what_was_not_granted_and_once() {
    run(async {
        let served = app("js-ungranted").await;
        for (n, (target, expected)) in [
            (
                "/forward?how=response&url=http://127.0.0.2/",
                "TypeError: fetch of http://127.0.0.2 failed: denied: this origin, or where it leads, \
                 is not granted (`fetch` in edge.toml, in a test `onFetch`) (at ",
            ),
            (
                "/ungranted",
                "KvError: denied: the store \"nope\" is not granted ([kv.nope] in edge.toml, in a test `testEnv`) (at ",
            ),
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(served.get(target).await.status(), 500);
            let error = failed("js-ungranted", n + 1).await;
            let expected = format!("handler failed: {expected}");
            assert!(error.starts_with(&expected), "{error}");
        }
    });
}

#[test]
fn a_line_says_what_a_store_refused_and_once() {
    run(async {
        let served = app("js-conflict").await;
        assert_eq!(served.get("/conflict").await.status(), 500);
        let error = failed("js-conflict", 1).await;
        let expected = "handler failed: KvError: conflict (set in the store \"visits\") (at conflict (src/failing.js:";
        assert!(error.starts_with(expected), "{error}");
        assert!(error.ends_with(")); its key was \"ada\""), "{error}");
        served.get("/ungranted").await;
        let error = failed("js-conflict", 2).await;
        assert!(
            error.ends_with(')') && !error.contains("kv to fail"),
            "{error}"
        );
    });
}

/// No compiler tells whoever writes JavaScript.
#[test]
fn a_line_says_which_store_an_env_has_not() {
    run(async {
        let served = app("js-env").await;
        let note = "; the store \"nope\" is not granted ([kv.nope] in edge.toml, in a test `testEnv`): `env` has visits \
                    (at ";
        for (n, (how, has_note)) in [
            ("member", true),
            ("variable", true),
            ("method", false),
            ("probed", false),
            ("awaited", false),
            ("unrelated", false),
        ]
        .into_iter()
        .enumerate()
        {
            let reply = served.get(&format!("/missed?how={how}")).await;
            assert_eq!(reply.status(), 500, "{}", reply.text());
            let error = failed("js-env", n + 1).await;
            assert!(error.starts_with("handler failed: TypeError: "), "{error}");
            assert_eq!(error.contains(note), has_note, "{how}: {error}");
            assert_eq!(error.contains("not granted"), has_note, "{how}: {error}");
        }
        let reply = served.get("/missed?how=detected").await;
        assert_eq!(reply.text(), "false undefined undefined visits");
    });
}

#[test]
fn what_is_no_response_is_a_500_and_a_line() {
    run(async {
        let served = app("js-return").await;
        for (n, (what, expected)) in [
            // What it holds may be secret.
            ("text", " but a string; `new Response(text)` is one"),
            ("undefined", " but undefined; is a `return` missing?"),
            ("null", " but null"),
            ("object", " but an object; `Response.json(value)` is one"),
            ("symbol", " but a symbol"),
            ("bare", " but an object; `Response.json(value)` is one"),
            ("own", " but an object of the class OwnError"),
            ("hostile", " but an object; `Response.json(value)` is one"),
        ]
        .into_iter()
        .enumerate()
        {
            let reply = served.get(&format!("/return?what={what}")).await;
            assert_eq!((reply.status(), reply.text().as_str()), (500, ""), "{what}");
            let error = failed("js-return", n + 1).await;
            let expected = format!("the handler returned no Response{expected}");
            assert!(error.ends_with(&expected), "{what}: {error}");
        }
        assert_eq!(served.get("/getter").await.status(), 500);
        let error = failed("js-return", 9).await;
        assert!(error.contains("from a getter"), "{error}");
    });
}

const KINDS: [&str; 7] = [
    "string",
    "undefined",
    "causes",
    "proxy",
    "hostile",
    "getters",
    "bare",
];

#[test]
fn what_fails_elsewhere_ends_no_request() {
    run(async {
        let served = app("js-elsewhere").await;
        let places = [
            "promise",
            "waitUntil",
            "afterReply",
            "timer",
            "microtask",
            "listener",
            "abort",
            "onabort",
        ];
        for place in places {
            for what in KINDS {
                let target = format!("/elsewhere?where={place}&what={what}");
                let reply = served.get(&target).await;
                let reply = (reply.status(), &*reply.text());
                assert_eq!(reply, (200, "went on"), "{place} {what}");
            }
        }
        events::line("js-elsewhere", places.len() * KINDS.len()).await;
        for error in events::errors("js-elsewhere") {
            assert!(!error.contains("trap"), "{error}");
        }
        events::message("js-elsewhere", "after the reply: a text").await;
        events::message("js-elsewhere", "a timer: a text").await;
        let place = ": outer: TypeError: middle: inner (at causes (src/failing.js:";
        for what in [
            "a listener of `x`",
            "a listener of `abort`",
            "a timer",
            "after the reply",
            "a promise that nobody handled",
        ] {
            events::message("js-elsewhere", &format!("{what}{place}")).await;
        }
        assert_eq!(
            events::errors("js-elsewhere").len(),
            places.len() * KINDS.len()
        );
    });
}

#[test]
fn a_rejection_that_is_handled_late_is_handled() {
    run(async {
        let served = app("js-handled-late").await;
        assert_eq!(served.get("/late").await.text(), "handled in the end");
        events::message("js-handled-late", "never handled").await;
        let errors = events::errors("js-handled-late");
        assert_eq!(errors.len(), 1, "{errors:?}");
    });
}

#[test]
fn a_rejection_is_told_whatever_the_application_replaced() {
    run(async {
        let served = app("js-replaced").await;
        for what in [
            "throws", "never", "then", "species", "settling", "catch", "reject", "next", "apply",
        ] {
            let reply = served.get(&format!("/replaced?what={what}")).await;
            assert_eq!(reply.text(), "went on", "{what}");
            let due = format!("a promise that nobody handled: left: {what} (at ");
            events::message("js-replaced", &due).await;
        }
        let errors = events::errors("js-replaced");
        assert_eq!(errors.len(), 9, "{errors:?}");
    });
}

#[test]
fn a_pipe_that_fails_leaves_one_rejection_to_handle() {
    run(async {
        let served = app("js-pipes").await;
        for (what, left) in [
            ("caught", 0),
            ("through", 0),
            ("cancelled", 0),
            ("ignored", 1),
            ("awaited", 1),
            ("pending", 0),
        ] {
            let before = events::errors("js-pipes").len();
            served.get(&format!("/pipes?what={what}")).await;
            events::message("js-pipes", &format!("the last of {what}")).await;
            let errors = &events::errors("js-pipes")[before..];
            assert_eq!(errors.len(), left + 1, "{what}: {errors:?}");
        }
    });
}

#[test]
fn a_stream_that_throws_anything_cuts_the_reply() {
    run(async {
        let served = app("js-stream-throws").await;
        let mut n = 0;
        for from in ["pull", "start", "transform"] {
            for what in KINDS {
                let target = format!("/elsewhere?where={from}&what={what}");
                let reply = served.get(&target).await;
                let is_cut = reply.status() == 500 || !reply.complete;
                assert!(is_cut, "{from} {what}: {reply:?}");
                n += 1;
                let error = failed("js-stream-throws", n).await;
                let place = ": outer: TypeError: middle: inner (at causes (src/failing.js:";
                assert!(what != "causes" || error.contains(place), "{from}: {error}");
            }
        }
    });
}

#[test]
fn what_is_too_deep_is_an_exception() {
    run(async {
        let served = app("js-too-deep").await;
        assert_eq!(served.get("/recursion").await.status(), 500);
        let error = failed("js-too-deep", 1).await;
        assert!(error.contains("too much recursion"), "{error}");
        let reply = served.get("/recursion?caught=1").await;
        assert_eq!(reply.text(), "true InternalError");
        assert_eq!(served.get("/visit?key=a").await.text(), "1");
    });
}

#[test]
fn what_is_too_large_is_an_exception() {
    run(async {
        let served = app("js-too-large").await;
        for (n, what) in ["array", "buffer", "text"].into_iter().enumerate() {
            let reply = served.get(&format!("/allocation?what={what}")).await;
            assert_eq!((reply.status(), &*reply.text()), (500, ""), "{what}");
            failed("js-too-large", n + 1).await;
        }
        // All of the memory: not more is promised than that the next request knows nothing of it.
        let reply = served.get("/allocation?what=buffers").await;
        assert_eq!((reply.status(), &*reply.text()), (500, ""));
        let error = failed("js-too-large", 4).await;
        let limit = "out of memory; memory-bytes: limit 134217728, met ";
        assert!(error.contains(limit), "{error}");
        assert_eq!(served.get("/visit?key=a").await.text(), "1");
    });
}
