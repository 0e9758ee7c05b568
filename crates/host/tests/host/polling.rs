//! Waiting for several things at once.

use std::time::{Duration, Instant};

use crate::events;
use crate::support::{Served, limited, run, serve_raw, serve_with, steps};
use crate::upstream::{Gate, Upstream, ok};
use crate::wire::{Message, Wire};
use edgewit_manifest::Limits;

async fn take(served: &Served, list: &[&str]) -> Message {
    let report = served.get(&steps(list)).await;
    assert_eq!(report.status(), 200, "{:#?}", events::of(served.name));
    report
}

#[test]
fn what_is_ready_is_told_by_index_in_order() {
    run(async {
        let served = serve_raw("indices").await;
        let gates = [Gate::new().await, Gate::new().await, Gate::new().await];
        let send = gates.each_ref().map(|gate| format!("send:{}", gate.url()));
        gates[0].open();
        gates[1].open();
        let list = [
            &*send[0],
            &send[1],
            &send[2],
            "subscribe:pending 0",
            "subscribe:pending 1",
            "subscribe:pending 2",
            // Each is waited for alone, so that both are there.
            "poll:0",
            "poll:1",
            "poll:0 1 2,0",
            "poll:2 1 0,0",
            "poll:0 2 0 1,0",
            "poll:2,0",
            "ready:0",
            "ready:2",
            "wait:0",
            "wait:1",
        ];
        let report = take(&served, &list).await;
        let polls = report.lines("poll: ");
        assert_eq!(polls, ["[0]", "[0]", "[0, 1]", "[1, 2]", "[0, 2, 3]", "[]"]);
        assert_eq!(report.lines("ready: "), ["true", "false"]);
        assert_eq!(report.lines("wait: "), ["status 200", "status 200"]);
    });
}

#[test]
fn fetches_are_taken_as_they_are_answered() {
    run(async {
        let served = serve_raw("any-order").await;
        let (first, second) = (Gate::new().await, Gate::new().await);
        let send = [&first, &second].map(|gate| format!("send:{}", gate.url()));
        let list = [
            &*send[0],
            &send[1],
            "subscribe:pending 0",
            "subscribe:pending 1",
            "poll:0 1",
            "wait:1",
            "poll:0",
            "wait:0",
        ];
        let test = async {
            first.arrived(1).await;
            second.open();
            // The first is let go only once the second one's answer was taken.
            events::message("any-order", "wait: status 200").await;
            first.open();
        };
        let (report, ()) = tokio::join!(take(&served, &list), test);
        assert_eq!(report.lines("poll: "), ["[1]", "[0]"]);
        assert_eq!(report.lines("wait: "), ["status 200", "status 200"]);
    });
}

#[test]
fn a_timeout_is_an_empty_list() {
    run(async {
        let served = serve_raw("timeouts").await;
        let gate = Gate::new().await;
        let send = format!("send:{}", gate.url());
        let begun = Instant::now();
        let list = [
            &*send,
            "subscribe:pending 0",
            "poll:0,0",
            "poll:0,150",
            "poll:,0",
            "poll:,150",
        ];
        let report = take(&served, &list).await;
        assert!(begun.elapsed() >= Duration::from_millis(300));
        assert_eq!(report.lines("poll: "), ["[]"; 4]);
    });
}

#[test]
fn nothing_to_wait_for_is_a_trap() {
    run(async {
        let served = serve_raw("poll-nothing").await;
        let reply = served.get(&steps(&["poll:"])).await;
        assert_eq!((reply.status(), reply.text().as_str()), (500, ""));
        events::message("poll-nothing", "an empty list without a timeout").await;
    });
}

#[test]
fn more_than_there_can_be_handles_is_a_trap() {
    run(async {
        let limits = Limits {
            handles: 20,
            ..Limits::default()
        };
        let served = serve_with("poll-many", limited(limits)).await;
        let list = ["subscribe:client", "poll-many:20"];
        assert_eq!(take(&served, &list).await.line("poll-many: "), "0 ready");
        let reply = served
            .get(&steps(&["subscribe:client", "poll-many:21"]))
            .await;
        assert_eq!(reply.status(), 500);
        events::message(
            "poll-many",
            "poll.poll: handles: limit 20, met 21 pollables",
        )
        .await;
    });
}

#[test]
fn a_pollable_of_what_is_gone_is_ready_for_ever() {
    run(async {
        let served = serve_raw("gone").await;
        let gate = Gate::new().await;
        let upstream = Upstream::answering(|_| ok("abc")).await;
        let (send, other) = (
            format!("send:{}", gate.url()),
            format!("send:{}", upstream.url("/")),
        );
        let list = [
            &*send,
            "subscribe:pending 0",
            "ready:0",
            "drop-pending:0",
            "ready:0",
            "poll:0",
            "poll:0",
            &other,
            "subscribe:pending 1",
            "wait:1",
            "ready:1",
            "poll:0 1",
            "subscribe:incoming 0",
            "read:0",
            "drop-incoming:0",
            "ready:2",
            "poll:2",
        ];
        let report = take(&served, &list).await;
        assert_eq!(report.lines("ready: "), ["false", "true", "true", "true"]);
        assert_eq!(report.lines("poll: "), ["[0]", "[0]", "[0, 1]", "[0]"]);
    });
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

/// Waits for a guest to find nothing there for the `n`th time.
async fn nothing_there(app: &str, n: usize) {
    let found = |event: &events::Logged| event.message() == "poll: []";
    while events::of(app).into_iter().filter(found).count() < n {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Takes the pieces of a body as they come, and finds nothing there in between.
const PIECES: [&str; 12] = [
    "subscribe:incoming 0",
    "poll:0,0",
    "poll:0",
    "read-once:0",
    // Before the next piece is asked for, which would be there at any time.
    "ready:0",
    "poll:0,0",
    "poll:0",
    "read-once:0",
    "poll:0,0",
    "poll:0",
    "read-once:0",
    "poll:0,0",
];

async fn send_pieces(app: &str, wire: &mut Wire) {
    for (n, piece) in [
        (1, &*chunk("first")),
        (2, &chunk("second")),
        (3, "0\r\n\r\n"),
    ] {
        nothing_there(app, n).await;
        wire.send(piece).await;
    }
}

fn check_pieces(report: &Message) {
    let read = ["first", "second", "end"];
    assert_eq!(report.lines("read-once: "), read);
    // The end stays.
    let polls = ["[]", "[0]", "[]", "[0]", "[]", "[0]", "[0]"];
    assert_eq!(report.lines("poll: "), polls);
    assert_eq!(report.line("ready: "), "false");
}

#[test]
fn a_client_s_body_is_waited_for() {
    run(async {
        let served = serve_raw("client-body").await;
        let mut wire = served.connect().await;
        let target = steps(&PIECES);
        wire.send(format!(
            "POST {target} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
        ))
        .await;
        send_pieces("client-body", &mut wire).await;
        check_pieces(&wire.response().await);
    });
}

#[test]
fn a_fetched_body_is_waited_for() {
    run(async {
        let served = serve_raw("fetched-body").await;
        let upstream = Upstream::script(|mut wire| async move {
            wire.request().await;
            wire.send("HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n")
                .await;
            send_pieces("fetched-body", &mut wire).await;
            wire.request().await;
        })
        .await;
        let send = format!("send:{}", upstream.url("/"));
        let list: Vec<&str> = [&*send, "wait:0"].into_iter().chain(PIECES).collect();
        check_pieces(&take(&served, &list).await);
    });
}

#[test]
fn waiting_for_a_client_s_body_in_a_poll_is_not_counted() {
    run(async {
        let limits = Limits {
            head_ms: 2000,
            ..Limits::default()
        };
        let served = serve_with("polled-client", limited(limits)).await;
        let mut wire = served.connect().await;
        let target = steps(&["subscribe:incoming 0", "poll:0", "read-once:0"]);
        wire.send(format!(
            "POST {target} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
        ))
        .await;
        tokio::time::sleep(Duration::from_millis(2500)).await;
        wire.send(chunk("late")).await;
        assert_eq!(wire.response().await.line("read-once: "), "late");
    });
}
