//! Requests whose body is made or written while it is sent.

use serde_json::json;
use tokio::sync::watch;

use crate::events;
use crate::serving::{app, json, q, run, settled};
use crate::upstream::{Gate, Upstream, ok};

#[test]
fn an_upload_is_sent_as_it_is_made() {
    run(async {
        let gate = Gate::new().await;
        let (count, mut seen) = watch::channel(0);
        let upstream = Upstream::script(move |mut wire| {
            let count = count.clone();
            async move {
                assert!(!wire.head().await.unwrap().has("content-length"));
                loop {
                    let piece = wire.chunk().await.unwrap();
                    if piece.is_empty() {
                        break;
                    }
                    let n = *count.borrow() + 1;
                    assert_eq!(piece, format!("piece {n}").into_bytes());
                    count.send_replace(n);
                }
                wire.trailers().await;
                wire.send(ok("taken")).await;
            }
        })
        .await;
        let served = app("js-upload").await;
        let (url, gate_url) = (q(&upstream.url("/")), q(&gate.url()));
        let target = format!("/upload?pieces=3&url={url}&gate={gate_url}");
        let mut wire = served.ask(&target).await;
        for n in 1..=3 {
            gate.arrived(n).await;
            gate.open();
            seen.wait_for(|seen| *seen == n).await.unwrap();
        }
        assert_eq!(wire.response().await.text(), "taken");
    });
}

#[test]
fn an_upload_that_fails_is_cut_and_its_error_is_the_cause() {
    run(async {
        let gate = Gate::new().await;
        let (keep, mut kept) = watch::channel(Vec::new());
        let upstream = Upstream::script(move |mut wire| {
            let keep = keep.clone();
            async move {
                wire.head().await.unwrap();
                for _ in 0..2 {
                    let piece = wire.chunk().await;
                    keep.send_modify(|kept| kept.push(piece));
                }
            }
        })
        .await;
        let served = app("js-upload-fails").await;
        let (url, gate_url) = (q(&upstream.url("/")), q(&gate.url()));
        let target = format!("/upload?pieces=3&fail=1&url={url}&gate={gate_url}");
        let mut wire = served.ask(&target).await;
        gate.open();
        // What was not sent yet has no connection to be cut.
        kept.wait_for(|kept| kept.len() == 1).await.unwrap();
        gate.open();
        assert_eq!(
            json(&wire.response().await),
            json!({
                "name": "TypeError", "message": "the request's body broke off",
                "cause": "no more of it", "code": null,
            })
        );
        let kept = kept.wait_for(|kept| kept.len() == 2).await.unwrap();
        assert_eq!(kept[1], None);
    });
}

#[test]
fn an_upload_is_made_as_slowly_as_it_is_taken() {
    run(async {
        let (open, opened) = watch::channel(false);
        let upstream = Upstream::script(move |mut wire| {
            let mut opened = opened.clone();
            async move {
                wire.head().await.unwrap();
                opened.wait_for(|opened| *opened).await.unwrap();
                let mut bytes = 0;
                while let Some(piece) = wire.chunk().await.filter(|piece| !piece.is_empty()) {
                    bytes += piece.len();
                }
                wire.trailers().await;
                wire.send(ok(&bytes.to_string())).await;
            }
        })
        .await;
        let served = app("js-push").await;
        let target = format!("/push?pieces=200&url={}", q(&upstream.url("/")));
        let mut wire = served.ask(&target).await;
        let made = settled("js-push").await;
        // 256 KiB each: what the sockets' buffers take, of 50 MiB.
        assert!(made < 60, "{made}");
        // The application goes on beside it.
        events::message("js-push", "nothing is taken").await;
        open.send(true).unwrap();
        let bytes = 200 * 256 * 1024;
        assert_eq!(wire.response().await.text(), format!("{bytes} 200"));
    });
}

#[test]
fn an_upload_is_given_up_while_a_write_is_under_way() {
    run(async {
        let (open, opened) = watch::channel(false);
        let (cut, mut ended) = watch::channel(None);
        let upstream = Upstream::script(move |mut wire| {
            let (mut opened, cut) = (opened.clone(), cut.clone());
            async move {
                wire.head().await.unwrap();
                opened.wait_for(|opened| *opened).await.unwrap();
                let mut last = wire.chunk().await;
                while last.as_ref().is_some_and(|piece| !piece.is_empty()) {
                    last = wire.chunk().await;
                }
                cut.send_replace(Some(last.is_none()));
            }
        })
        .await;
        let gate = Gate::new().await;
        let served = app("js-give-up").await;
        let (url, gate_url) = (q(&upstream.url("/")), q(&gate.url()));
        let mut wire = served
            .ask(&format!("/giveUp?url={url}&gate={gate_url}"))
            .await;
        gate.arrived(1).await;
        // The sockets have taken what they take.
        gate.settled().await;
        gate.open();
        // The guest has given up by then, and the server has read nothing.
        gate.arrived(2).await;
        open.send(true).unwrap();
        let ended = ended.wait_for(Option::is_some).await.unwrap();
        assert_eq!(*ended, Some(true));
        gate.open();
        let reply = json(&wire.response().await);
        assert_eq!(reply["written"]["message"], "the upload was given up");
        assert_eq!(reply["response"]["name"], "TypeError", "{reply}");
        assert!(events::errors("js-give-up").is_empty());
    });
}

#[test]
fn an_upload_is_written_by_hand_with_trailers_both_ways() {
    run(async {
        let upstream = Upstream::script(|mut wire| async move {
            wire.head().await.unwrap();
            let mut body = Vec::new();
            loop {
                let piece = wire.chunk().await.unwrap();
                if piece.is_empty() {
                    break;
                }
                body.extend(piece);
            }
            assert_eq!(body, b"one two");
            let sum = wire.trailers().await.unwrap().one("x-sum");
            wire.send(format!(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-end\r\n\r\n\
                 3\r\nyes\r\n0\r\nx-end: {sum}\r\n\r\n"
            ))
            .await;
        })
        .await;
        let served = app("js-write").await;
        let reply = served
            .get(&format!("/write?url={}", q(&upstream.url("/"))))
            .await;
        assert_eq!(json(&reply), json!({ "text": "yes", "end": "7" }));
    });
}
