//! Replies over HTTP/2 that break off: what came before arrives, and then the reset.

use std::time::Duration;

use tokio::time::Instant;

use crate::events;
use crate::streams::{Answer, Client, answer};
use crate::support::{limited, q, run, serve_raw, serve_with};
use crate::upstream::Upstream;
use edgewit_manifest::Limits;

/// What every one of these replies is to be.
fn came_and_was_cut(cut: &Answer, body: &str) {
    let came = String::from_utf8_lossy(&cut.body);
    assert_eq!((cut.status, &*came), (200, body), "{:?}", cut.error);
    let reason = match body {
        "" => h2::Reason::CANCEL,
        _ => h2::Reason::INTERNAL_ERROR,
    };
    let error = cut.error.as_ref().expect("a cut");
    assert_eq!(error.reason(), Some(reason));
}

/// The connection writes in a task of its own, so that it takes many to meet each order of both.
#[test]
fn a_reply_that_breaks_off_arrives_as_far_as_it_came() {
    run(async {
        let served = serve_raw("http2-breaks").await;
        let client = Client::connect(served.address).await;
        // More than a client takes of frames that carry nothing.
        for _ in 0..110 {
            let cut = client.get("/source?pieces=2&end=error").await;
            came_and_was_cut(&cut, "01");
            let head_alone = client.get("/source?pieces=0&end=error").await;
            came_and_was_cut(&head_alone, "");
        }
        came_and_was_cut(&client.get("/source?pieces=2&end=trap").await, "01");
        for _ in 0..5 {
            let mut started = Vec::new();
            for _ in 0..10 {
                let target = "/source?pieces=2&end=error";
                started.push(client.start("GET", target, &[], true).await.0);
            }
            for response in started {
                came_and_was_cut(&answer(response).await, "01");
            }
        }
    });
}

/// More than it lets come at once, so that it has to take some first.
#[test]
fn a_client_with_a_small_window_gets_all_before_the_cut() {
    run(async {
        let served = serve_raw("http2-breaks-small").await;
        let client = Client::with_window(served.address, 100).await;
        let upstream = Upstream::script(|mut wire| async move {
            wire.request().await;
            let body = "0".repeat(1000);
            wire.send(format!(
                "HTTP/1.1 200 X\r\ncontent-length: 2000\r\n\r\n{body}"
            ))
            .await;
        })
        .await;
        let fetched = format!("/proxy?url={}", q(&upstream.url("/")));
        for (target, length) in [
            ("/source?pieces=1&bytes=1000&end=error", 1000),
            ("/source?pieces=1&bytes=3000&end=error", 3000),
            (&fetched, 1000),
        ] {
            came_and_was_cut(&client.get(target).await, &"0".repeat(length));
        }
    });
}

#[test]
fn a_client_that_takes_nothing_is_cut_all_the_same() {
    run(async {
        let limits = Limits {
            idle_ms: 2500,
            ..Limits::default()
        };
        let served = serve_with("http2-breaks-untaken", limited(limits)).await;
        let client = Client::with_window(served.address, 1).await;
        for (target, reason) in [
            // All of it is the connection's.
            ("bytes=1000&end=error", h2::Reason::INTERNAL_ERROR),
            ("bytes=1000&end=trap", h2::Reason::INTERNAL_ERROR),
            // A part of it is not.
            ("bytes=3000&end=error", h2::Reason::CANCEL),
            ("bytes=3000&end=trap", h2::Reason::CANCEL),
        ] {
            let begun = Instant::now();
            let target = format!("/source?pieces=1&{target}");
            let (response, _) = client.start("GET", &target, &[], true).await;
            let mut body = response.await.unwrap().into_body();
            assert_eq!(body.data().await.unwrap().unwrap().len(), 1);
            let error = body.data().await.unwrap().unwrap_err();
            assert_eq!(error.reason(), Some(reason), "{target}");
            assert!(begun.elapsed() >= Duration::from_millis(2500), "{target}");
        }
        // Why it broke off is what the log says.
        assert!(
            events::errors("http2-breaks-untaken")
                .iter()
                .all(|line| !line.contains("idle-ms"))
        );
        assert_eq!(client.get("/reply").await.status, 200);
    });
}
