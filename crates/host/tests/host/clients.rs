//! Clients that go, and what a guest and its host make of it.

use std::time::Duration;

use socket2::SockRef;
use tokio::net::TcpStream;

use crate::events;
use crate::streams::{Client, answer};
use crate::support::{Served, builder, limited, q, run, serve_on, serve_raw, serve_with, steps};
use crate::upstream::{Gate, Upstream};
use crate::wire::Wire;
use edgewit_manifest::Limits;

const CLOSED: &str = "after-reply Err(BodyError::Closed)";
const OK: &str = "after-reply Ok(())";

/// A connection that is reset when it is dropped.
async fn resetting(served: &Served) -> Wire {
    let stream = TcpStream::connect(served.address)
        .await
        .expect("a listener");
    let at_once = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    at_once.expect("a socket");
    Wire::new(stream)
}

/// Waits for a client that is there at first.
const WATCHES: [&str; 6] = [
    "subscribe:client",
    "poll:0,0",
    "poll:0",
    "ready:0",
    "subscribe:client",
    "ready:1",
];

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n")
}

/// A request for the same steps with a body of which some is there.
fn unread_body(bytes: usize) -> String {
    let body = "b".repeat(bytes);
    format!(
        "POST {} HTTP/1.1\r\nhost: a\r\ncontent-length: 10000000\r\n\r\n{body}",
        steps(&WATCHES)
    )
}

/// Waits until the guest has asked a first time, and found its client there.
async fn asked(app: &str) {
    events::message(app, "poll: []").await;
}

/// The guest has seen that its client is gone, and still sees it.
async fn seen(app: &str) {
    events::message(app, "poll: [0]").await;
    let twice = |event: &&events::Logged| event.message() == "ready: true";
    events::message(app, "after-reply").await;
    assert_eq!(events::of(app).iter().filter(twice).count(), 2);
}

#[test]
fn a_reset_is_seen_at_once() {
    run(async {
        let served = serve_raw("reset").await;
        let mut wire = resetting(&served).await;
        wire.send(get(&steps(&WATCHES))).await;
        asked("reset").await;
        drop(wire);
        seen("reset").await;
        events::message("reset", CLOSED).await;
        assert!(events::errors("reset").is_empty());
    });
}

/// Nobody reads the connection behind a pipelined request, and an empty reply is handed over whole.
#[test]
fn a_reset_is_told_to_a_handler_that_failed() {
    run(async {
        let served = serve_raw("reset-failed").await;
        let mut wire = resetting(&served).await;
        let target = format!("{}&error=late", steps(&WATCHES));
        wire.send(get(&target) + &get("/report")).await;
        asked("reset-failed").await;
        wire.send(get("/report")).await;
        drop(wire);
        seen("reset-failed").await;
        events::message("reset-failed", "handler failed: late").await;
        events::message("reset-failed", CLOSED).await;
    });
}

#[test]
fn a_half_close_is_seen_and_still_gets_the_reply() {
    run(async {
        let served = serve_raw("half-seen").await;
        let mut wire = served.connect().await;
        wire.send(get(&steps(&WATCHES))).await;
        asked("half-seen").await;
        wire.finish().await;
        let report = wire.response().await;
        assert_eq!(report.lines("poll: "), ["[]", "[0]"]);
        assert!(wire.closed().await);
        events::message("half-seen", OK).await;
    });
}

#[test]
fn a_client_is_watched_behind_pipelined_requests() {
    run(async {
        let served = serve_raw("pipelined-half").await;
        let mut wire = served.connect().await;
        // One is read with the first request, one waits in the system.
        wire.send(get(&steps(&WATCHES)) + &get("/report")).await;
        asked("pipelined-half").await;
        wire.send(get("/report")).await;
        wire.finish().await;
        assert_eq!(wire.response().await.lines("poll: "), ["[]", "[0]"]);
        for _ in 0..2 {
            assert_eq!(wire.response().await.line("method "), "GET");
        }
        assert!(wire.closed().await);
        let served = serve_raw("pipelined-reset").await;
        let mut wire = resetting(&served).await;
        wire.send(get(&steps(&WATCHES)) + &get("/report")).await;
        asked("pipelined-reset").await;
        wire.send(get("/report")).await;
        drop(wire);
        seen("pipelined-reset").await;
        events::message("pipelined-reset", CLOSED).await;
    });
}

#[test]
fn a_client_is_watched_behind_a_body_that_nobody_reads() {
    run(async {
        let served = serve_raw("unread-half").await;
        let mut wire = served.connect().await;
        // As much as the window takes: the end of more would not get through before that is read.
        wire.send(unread_body(30_000)).await;
        asked("unread-half").await;
        wire.finish().await;
        assert_eq!(wire.response().await.lines("poll: "), ["[]", "[0]"]);
        events::message("unread-half", OK).await;
        let served = serve_raw("unread-reset").await;
        let mut wire = resetting(&served).await;
        wire.send(unread_body(150_000)).await;
        asked("unread-reset").await;
        drop(wire);
        seen("unread-reset").await;
        events::message("unread-reset", CLOSED).await;
    });
}

#[test]
fn an_upload_whose_client_resets_is_closed() {
    run(async {
        let served = serve_raw("upload-reset").await;
        let mut wire = resetting(&served).await;
        let target = steps(&["read-once:0", "read:0"]);
        wire.send(format!(
            "POST {target} HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\nabc"
        ))
        .await;
        events::message("upload-reset", "read-once: abc").await;
        drop(wire);
        events::message("upload-reset", "read:  error BodyError::Closed").await;
        events::message("upload-reset", CLOSED).await;
    });
}

#[test]
fn the_reset_of_a_stream_is_that_of_one_request() {
    run(async {
        let served = serve_raw("stream-reset").await;
        let other = serve_raw("stream-stays").await;
        let client = Client::connect(served.address).await;
        let target = steps(&WATCHES);
        let (response, mut body) = client.start("POST", &target, &[], false).await;
        asked("stream-reset").await;
        body.send_reset(h2::Reason::CANCEL);
        seen("stream-reset").await;
        events::message("stream-reset", CLOSED).await;
        assert!(response.await.is_err());
        assert_eq!(client.get("/report").await.status, 200);
        // One that ended its body is still there.
        let client = Client::connect(other.address).await;
        let (response, mut body) = client.start("POST", &target, &[], false).await;
        asked("stream-stays").await;
        body.send_data(bytes::Bytes::new(), true).unwrap();
        assert_eq!(client.get("/report").await.status, 200);
        let gone = |event: &events::Logged| event.message() == "poll: [0]";
        assert!(!events::of("stream-stays").iter().any(gone));
        drop(response);
        body.send_reset(h2::Reason::CANCEL);
        seen("stream-stays").await;
    });
}

#[test]
fn the_end_of_a_connection_is_that_of_all_its_streams() {
    run(async {
        let served = serve_raw("streams-closed").await;
        let client = Client::connect(served.address).await;
        let target = steps(&WATCHES);
        let _first = client.start("GET", &target, &[], true).await;
        let _second = client.start("POST", &target, &[], false).await;
        let waits = |event: &&events::Logged| event.message() == "poll: []";
        while events::of("streams-closed").iter().filter(waits).count() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        client.close().await;
        let closed = |event: &&events::Logged| event.message() == CLOSED;
        while events::of("streams-closed").iter().filter(closed).count() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
}

#[test]
fn a_stream_that_is_reset_while_a_source_is_pulled_ends_it() {
    run(async {
        let served = serve_raw("stream-source").await;
        let gate = Gate::new().await;
        let client = Client::connect(served.address).await;
        let target = format!("/source?pieces=1000&gate={}", q(&q(&gate.url())));
        let (response, mut stream) = client.start("GET", &target, &[], true).await;
        gate.open();
        let mut body = response.await.unwrap().into_body();
        assert_eq!(body.data().await.unwrap().unwrap(), "0");
        stream.send_reset(h2::Reason::CANCEL);
        let dropped = |event: &events::Logged| event.message() == "source dropped";
        while !events::of("stream-source").iter().any(dropped) {
            gate.open();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        events::message("stream-source", CLOSED).await;
        assert!(gate.count() < 1000);
    });
}

#[test]
fn a_cut_reply_ends_before_what_comes_after_it() {
    run(async {
        let served = serve_raw("cut-first").await;
        let gate = Gate::new().await;
        let after = q(&q(&gate.url()));
        let mut wire = served.connect().await;
        // The guest looks at its client as well, which must not hold the connection either.
        let target = format!("/source?pieces=2&end=error&watch=1&after={after}");
        wire.send(get(&target)).await;
        let reply = wire.response().await;
        assert_eq!((reply.text().as_str(), reply.complete), ("01", false));
        assert!(wire.closed().await);
        gate.arrived(1).await;
        gate.open();
        events::message("cut-first", "after-reply Err(").await;
    });
}

#[test]
fn clients_that_take_nothing_of_a_whole_reply_are_cut() {
    run(async {
        let limits = Limits {
            idle_ms: 500,
            guest_ms: 60_000,
            ..Limits::default()
        };
        let host = builder().instances(32).build().unwrap();
        let served = serve_on(&host, "take-nothing", limited(limits)).await;
        let mut wires = Vec::new();
        for _ in 0..20 {
            let mut wire = served.connect().await;
            wire.send(get("/reply?size=8000000")).await;
            wires.push(wire);
        }
        let late =
            |event: &&events::Logged| event.message() == "after-reply Err(BodyError::Timeout)";
        while events::of("take-nothing").iter().filter(late).count() < 20 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // The connections are cut a moment after.
        tokio::time::sleep(Duration::from_secs(2)).await;
        for mut wire in wires {
            let reply = wire.response().await;
            assert!(!reply.complete && reply.body.len() < 8_000_000);
        }
    });
}

#[test]
fn a_server_that_pauses_is_no_client_that_takes_nothing() {
    run(async {
        let limits = Limits {
            idle_ms: 2000,
            ..Limits::default()
        };
        let served = serve_with("pauses", limited(limits)).await;
        let upstream = Upstream::script(|mut wire| async move {
            wire.request().await;
            wire.send("HTTP/1.1 200 X\r\ncontent-length: 6\r\n\r\nabc")
                .await;
            tokio::time::sleep(Duration::from_secs(3)).await;
            wire.send("def").await;
        })
        .await;
        let target = format!(
            "/proxy?between-bytes-ms=60000&url={}",
            q(&upstream.url("/"))
        );
        let reply = served.get(&target).await;
        assert_eq!((reply.text().as_str(), reply.complete), ("abcdef", true));
        events::message("pauses", OK).await;
    });
}

/// Its status alone would be that of a reply that went well.
#[test]
fn the_line_of_a_request_says_why_its_reply_did_not_arrive() {
    run(async {
        let limits = Limits {
            idle_ms: 500,
            ..Limits::default()
        };
        let impatient = serve_with("line-late", limited(limits)).await;
        let served = serve_raw("line-ended").await;
        let mut gone = resetting(&served).await;
        gone.send(get(&steps(&WATCHES))).await;
        asked("line-ended").await;
        drop(gone);
        let mut lines = vec![events::line("line-ended", 1).await];
        let mut takes_nothing = impatient.connect().await;
        takes_nothing.send(get("/reply?size=8000000")).await;
        lines.push(events::line("line-late", 1).await);
        for (n, failure) in ["field=content-length:3", "end=error", "end=trap"]
            .iter()
            .enumerate()
        {
            let target = format!("/source?pieces=2&{failure}");
            assert!(!served.get(&target).await.complete, "{failure}");
            lines.push(events::line("line-ended", n + 2).await);
        }
        let said: Vec<_> = lines
            .iter()
            .map(|line| (line.message(), line.field("ended")))
            .collect();
        let wanted = [
            ("GET /steps 200, closed", "closed"),
            ("GET /reply 200, timeout", "timeout"),
            ("GET /source 200, incomplete", "incomplete"),
            ("GET /source 200, other", "other"),
            ("GET /source 200, incomplete", "incomplete"),
        ];
        assert_eq!(said, wanted);
    });
}

#[test]
fn each_end_of_a_reply_over_a_stream_reaches_after_reply() {
    run(async {
        let served = serve_raw("stream-ends").await;
        let client = Client::connect(served.address).await;
        assert_eq!(client.get("/reply?bytes=abc").await.body, b"abc");
        events::message("stream-ends", OK).await;
        let short = client.get("/source?pieces=2&field=content-length:3").await;
        assert!(short.error.is_some(), "{short:?}");
        events::message("stream-ends", "after-reply Err(BodyError::Incomplete)").await;
        let failed = client.get("/source?pieces=2&end=error&text=flood").await;
        assert_eq!((failed.status, &*failed.body), (200, &b"01"[..]));
        assert!(failed.error.is_some_and(|error| error.is_reset()));
        events::message(
            "stream-ends",
            "after-reply Err(BodyError::Other(\"flood\"))",
        )
        .await;
        let (response, _) = client.start("GET", "/report", &[], true).await;
        assert_eq!(answer(response).await.status, 200);
    });
}
