//! Replies that are made while they are sent.

use crate::events;
use crate::serving::{END, app, chunk, q, run, settled};
use crate::upstream::Gate;

#[test]
fn a_reply_is_made_as_it_is_taken() {
    run(async {
        let served = app("js-pulled").await;
        let mut wire = served.ask("/pieces?pieces=400&bytes=262144").await;
        assert_eq!(wire.head().await.unwrap().status(), 200);
        let made = settled("js-pulled").await;
        // 256 KiB each: what the sockets' buffers take, of 100 MiB.
        assert!(made < 60, "{made}");
        let mut bytes = 0;
        loop {
            let piece = wire.chunk().await.unwrap();
            if piece.is_empty() {
                break;
            }
            bytes += piece.len();
        }
        assert_eq!(bytes, 400 * 262_144);
        assert!(events::errors("js-pulled").is_empty());
    });
}

#[test]
fn each_piece_goes_out_at_once() {
    run(async {
        let gate = Gate::new().await;
        let served = app("js-pieces").await;
        let mut wire = served.ask(&format!("/gated?gate={}", q(&gate.url()))).await;
        assert_eq!(wire.head().await.unwrap().status(), 200);
        for n in 1..=3 {
            gate.open();
            let piece = wire.chunk().await.unwrap();
            assert_eq!(piece, format!("piece {n}").into_bytes());
        }
        drop(wire);
        // The piece under way, and those that are written before the host hears of it.
        for _ in 0..20 {
            gate.open();
        }
        events::message("js-pieces", "cancelled").await;
        assert!(gate.count() < 20, "{}", gate.count());
    });
}

#[test]
fn a_stream_that_fails_cuts_the_reply() {
    run(async {
        let served = app("js-breaking").await;
        let reply = served.get("/breaking").await;
        assert_eq!((reply.text().as_str(), reply.complete), ("12", false));
        events::line("js-breaking", 1).await;
        let errors = events::errors("js-breaking");
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(
            errors[0].contains("lost: RangeError: beneath"),
            "{errors:?}"
        );

        let reply = served.get("/breaking?kind=text").await;
        assert_eq!((reply.status(), reply.complete), (200, false));
        events::line("js-breaking", 2).await;
        let errors = events::errors("js-breaking");
        assert_eq!(errors.len(), 2, "{errors:?}");
        let expected = "a chunk of a body is a Uint8Array, not a string; `pipeThrough(new TextEncoderStream())`";
        assert!(errors[1].contains(expected), "{errors:?}");
    });
}

#[test]
fn a_stream_is_cancelled_when_the_client_goes() {
    run(async {
        let gate = Gate::new().await;
        let served = app("js-cancel").await;
        let target = format!(
            "/pieces?pieces=1000000&bytes=262144&gate={}",
            q(&gate.url())
        );
        let mut wire = served.ask(&target).await;
        wire.head().await.unwrap();
        drop(wire);
        events::message("js-cancel", "cancelled: AbortError: the reply is over").await;
        gate.arrived(1).await;
        // What `cancel` returned is waited for, at the latest once the reply is over.
        gate.settled().await;
        gate.open();
        events::message("js-cancel", "cancelled to the end").await;
        events::line("js-cancel", 1).await;
        assert!(events::errors("js-cancel").is_empty());
    });
}

#[test]
fn a_stream_that_can_not_be_cancelled_is_a_line() {
    run(async {
        let served = app("js-cancel-fails").await;
        let target = "/pieces?pieces=1000000&bytes=262144&fail=1";
        let mut wire = served.ask(target).await;
        wire.head().await.unwrap();
        drop(wire);
        events::message("js-cancel-fails", "after the reply: no way to stop").await;
        assert_eq!(events::errors("js-cancel-fails").len(), 1);
    });
}

#[test]
fn a_promised_length_is_kept_or_the_reply_is_cut() {
    run(async {
        let served = app("js-fixed").await;
        let reply = served.get("/fixed?length=10&pieces=2").await;
        assert_eq!(reply.head.one("content-length"), "10");
        assert_eq!(
            (reply.text().as_str(), reply.complete),
            ("1234512345", true)
        );
        events::message("js-fixed", "written").await;
        events::line("js-fixed", 1).await;
        assert!(events::errors("js-fixed").is_empty());

        for (n, length) in [11, 9].into_iter().enumerate() {
            let target = format!("/fixed?length={length}&pieces=2");
            let reply = served.get(&target).await;
            assert_eq!(reply.head.one("content-length"), length.to_string());
            assert!(!reply.complete, "{}", reply.text());
            events::line("js-fixed", n + 2).await;
            let errors = events::errors("js-fixed");
            assert_eq!(errors.len(), n + 1, "{errors:?}");
            let expected = format!("content-length {length} was promised, 10 bytes produced");
            assert!(errors[n].contains(&expected), "{errors:?}");
        }
    });
}

#[test]
fn ten_thousand_small_events_stay_within_the_limits() {
    run(async {
        let served = app("js-events").await;
        let reply = served.get("/events?events=10000").await;
        assert_eq!((reply.body.len(), reply.complete), (180_000, true));
        assert!(reply.text().ends_with("data: event 9999\n\n"));
        assert!(events::errors("js-events").is_empty());
    });
}

#[test]
fn a_body_comes_back_while_it_arrives() {
    run(async {
        let served = app("js-echo").await;
        let mut wire = served.post("/echo").await;
        wire.send(chunk("first")).await;
        assert_eq!(wire.head().await.unwrap().status(), 200);
        assert_eq!(wire.chunk().await.unwrap(), b"FIRST");
        wire.send(chunk("second")).await;
        assert_eq!(wire.chunk().await.unwrap(), b"SECOND");
        wire.send(END).await;
        assert_eq!(wire.chunk().await.unwrap(), b"");
    });
}
