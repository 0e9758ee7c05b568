//! What handles requests, what it is given, and the client that goes.

use serde_json::json;

use crate::events;
use crate::serving::{HONO, LISTENER, app, guest, json, q, run, run_guest};
use crate::upstream::{Gate, Upstream, ok};

#[test]
fn a_handler_is_given_what_is_granted_and_nothing_else() {
    run(async {
        let served = app("js-given").await;
        assert_eq!(
            json(&served.get("/given").await),
            json!({
                "app": "the application",
                "env": ["visits"],
                "symbols": 0,
                "store": "function",
                "passThroughOnException": false,
                "requestId": true,
                "client": "127.0.0.1",
                "protocol": "1.1",
            })
        );
        assert_eq!(served.get("/visit?key=a").await.text(), "1");
        assert_eq!(served.get("/visit?key=a").await.text(), "2");
        assert_eq!(served.get("/visit?key=b").await.text(), "1");
    });
}

#[test]
fn an_application_of_hono_s_is_exported_as_it_is() {
    run_guest(HONO, async {
        let served = guest(HONO, "js-hono").await;
        let reply = served.get("/hello/ada").await;
        assert_eq!(json(&reply), json!({ "hello": "ada", "visits": 1 }));
        assert_eq!(reply.head.one("access-control-allow-origin"), "*");
        assert!(reply.head.has("content-length"), "{:?}", reply.head);
        events::message("js-hono", "visit 1").await;
        assert_eq!(served.get("/nowhere").await.status(), 404);

        let events = served.get("/events").await;
        assert_eq!(events.head.one("content-type"), "text/event-stream");
        let event = |n| format!("data: event {n}\nid: {n}\n\n");
        assert_eq!(events.text(), event(0) + &event(1) + &event(2));

        let mut wire = served.connect().await;
        wire.send("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody")
            .await;
        let reply = wire.response().await;
        assert_eq!((reply.status(), reply.text().as_str()), (201, "body"));
        // Its middleware, before and after the handler, changes what that fetched.
        let upstream = Upstream::answering(|_| ok("abc")).await;
        let reply = served
            .get(&format!("/up?url={}", q(&upstream.url("/"))))
            .await;
        assert_eq!(reply.head.one("access-control-allow-origin"), "*");
        assert_eq!(reply.head.one("x-by"), "middleware");
        assert_eq!(reply.text(), "abc");
        // Its own 500, of which the platform knows nothing.
        let reply = served.get("/fails").await;
        assert_eq!(reply.text(), "Internal Server Error");
    });
}

#[test]
fn a_listener_answers() {
    run_guest(LISTENER, async {
        let served = guest(LISTENER, "js-listener").await;
        assert_eq!(served.get("/now").await.text(), "fetch now");
        assert_eq!(served.get("/later").await.text(), "later /later");
        events::message("js-listener", "waited").await;
        assert_eq!(served.get("/object").await.text(), "an object");
        assert!(events::errors("js-listener").is_empty());
    });
}

#[test]
fn what_a_listener_leaves_over_fails_in_one_line() {
    run_guest(LISTENER, async {
        let served = guest(LISTENER, "js-listener-left").await;
        let reply = served.get("/left").await;
        assert_eq!((reply.text().as_str(), reply.complete), ("at once", true));
        events::message("js-listener-left", "after the reply: ").await;
        // What comes after has its line behind.
        served.get("/later").await;
        events::message("js-listener-left", "waited").await;
        let errors = events::errors("js-listener-left");
        assert_eq!(errors.len(), 1, "{errors:?}");
        let expected = "after the reply: TypeError: from the rest (at listen (src/main.ts:";
        assert!(errors[0].starts_with(expected), "{errors:?}");
    });
}

#[test]
fn a_listener_that_fails_is_a_500() {
    run_guest(LISTENER, async {
        let served = guest(LISTENER, "js-listener-fails").await;
        for (n, (path, expected)) in [
            ("/none", "no listener of `fetch` called respondWith"),
            (
                "/twice",
                "InvalidStateError: respondWith was called already",
            ),
            ("/throw", "from the listener"),
            ("/reject", "from the answer"),
        ]
        .into_iter()
        .enumerate()
        {
            let reply = served.get(path).await;
            assert_eq!((reply.status(), reply.text().as_str()), (500, ""), "{path}");
            events::line("js-listener-fails", n + 1).await;
            let errors = events::errors("js-listener-fails");
            assert_eq!(errors.len(), n + 1, "{errors:?}");
            assert!(errors[n].contains(expected), "{path}: {}", errors[n]);
        }
    });
}

#[test]
fn a_module_that_handles_nothing_is_not_built() {
    for (source, expected) in [
        ("export const other = 1;", "has no default export"),
        ("export default {};", "exports no object with `fetch`"),
        ("export default null;", "exports no object with `fetch`"),
        ("export default () => new Response();", "exports a function"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let manifest = "name = \"none\"\nlanguage = \"js\"\n";
        std::fs::write(folder.path().join("edge.toml"), manifest).unwrap();
        std::fs::write(folder.path().join("main.js"), source).unwrap();
        let manifest = edgewit_manifest::Manifest::read(folder.path()).unwrap();
        let cache = edgewit_build::Cache::from_env().unwrap();
        let built = edgewit_build::build(&cache, &manifest, &Default::default(), &|_| {});
        let error = built.unwrap_err().to_string();
        let expected = format!(
            "the application {expected} and listens to no event `fetch`: \
             it needs `export default {{ fetch(request) {{ … }} }}`"
        );
        assert!(error.contains(&expected), "{source}: {error}");
        assert!(!error.contains("wasm"), "{error}");
    }
}

#[test]
fn a_client_that_goes_aborts_who_looks_at_it() {
    run(async {
        let (slow, gate) = (Gate::new().await, Gate::new().await);
        let served = app("js-gone").await;
        let target = format!("/watch?url={}&gate={}", q(&slow.url()), q(&gate.url()));
        let wire = served.ask(&target).await;
        slow.arrived(1).await;
        drop(wire);
        events::message("js-gone", "the event came").await;
        events::message("js-gone", "AbortError: the client is gone, true").await;
        gate.arrived(1).await;
        gate.open();
        events::message("js-gone", "went on").await;
        assert!(events::errors("js-gone").is_empty());
    });
}

#[test]
fn a_client_that_goes_ends_nothing_of_who_does_not_look() {
    run(async {
        let gate = Gate::new().await;
        let served = app("js-ignored").await;
        let wire = served
            .ask(&format!("/ignore?gate={}", q(&gate.url())))
            .await;
        gate.arrived(1).await;
        drop(wire);
        gate.settled().await;
        gate.open();
        events::message("js-ignored", "went on").await;
        assert!(events::errors("js-ignored").is_empty());
    });
}

#[test]
fn a_client_that_stays_is_not_gone() {
    run(async {
        let gate = Gate::new().await;
        let served = app("js-stays").await;
        gate.open();
        let reply = served
            .get(&format!("/signals?gate={}", q(&gate.url())))
            .await;
        assert_eq!(json(&reply), json!({ "before": false, "after": false }));
    });
}

#[test]
fn a_promise_that_was_handed_over_is_waited_for() {
    run(async {
        let gate = Gate::new().await;
        let served = app("js-left").await;
        let target = format!("/left?gate={}", q(&gate.url()));
        let reply = served.get(&target).await;
        assert_eq!((reply.text().as_str(), reply.complete), ("at once", true));
        gate.arrived(1).await;
        gate.settled().await;
        gate.open();
        events::message("js-left", "waited").await;
    });
}

#[test]
fn work_left_over_is_done_after_the_reply() {
    run(async {
        let gate = Gate::new().await;
        let served = app("js-after").await;
        let reply = served.get(&format!("/after?gate={}", q(&gate.url()))).await;
        assert_eq!((reply.text().as_str(), reply.complete), ("at once", true));
        events::message("js-after", "after undefined").await;
        gate.arrived(2).await;
        gate.open();
        gate.open();
        events::message("js-after", "waited").await;
        events::message("js-after", "after a fetch").await;
    });
}
