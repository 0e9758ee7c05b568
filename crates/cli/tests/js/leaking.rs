//! What must not keep what it was handed: the memory and the handles of a request are limited.

use edgewit_manifest::Limits;
use serde_json::json;

use crate::events;
use crate::serving::{json, limited, q, run};
use crate::upstream::{Upstream, ok};

const MIB: u64 = 1024 * 1024;

/// Bodies of so many MiB pass, in 128 MiB of memory.
const PIECES: u64 = 300;

/// Time and room for them; the memory is what it always is.
fn long() -> Limits {
    Limits {
        request_body_bytes: 400 * MIB,
        guest_ms: 240_000,
        head_ms: 240_000,
        ..Limits::default()
    }
}

#[test]
fn three_hundred_mebibytes_are_read() {
    run(async {
        let served = limited("js-take", long()).await;
        let mut wire = served.post("/take").await;
        let piece = format!("100000\r\n{}\r\n", "x".repeat(MIB as usize));
        for _ in 0..PIECES {
            wire.send(&piece).await;
        }
        wire.send("0\r\n\r\n").await;
        let text = wire.response().await.text();
        assert_eq!(text, (PIECES * MIB).to_string());
        assert!(events::errors("js-take").is_empty());
    });
}

#[test]
fn three_hundred_mebibytes_are_uploaded_by_a_fetch() {
    run(async {
        let upstream = Upstream::script(|mut wire| async move {
            wire.head().await.unwrap();
            let mut bytes = 0;
            while let Some(piece) = wire.chunk().await.filter(|piece| !piece.is_empty()) {
                bytes += piece.len();
            }
            wire.trailers().await;
            wire.send(ok(&bytes.to_string())).await;
        })
        .await;
        let served = limited("js-give", long()).await;
        let target = format!("/give?mib={PIECES}&url={}", q(&upstream.url("/")));
        let text = served.get(&target).await.text();
        let errors = events::errors("js-give");
        assert_eq!(text, (PIECES * MIB).to_string(), "{errors:?}");
        assert!(errors.is_empty(), "{errors:?}");
    });
}

#[test]
fn three_hundred_mebibytes_are_fetched() {
    run(async {
        let upstream = Upstream::script(|mut wire| async move {
            wire.request().await;
            let length = PIECES * MIB;
            wire.send(format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n"
            ))
            .await;
            let piece = vec![b'x'; MIB as usize];
            for _ in 0..PIECES {
                wire.send(&piece).await;
            }
        })
        .await;
        let served = limited("js-fetched", long()).await;
        let target = format!("/fetched?url={}", q(&upstream.url("/")));
        let text = served.get(&target).await.text();
        assert_eq!(text, (PIECES * MIB).to_string());
        assert!(events::errors("js-fetched").is_empty());
    });
}

#[test]
fn three_hundred_mebibytes_are_sent() {
    run(async {
        let served = limited("js-sent", long()).await;
        let mut wire = served.ask(&format!("/sent?mib={PIECES}")).await;
        wire.head().await.unwrap();
        let mut bytes = 0;
        loop {
            let piece = wire.chunk().await.unwrap();
            if piece.is_empty() {
                break;
            }
            bytes += piece.len() as u64;
        }
        assert_eq!(bytes, PIECES * MIB);
        assert!(events::errors("js-sent").is_empty());
    });
}

#[test]
fn the_arguments_of_sixty_thousand_calls_are_freed() {
    run(async {
        let limits = Limits {
            kv_operations: 100_000,
            ..long()
        };
        let served = limited("js-calls", limits).await;
        // A round is two calls with 4 KiB each.
        let reply = served.get("/calls?times=30000").await;
        assert_eq!(reply.text(), "4096");
    });
}

#[test]
fn handles_are_given_back() {
    run(async {
        let upstream = Upstream::answering(|_| ok(&"x".repeat(20_000))).await;
        let limits = Limits {
            handles: 100,
            ..long()
        };
        let served = limited("js-handles", limits).await;
        let target = format!("/sequence?times=300&url={}", q(&upstream.url("/")));
        assert_eq!(
            json(&served.get(&target).await),
            json!({ "read": 100, "cancelled": 100, "aborted": 100, "early": 300 })
        );
    });
}
