//! Fetches that are ended by a signal.

use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;

use crate::events;
use crate::serving::{app, json, q, run};
use crate::upstream::{Gate, Upstream};

/// A server that sends `first` once it was asked and nothing more, and counts the connections that the client closed.
async fn never(first: &'static str) -> (Upstream, watch::Receiver<usize>) {
    let (count, closed) = watch::channel(0);
    let upstream = Upstream::script(move |mut wire| {
        let count = count.clone();
        async move {
            wire.request().await;
            wire.send(first).await;
            if wire.closed().await {
                count.send_modify(|n| *n += 1);
            }
        }
    })
    .await;
    (upstream, closed)
}

/// Waits for the end of a connection. One that nobody ends is ended by the host's own limit, but later.
async fn is_closed(closed: &mut watch::Receiver<usize>) {
    let end = closed.wait_for(|closed| *closed == 1);
    let end = tokio::time::timeout(Duration::from_secs(20), end).await;
    end.expect("an end in time").unwrap();
}

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome";

#[test]
fn a_signal_ends_a_fetch_and_its_connection() {
    run(async {
        let served = app("js-abort").await;
        for (first, read, any) in [("", "", ""), (HEAD, "some", ""), ("", "", "&any=1")] {
            let (upstream, mut closed) = never(first).await;
            let gate = Gate::new().await;
            let (url, gate_url) = (q(&upstream.url("/")), q(&gate.url()));
            let target = format!("/abort?url={url}&gate={gate_url}{any}");
            let mut wire = served.ask(&target).await;
            gate.arrived(1).await;
            while upstream.connections() < 1 {
                tokio::task::yield_now().await;
            }
            // What was sent first is to be read before the end.
            gate.settled().await;
            gate.open();
            // The guest waits at the gate again by now, and its reply is not there.
            gate.arrived(2).await;
            is_closed(&mut closed).await;
            gate.open();
            let expected = json!({ "how": "the reason", "read": read });
            assert_eq!(json(&wire.response().await), expected, "{first}{any}");
        }
        assert!(events::errors("js-abort").is_empty());
    });
}

#[test]
fn a_signal_ends_a_body_that_nobody_reads() {
    run(async {
        let served = app("js-idle").await;
        let (upstream, mut closed) = never(HEAD).await;
        let gate = Gate::new().await;
        let (url, gate_url) = (q(&upstream.url("/")), q(&gate.url()));
        let mut wire = served
            .ask(&format!("/idle?url={url}&gate={gate_url}"))
            .await;
        gate.open();
        gate.arrived(2).await;
        is_closed(&mut closed).await;
        gate.open();
        assert_eq!(wire.response().await.text(), "rejected: the reason");
    });
}

#[test]
fn a_time_ends_a_fetch() {
    run(async {
        let (upstream, mut closed) = never("").await;
        let gate = Gate::new().await;
        let served = app("js-timeout").await;
        let (url, gate_url) = (q(&upstream.url("/")), q(&gate.url()));
        let target = format!("/timeout?ms=100&url={url}&gate={gate_url}");
        let mut wire = served.ask(&target).await;
        gate.arrived(1).await;
        is_closed(&mut closed).await;
        gate.open();
        assert_eq!(
            json(&wire.response().await),
            json!({ "name": "TimeoutError", "dom": true, "waited": true })
        );
    });
}

#[test]
fn a_signal_that_is_aborted_lets_no_fetch_begin() {
    run(async {
        let (upstream, _) = never("").await;
        let served = app("js-aborted").await;
        let target = format!("/aborted?url={}", q(&upstream.url("/")));
        assert_eq!(
            json(&served.get(&target).await),
            json!(["AbortError", "words"])
        );
        assert_eq!(upstream.connections(), 0);
    });
}

/// A body that is handed on goes through the application as long as a signal of its may end it.
#[test]
fn a_signal_ends_a_body_that_was_handed_on() {
    run(async {
        let served = app("js-abort-handed-on").await;
        let (upstream, mut closed) = never(HEAD).await;
        let gate = Gate::new().await;
        let (url, gate_url) = (q(&upstream.url("/")), q(&gate.url()));
        let target = format!("/abort-handed-on?url={url}&gate={gate_url}");
        let mut wire = served.ask(&target).await;
        wire.head().await.unwrap();
        gate.arrived(1).await;
        gate.open();
        is_closed(&mut closed).await;
    });
}
