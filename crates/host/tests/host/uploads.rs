//! Request bodies that a guest writes.

use tokio::sync::mpsc;

use crate::events;
use crate::support::{Served, limited, q, run, serve_raw, serve_with, steps};
use crate::upstream::{Gate, Upstream, bare, ok};
use crate::wire::{Message, Wire};
use edgewit_manifest::Limits;

/// The report of steps, with `more` in its query.
pub async fn take(served: &Served, list: &[&str], more: &str) -> Message {
    let report = served.get(&format!("{}{more}", steps(list))).await;
    assert_eq!(report.status(), 200, "{:#?}", events::of(served.name));
    report
}

/// A server that tells each chunk of each request, an empty one for the end of the body and nothing more
/// if it broke off, and answers at the end with 200.
pub async fn telling() -> (Upstream, mpsc::UnboundedReceiver<Option<Vec<u8>>>) {
    let (tell, told) = mpsc::unbounded_channel();
    let upstream = Upstream::script(move |mut wire| {
        let tell = tell.clone();
        async move {
            wire.head().await;
            loop {
                let chunk = wire.chunk().await;
                let is_last = chunk.as_ref().is_none_or(Vec::is_empty);
                let _ = tell.send(chunk);
                if is_last {
                    break;
                }
            }
            if let Some(trailers) = wire.trailers().await {
                wire.send(ok(&trailers.one("x-sum"))).await;
            }
        }
    })
    .await;
    (upstream, told)
}

#[test]
fn an_upload_goes_out_while_it_is_written() {
    run(async {
        let served = serve_raw("written").await;
        let (upstream, mut told) = telling().await;
        let gate = Gate::new().await;
        let stream = format!("stream:{}", upstream.url("/"));
        let pass = format!("pass:{}", gate.url());
        let list = [
            &*stream, "write:3", &pass, "write:4", &pass, "finish", "wait:0", "read:0",
        ];
        let more = "&trailer=X-Sum:7&trailer=x-not:1&field=trailer:x-sum";
        let test = async {
            assert_eq!(told.recv().await.unwrap().unwrap(), b"uuu");
            gate.open();
            assert_eq!(told.recv().await.unwrap().unwrap(), b"uuuu");
            gate.arrived(2).await;
            gate.open();
            assert_eq!(told.recv().await.unwrap().unwrap(), b"");
        };
        let (report, ()) = tokio::join!(take(&served, &list, more), test);
        assert_eq!(report.lines("write: "), ["Ok(3)", "Ok(4)"]);
        assert_eq!(report.line("finish: "), "Ok(())");
        assert_eq!(report.line("wait: "), "status 200");
        assert_eq!(report.line("read: "), "7 end ");
    });
}

#[test]
fn a_write_takes_64_kib_at_most_and_none_of_nothing() {
    run(async {
        let served = serve_raw("one-write").await;
        let upstream = Upstream::answering(|request| ok(&request.body.len().to_string())).await;
        let stream = format!("stream:{}", upstream.url("/"));
        let list = [
            &*stream,
            "write-once:0",
            "write-once:100000",
            "finish",
            "wait:0",
            "read:0",
        ];
        let report = take(&served, &list, "").await;
        assert_eq!(report.lines("write-once: "), ["Ok(0)", "Ok(65536)"]);
        assert_eq!(report.line("read: "), "65536 end ");
    });
}

#[test]
fn a_promised_length_is_sent_and_no_more() {
    run(async {
        let served = serve_raw("promised").await;
        let upstream = Upstream::answering(|_| ok("thanks")).await;
        let stream = format!("stream:{}", upstream.url("/"));
        let list = [
            &*stream,
            "write-once:3",
            "write-once:9",
            "write-once:1",
            "finish",
            "wait:0",
        ];
        let report = take(&served, &list, "&field=content-length:5").await;
        let said = "Err(BodyError::Other(\"content-length 5 was promised, and is there\"))";
        assert_eq!(report.lines("write-once: "), ["Ok(3)", "Ok(2)", said]);
        assert_eq!(report.line("finish: "), "Ok(())");
        assert_eq!(report.line("wait: "), "status 200");
        let requests = upstream.requests();
        assert_eq!(requests[0].head.one("content-length"), "5");
        assert_eq!(requests[0].body, b"uuuuu");
        assert!(!requests[0].head.has("transfer-encoding"));
    });
}

/// A server that tells whether the body of its one request came whole.
async fn judging() -> (Upstream, mpsc::UnboundedReceiver<bool>) {
    let (tell, told) = mpsc::unbounded_channel();
    let upstream = Upstream::script(move |mut wire| {
        let tell = tell.clone();
        async move {
            // The head may have been given up with the rest.
            let request = wire.request().await;
            let _ = tell.send(request.is_some_and(|request| request.complete));
            wire.send(ok("")).await;
        }
    })
    .await;
    (upstream, told)
}

#[test]
fn an_upload_that_misses_its_end_is_cut() {
    run(async {
        let served = serve_raw("missed").await;
        for (end, more, error) in [
            ("finish", "&field=content-length:5", "BodyError::Incomplete"),
            ("drop-outgoing", "", "BodyError::Closed"),
            (
                "drop-outgoing",
                "&field=content-length:5",
                "BodyError::Closed",
            ),
            ("finish", "&trailer=a%20b:1", "BodyError::Other("),
        ] {
            let (upstream, mut told) = judging().await;
            let stream = format!("stream:{}", upstream.url("/"));
            let report = take(&served, &[&stream, "write:3", end, "wait:0"], more).await;
            let failed = report.line("wait: ");
            let expected = format!("error FetchError::RequestBody({error}");
            assert!(failed.starts_with(&expected), "{end} {more}: {failed}");
            if end == "finish" {
                let said = report.line("finish: ");
                assert!(said.starts_with(&format!("Err({error}")), "{said}");
            }
            assert!(!told.recv().await.unwrap(), "{end} {more}");
        }
    });
}

/// Answers with what it reads, while it reads.
pub async fn echo(mut wire: Wire) {
    wire.head().await;
    wire.send("HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    while let Some(chunk) = wire.chunk().await {
        wire.send(format!("{:x}\r\n", chunk.len())).await;
        wire.send(&chunk).await;
        wire.send("\r\n").await;
        if chunk.is_empty() {
            break;
        }
    }
}

#[test]
fn an_upload_against_a_server_that_answers_while_it_reads() {
    run(async {
        let served = serve_raw("both-ends").await;
        let upstream = Upstream::script(echo).await;
        let stream = format!("stream:{}", upstream.url("/"));
        let report = take(&served, &[&stream, "write-all:8000000"], "").await;
        assert_eq!(report.line("write-all: "), "Ok(8000000)");
    });
}

#[test]
fn a_pollable_tells_of_room() {
    run(async {
        let served = serve_raw("room").await;
        let gate = Gate::new().await;
        let begun = Gate::new().await;
        let (open, opened) = tokio::sync::watch::channel(false);
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let upstream = Upstream::script(move |mut wire| {
            let (mut opened, tell) = (opened.clone(), tell.clone());
            async move {
                wire.head().await;
                tell.send(()).unwrap();
                let _ = opened.wait_for(|open| *open).await;
                while wire.chunk().await.is_some_and(|chunk| !chunk.is_empty()) {}
                wire.send(bare(200, "")).await;
            }
        })
        .await;
        let stream = format!("stream:{}", upstream.url("/"));
        let pass = format!("pass:{}", gate.url());
        let pass_begun = format!("pass:{}", begun.url());
        let list = [
            &*stream,
            "subscribe:outgoing 0",
            "poll:0",
            &pass_begun,
            "fill",
            "poll:0,0",
            &pass,
            "poll:0",
            "finish",
            "ready:0",
            "wait:0",
        ];
        let test = async {
            told.recv().await.unwrap();
            begun.open();
            gate.arrived(1).await;
            open.send(true).unwrap();
            gate.open();
        };
        let (report, ()) = tokio::join!(take(&served, &list, ""), test);
        assert_eq!(report.line("fill: "), "full");
        assert_eq!(report.lines("poll: "), ["[0]", "[]", "[0]"]);
        assert_eq!(report.line("ready: "), "true");
        assert_eq!(report.line("wait: "), "status 200");
    });
}

#[test]
fn what_can_t_be_streamed_is_an_invalid_request() {
    run(async {
        let served = serve_raw("unstreamable").await;
        let upstream = Upstream::answering(|_| ok("")).await;
        let stream = format!("stream:{}", upstream.url("/"));
        for more in [
            "&bytes=abc",
            "&method=GET",
            "&method=HEAD",
            "&field=content-length:x",
            "&field=content-length:1&field=Content-Length:1",
        ] {
            let report = take(&served, &[&stream], more).await;
            let failed = report.line("stream: ");
            assert!(
                failed.starts_with("error FetchError::InvalidRequest("),
                "{more}: {failed}"
            );
        }
        assert_eq!(upstream.connections(), 0);
    });
}

#[test]
fn a_forwarded_upload_that_breaks_off_says_so() {
    run(async {
        let limits = Limits {
            request_body_bytes: 100_000,
            ..Limits::default()
        };
        let served = serve_with("breaks-off", limited(limits)).await;
        let start = |url: &str| {
            let target = format!("/fetch?method=POST&url={}", q(url));
            format!(
                "POST {target} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"
            )
        };
        let (upstream, mut told) = judging().await;
        let mut wire = served.connect().await;
        wire.send(start(&upstream.url("/"))).await;
        wire.finish().await;
        let report = wire.response().await;
        let failed = report.line("error ");
        assert_eq!(failed, "FetchError::RequestBody(BodyError::Incomplete)");
        assert!(!told.recv().await.unwrap());
        let (upstream, mut told) = judging().await;
        let mut wire = served.connect().await;
        wire.send(start(&upstream.url("/"))).await;
        let too_much = "x".repeat(100_000);
        wire.send(format!("186a0\r\n{too_much}\r\n0\r\n\r\n")).await;
        let report = wire.response().await;
        let failed = report.line("error ");
        assert_eq!(
            failed,
            "FetchError::RequestBody(BodyError::TooLarge(100000))"
        );
        assert!(!told.recv().await.unwrap());
    });
}
