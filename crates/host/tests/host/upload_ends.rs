//! Uploads that end before their end, whoever it is that lets go.

use tokio::sync::mpsc;

use crate::support::{limited, run, serve_raw, serve_with};
use crate::uploads::{take, telling};
use crate::upstream::{Gate, Upstream, ok};
use edgewit_manifest::Limits;

#[test]
fn an_early_answer_ends_the_writing_and_can_be_read() {
    run(async {
        let served = serve_raw("early-answer").await;
        // What it leaves unread makes the server's system reset the connection. The answer is longer than
        // what a connection reads ahead.
        let upstream = Upstream::script(|mut wire| async move {
            wire.head().await;
            let body = "too much".repeat(5000);
            wire.send(format!(
                "HTTP/1.1 413 X\r\ncontent-length: 40000\r\n\r\n{body}"
            ))
            .await;
        })
        .await;
        let stream = format!("stream:{}", upstream.url("/"));
        let both = "BodyError::Unwanted, then Err(BodyError::Unwanted)";
        // Whether the head is taken before the writing ends or after.
        for list in [
            [&*stream, "write:3", "write-on", "wait:0", "read:0"],
            [&*stream, "write:3", "wait:0", "write-on", "read:0"],
        ] {
            for _ in 0..10 {
                let report = take(&served, &list, "").await;
                assert_eq!(report.line("write-on: "), both);
                assert_eq!(report.line("wait: "), "status 413");
                assert_eq!(report.line("read: "), "40000 bytes end ");
            }
        }
    });
}

#[test]
fn an_early_answer_does_not_end_an_upload_that_the_server_goes_on_reading() {
    run(async {
        let served = serve_raw("reads-on").await;
        let (tell, mut told) = mpsc::unbounded_channel();
        let upstream = Upstream::script(move |mut wire| {
            let tell = tell.clone();
            async move {
                wire.head().await;
                wire.send(ok("early")).await;
                let mut bytes = 0;
                while let Some(chunk) = wire.chunk().await.filter(|chunk| !chunk.is_empty()) {
                    bytes += chunk.len();
                }
                let _ = tell.send(bytes);
            }
        })
        .await;
        let stream = format!("stream:{}", upstream.url("/"));
        let list = [
            &*stream,
            "wait:0",
            "read:0",
            "write:3000000",
            "drop-incoming:0",
            "write:5",
            "finish",
        ];
        let report = take(&served, &list, "").await;
        assert_eq!(report.line("read: "), "early end ");
        assert_eq!(report.lines("write: "), ["Ok(3000000)", "Ok(5)"]);
        assert_eq!(report.line("finish: "), "Ok(())");
        assert_eq!(told.recv().await.unwrap(), 3_000_005);
    });
}

/// A server that answers with a head and a piece of a body, goes on reading, and tells once that ends.
async fn half_answering(answer: &'static str) -> (Upstream, mpsc::UnboundedReceiver<()>) {
    let (tell, told) = mpsc::unbounded_channel();
    let upstream = Upstream::script(move |mut wire| {
        let tell = tell.clone();
        async move {
            wire.head().await;
            wire.send(answer).await;
            while wire.chunk().await.is_some_and(|chunk| !chunk.is_empty()) {}
            let _ = tell.send(());
        }
    })
    .await;
    (upstream, told)
}

#[test]
fn dropping_the_answer_before_its_end_ends_the_upload() {
    run(async {
        let served = serve_raw("drops-answer").await;
        let answer = "HTTP/1.1 200 X\r\ncontent-length: 5\r\n\r\nabc";
        let (upstream, mut told) = half_answering(answer).await;
        let stream = format!("stream:{}", upstream.url("/"));
        let list = [&*stream, "write:3", "wait:0", "drop-incoming:0", "write-on"];
        let report = take(&served, &list, "").await;
        assert!(report.line("write-on: ").starts_with("BodyError::Unwanted"));
        told.recv().await.unwrap();
    });
}

#[test]
fn dropping_a_pending_request_ends_its_upload() {
    run(async {
        let served = serve_raw("drops-pending").await;
        let (upstream, mut told) = telling().await;
        let gate = Gate::new().await;
        let stream = format!("stream:{}", upstream.url("/"));
        let pass = format!("pass:{}", gate.url());
        let list = [
            &*stream,
            "write:3",
            &pass,
            "drop-pending:0",
            "write-on",
            &pass,
        ];
        let test = async {
            assert_eq!(told.recv().await.unwrap().unwrap(), b"uuu");
            gate.open();
            // Pieces on their way may still arrive; the end does not.
            let broke_off = async {
                while let Some(piece) = told.recv().await.unwrap() {
                    assert!(!piece.is_empty());
                }
            };
            broke_off.await;
            gate.open();
        };
        let (report, ()) = tokio::join!(take(&served, &list, ""), test);
        let both = "BodyError::Closed, then Err(BodyError::Closed)";
        assert_eq!(report.line("write-on: "), both);
        // One that had no time to begin.
        let report = take(&served, &[&stream, "drop-pending:0", "write-on"], "").await;
        assert_eq!(report.line("write-on: "), both);
    });
}

#[test]
fn a_streamed_body_is_not_sent_again() {
    run(async {
        let served = serve_raw("streamed-redirect").await;
        let answer = "HTTP/1.1 307 X\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n";
        let (upstream, mut told) = half_answering(answer).await;
        let gate = Gate::new().await;
        let stream = format!("stream:{}", upstream.url("/"));
        let pass = format!("pass:{}", gate.url());
        let list = [&*stream, "write:3", "wait:0", "write-on", &pass];
        let test = async {
            // The upload ends there and then, and not with the guest.
            told.recv().await.unwrap();
            gate.open();
        };
        let (report, ()) = tokio::join!(take(&served, &list, ""), test);
        let failed = report.line("wait: ");
        assert!(
            failed.starts_with("error FetchError::Redirect("),
            "{failed}"
        );
        // There is no answer that `unwanted` could stand for.
        assert!(report.line("write-on: ").starts_with("BodyError::Closed"));
        assert_eq!(upstream.connections(), 1);
    });
}

#[test]
fn a_redirect_that_asks_for_no_body_is_followed_and_ends_the_upload() {
    run(async {
        let served = serve_raw("streamed-303").await;
        let upstream = Upstream::script(|mut wire| async move {
            let head = wire.head().await.unwrap();
            if head.start.starts_with("POST / ") {
                wire.send("HTTP/1.1 303 X\r\nlocation: /next\r\ncontent-length: 0\r\n\r\n")
                    .await;
                while wire.chunk().await.is_some() {}
            } else {
                assert!(!head.has("transfer-encoding"));
                wire.send(ok(&head.start)).await;
            }
        })
        .await;
        let stream = format!("stream:{}", upstream.url("/"));
        let report = take(&served, &[&stream, "write-on", "wait:0", "read:0"], "").await;
        assert!(report.line("write-on: ").starts_with("BodyError::Unwanted"));
        assert_eq!(report.line("read: "), "GET /next HTTP/1.1 end ");
    });
}

#[test]
fn a_server_that_takes_nothing_for_too_long_is_a_timeout() {
    run(async {
        let limits = Limits {
            idle_ms: 200,
            ..Limits::default()
        };
        let served = serve_with("takes-nothing", limited(limits)).await;
        let both = "BodyError::Timeout, then Err(BodyError::Timeout)";
        let silent = Upstream::script(|mut wire| async move {
            wire.head().await;
            std::future::pending().await
        })
        .await;
        let stream = format!("stream:{}", silent.url("/"));
        let report = take(&served, &[&stream, "write-on", "wait:0"], "").await;
        assert_eq!(report.line("write-on: "), both);
        let failed = report.line("wait: ");
        assert_eq!(failed, "error FetchError::RequestBody(BodyError::Timeout)");
        let answering = Upstream::script(|mut wire| async move {
            wire.head().await;
            wire.send("HTTP/1.1 200 X\r\ncontent-length: 5\r\n\r\nabc")
                .await;
            std::future::pending().await
        })
        .await;
        let stream = format!("stream:{}", answering.url("/"));
        let report = take(&served, &[&stream, "wait:0", "write-on"], "").await;
        assert_eq!(report.line("write-on: "), both);
    });
}

#[test]
fn an_upload_is_aborted_also_where_nobody_takes_it() {
    run(async {
        let served = serve_raw("nobody-takes").await;
        let silent = Upstream::script(|mut wire| async move {
            wire.head().await;
            std::future::pending().await
        })
        .await;
        let stream = format!("stream:{}", silent.url("/"));
        let report = take(&served, &[&stream, "fill", "drop-outgoing", "wait:0"], "").await;
        let failed = report.line("wait: ");
        assert_eq!(failed, "error FetchError::RequestBody(BodyError::Closed)");
    });
}
