//! Timers, and the loop that they share with all that waits.

use serde_json::json;

use crate::events;
use crate::serving::{app, json, q, run, watched};
use crate::upstream::{Gate, Upstream, ok};

#[test]
fn a_sleep_is_no_busy_loop() {
    run(async {
        let (served, calls) = watched("js-sleep").await;
        assert_eq!(served.get("/sleep?ms=300").await.text(), "true");
        // One is for the timer of the top level, which is due first.
        assert_eq!(calls.take("poll").len(), 2);
    });
}

#[test]
fn a_wait_for_an_answer_is_no_busy_loop() {
    run(async {
        let gate = Gate::new().await;
        let (served, calls) = watched("js-wait").await;
        let mut wire = served
            .ask(&format!("/ignore?gate={}", q(&gate.url())))
            .await;
        gate.arrived(1).await;
        gate.settled().await;
        gate.open();
        assert_eq!(wire.response().await.text(), "late");
        assert_eq!(calls.take("poll").len(), 2);
    });
}

#[test]
fn timers_run_in_the_order_of_their_times() {
    run(async {
        let served = app("js-order").await;
        assert_eq!(
            json(&served.get("/order").await),
            json!([
                "a timer takes a function",
                "microtask",
                "0 first",
                "0 second",
                "NaN",
                "negative",
                "arguments",
                "20"
            ])
        );
        assert_eq!(
            json(&served.get("/clear").await),
            json!({ "ran": ["first"], "ticks": 3 })
        );
        assert!(events::errors("js-order").is_empty());
    });
}

#[test]
fn a_timer_of_the_top_level_runs_for_each_request() {
    run(async {
        let served = app("js-early").await;
        assert_eq!(served.get("/early").await.text(), "early");
        assert_eq!(served.get("/early").await.text(), "early");
        assert!(events::errors("js-early").is_empty());
    });
}

#[test]
fn an_interval_runs_beside_a_fetch() {
    run(async {
        let gate = Gate::new().await;
        let (served, calls) = watched("js-beside").await;
        let mut wire = served
            .ask(&format!("/beside?gate={}", q(&gate.url())))
            .await;
        events::message("js-beside", "tick 5").await;
        gate.open();
        assert_eq!(wire.response().await.text(), "true");
        let ticks = events::of("js-beside").len();
        let polls = calls.take("poll").len();
        assert!(polls <= ticks + 2, "{polls} polls, {ticks} ticks");
    });
}

#[test]
fn an_interval_runs_beside_a_reply() {
    run(async {
        let gate = Gate::new().await;
        let served = app("js-ticking").await;
        let mut wire = served
            .ask(&format!("/ticking?gate={}", q(&gate.url())))
            .await;
        assert_eq!(wire.head().await.unwrap().status(), 200);
        let mut ticks = String::new();
        // Each is there without those behind it.
        while !ticks.contains("tick 5\n") {
            ticks += &String::from_utf8(wire.chunk().await.unwrap()).unwrap();
        }
        gate.open();
        while !wire.chunk().await.unwrap().is_empty() {}
        assert!(events::errors("js-ticking").is_empty());
    });
}

#[test]
fn nothing_starves() {
    const HALF: usize = 800_000;
    run(async {
        let body = Upstream::script(|mut wire| async move {
            wire.request().await;
            let length = 2 * HALF;
            wire.send(format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n"
            ))
            .await;
            wire.send("x".repeat(HALF)).await;
            // Without what comes from here all that waits is not ready.
            events::message("js-fair", "3 ticks").await;
            events::message("js-fair", "10 turns").await;
            wire.send("x".repeat(HALF)).await;
        })
        .await;
        let others = Upstream::answering(|_| ok("ok")).await;
        let gate = Gate::new().await;
        let served = app("js-fair").await;
        let urls = format!("&url={}", q(&others.url("/"))).repeat(20);
        let (body, gate_url) = (q(&body.url("/")), q(&gate.url()));
        let target = format!("/fair?body={body}&gate={gate_url}{urls}");
        let mut wire = served.ask(&target).await;
        events::message("js-fair", "all but one").await;
        gate.open();
        assert_eq!(
            json(&wire.response().await),
            json!({ "bytes": 2 * HALF, "texts": (["ok"; 20].join(" ")) })
        );
        let hundred = Upstream::answering(|_| ok(&"x".repeat(100))).await;
        let target = format!("/bytes?url={}", q(&hundred.url("/")));
        assert_eq!(served.get(&target).await.text(), "true");
    });
}

#[test]
fn what_the_engine_does_by_itself_is_waited_for() {
    run(async {
        let served = app("js-engine-tasks").await;
        assert_eq!(
            json(&served.get("/engine").await),
            json!({ "done": 50, "bytes": 20_000_000, "unpacked": 1_000_000 })
        );
    });
}

#[test]
fn what_is_whole_is_read_without_a_wait() {
    run(async {
        let (served, calls) = watched("js-whole").await;
        let read = json(&served.get("/whole").await);
        assert_eq!(
            read,
            json!({ "fired": false, "same": true, "file": [1_000_000, 1_000_000] })
        );
        assert_eq!(calls.take("poll").len(), 0);
    });
}

const STUCK: &str =
    "waits for a promise that nothing can settle: no timer, request or body is under way";

#[test]
fn a_promise_that_nothing_settles_is_an_error() {
    run(async {
        let served = app("js-stuck").await;
        let reply = served.get("/stuck?where=handler").await;
        assert_eq!((reply.status(), reply.text().as_str()), (500, ""));
        events::line("js-stuck", 1).await;

        let reply = served.get("/stuck?where=stream").await;
        assert_eq!((reply.text().as_str(), reply.complete), ("some", false));
        events::line("js-stuck", 2).await;

        let reply = served.get("/stuck?where=after").await;
        assert_eq!((reply.text().as_str(), reply.complete), ("some", true));
        events::message("js-stuck", "after the reply: ").await;
        let errors = events::errors("js-stuck");
        assert_eq!(errors.len(), 3, "{errors:?}");
        for error in errors {
            assert!(error.contains(STUCK), "{error}");
        }
    });
}
