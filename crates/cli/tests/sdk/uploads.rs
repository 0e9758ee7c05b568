//! Request bodies that are made or written while they are sent.

use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use crate::events;
use crate::serving::{END, app, chunk, q, run};
use crate::upstream::{Gate, Upstream, ok};
use crate::wire::{Message, Wire};

/// A server that keeps the requests it gets, whole or not, and answers `ok`.
async fn keeping() -> (Upstream, watch::Receiver<Vec<Message>>) {
    let (keep, kept) = watch::channel(Vec::new());
    let upstream = Upstream::script(move |mut wire| {
        let keep = keep.clone();
        async move {
            while let Some(request) = wire.request().await {
                keep.send_modify(|kept| kept.push(request));
                wire.send(ok("ok")).await;
            }
        }
    })
    .await;
    (upstream, kept)
}

#[test]
fn a_body_is_sent_as_it_is_made() {
    run(async {
        let gate = Gate::new().await;
        let seen = watch::channel(0);
        let count = Arc::new(seen.0);
        let upstream = Upstream::script(move |mut wire| {
            let count = count.clone();
            async move {
                assert!(!wire.head().await.unwrap().has("content-length"));
                while !wire.chunk().await.unwrap().is_empty() {
                    count.send_modify(|n| *n += 1);
                }
                let trailers = wire.trailers().await.unwrap();
                wire.send(ok(&trailers.one("x-sum"))).await;
            }
        })
        .await;
        let served = app("sdk-made").await;
        let (url, gate_url) = (q(&upstream.url("/")), q(&gate.url()));
        let target = format!("/stream?pieces=3&bytes=5&url={url}&gate={gate_url}");
        let mut wire = served.ask(&target).await;
        let mut seen = seen.1;
        for n in 1..=3 {
            gate.open();
            seen.wait_for(|seen| *seen == n).await.unwrap();
            assert!(gate.count() <= n + 1);
        }
        let reply = wire.response().await;
        assert_eq!(reply.text(), "status 200\nbody 3\nend\nmade 3\n");
    });
}

#[test]
fn a_body_that_cannot_be_made_cuts_the_request() {
    run(async {
        let (upstream, mut kept) = keeping().await;
        let served = app("sdk-unmade").await;
        let target = format!(
            "/stream?pieces=2&bytes=1&error=lost&url={}",
            q(&upstream.url("/"))
        );
        let reply = served.get(&target).await;
        assert_eq!(reply.text(), "error fetch: request body: lost\nmade 2\n");
        let kept = kept.wait_for(|kept| kept.len() == 1).await.unwrap();
        assert!(!kept[0].complete);
    });
}

/// Answers at once and then echoes, a chunk at a time: while nobody takes the echo, it does not read.
async fn echo(mut wire: Wire) {
    wire.head().await.unwrap();
    wire.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    loop {
        let piece = wire.chunk().await.unwrap();
        if piece.is_empty() {
            break;
        }
        wire.send(chunk(&String::from_utf8(piece).unwrap())).await;
    }
    wire.trailers().await.unwrap();
    wire.send("0\r\n\r\n").await;
}

#[test]
fn a_server_that_answers_while_it_reads_is_no_deadlock() {
    run(async {
        let upstream = Upstream::script(echo).await;
        let served = app("sdk-duplex").await;
        // Far more than all buffers on the way hold.
        let target = format!(
            "/stream?pieces=400&bytes=100000&url={}",
            q(&upstream.url("/"))
        );
        let reply = served.get(&target).await;
        assert_eq!(reply.text(), "status 200\nbytes 40000000\nend\nmade 400\n");

        // Through three streams: the client's body, the upload, and the reply.
        let mut wire = served
            .post(&format!("/forward?url={}", q(&upstream.url("/"))))
            .await;
        wire.send(chunk("first")).await;
        assert_eq!(wire.head().await.unwrap().status(), 200);
        assert_eq!(wire.chunk().await.unwrap(), b"FIRST");
        wire.send(chunk("second")).await;
        assert_eq!(wire.chunk().await.unwrap(), b"SECOND");
        wire.send(END).await;
        assert_eq!(wire.chunk().await.unwrap(), b"");
    });
}

/// Answers, and reads nothing of the body; the connection stays until the client is done with it.
async fn refuse(mut wire: Wire) {
    wire.head().await.unwrap();
    wire.send("HTTP/1.1 413 X\r\ncontent-length: 3\r\n\r\nno!")
        .await;
    while wire.chunk().await.is_some() {
        // One chunk at most is read: the rest is nobody's.
        std::future::pending::<()>().await;
    }
}

#[test]
fn an_answer_ends_an_upload_that_nobody_reads() {
    run(async {
        let upstream = Upstream::script(refuse).await;
        let served = app("sdk-refused").await;
        let target = format!(
            "/stream?pieces=1000&bytes=100000&url={}",
            q(&upstream.url("/"))
        );
        let reply = served.get(&target).await;
        assert_eq!(reply.lines("status "), ["413"]);
        assert_eq!(reply.lines("body "), ["no!"]);
        assert_ne!(reply.line("made "), "1000");
    });
}

#[test]
fn an_empty_answer_that_is_no_refusal_lets_the_rest_go_on() {
    run(async {
        let read = Arc::new(Mutex::new(0));
        let count = read.clone();
        let upstream = Upstream::script(move |mut wire| {
            let count = count.clone();
            async move {
                wire.head().await.unwrap();
                wire.send("HTTP/1.1 202 X\r\ncontent-length: 0\r\n\r\n")
                    .await;
                while let Some(piece) = wire.chunk().await.filter(|piece| !piece.is_empty()) {
                    *count.lock().unwrap() += piece.len();
                }
            }
        })
        .await;
        let served = app("sdk-accepted").await;
        let target = format!(
            "/stream?pieces=400&bytes=100000&url={}",
            q(&upstream.url("/"))
        );
        let reply = served.get(&target).await;
        assert_eq!(reply.text(), "status 202\nbody \nend\nmade 400\n");
    });
}

#[test]
fn an_upload_is_written_with_trailers() {
    run(async {
        let (upstream, kept) = keeping().await;
        let served = app("sdk-written").await;
        let url = q(&upstream.url("/"));
        let target = format!("/write?pieces=10&bytes=100000&url={url}");
        let reply = served.get(&target).await;
        assert_eq!(reply.text(), "status 200\nbody ok\nend\nfinished Ok(())\n");
        let target = format!("/write?pieces=2&bytes=3&length=6&url={url}");
        let reply = served.get(&target).await;
        assert_eq!(reply.text(), "status 200\nbody ok\nend\nfinished Ok(())\n");
        let kept = kept.borrow();
        assert_eq!(kept[0].body.len(), 1_000_000);
        assert_eq!(kept[1].head.one("content-length"), "6");
    });
}

#[test]
fn a_promised_length_is_kept_or_the_upload_fails() {
    run(async {
        let (upstream, mut kept) = keeping().await;
        let served = app("sdk-promised").await;
        let target = format!(
            "/write?pieces=2&bytes=3&length=7&url={}",
            q(&upstream.url("/"))
        );
        let reply = served.get(&target).await;
        assert_eq!(
            reply.text(),
            "error fetch: request body: incomplete\nfinished Err(Incomplete)\n"
        );
        kept.wait_for(|kept| kept.len() == 1).await.unwrap();
        assert!(!kept.borrow()[0].complete);
    });
}

#[test]
fn writing_ends_where_the_server_has_gone() {
    run(async {
        let upstream = Upstream::script(|mut wire| async move {
            wire.head().await.unwrap();
            wire.send("HTTP/1.1 403 X\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno")
                .await;
        })
        .await;
        let served = app("sdk-unwanted").await;
        let target = format!(
            "/write?pieces=1000000&bytes=1000&url={}",
            q(&upstream.url("/"))
        );
        let text = served.get(&target).await.text();
        assert!(text.contains("finished Err("), "{text}");
    });
}

#[test]
fn letting_go_of_either_half_aborts() {
    run(async {
        let gate = Gate::new().await;
        let (begin, begun) = watch::channel(0);
        let (end, ended) = watch::channel(Vec::new());
        let upstream = Upstream::script(move |mut wire| {
            let (begin, end) = (begin.clone(), end.clone());
            async move {
                wire.head().await.unwrap();
                assert_eq!(wire.chunk().await.unwrap(), b"piece");
                begin.send_modify(|n| *n += 1);
                let mut last = wire.chunk().await;
                while last.as_ref().is_some_and(|chunk| !chunk.is_empty()) {
                    last = wire.chunk().await;
                }
                end.send_modify(|ends| ends.push(last));
            }
        })
        .await;
        let served = app("sdk-aborted").await;
        for (n, (half, expected)) in [
            (
                "upload",
                "error fetch: request body: closed before its end\n",
            ),
            ("pending", "Some(Closed)"),
        ]
        .into_iter()
        .enumerate()
        {
            let (url, gate_url) = (q(&upstream.url("/")), q(&gate.url()));
            let target = format!("/abort?drop={half}&url={url}&gate={gate_url}");
            let mut wire = served.ask(&target).await;
            gate.arrived(n + 1).await;
            // One that was not sent yet has no connection to break off.
            let mut begun = begun.clone();
            begun.wait_for(|begun| *begun == n + 1).await.unwrap();
            gate.open();
            assert_eq!(wire.response().await.text(), expected);
            let mut ended = ended.clone();
            let ended = ended.wait_for(|ended| ended.len() == n + 1).await;
            assert_eq!(ended.unwrap()[n], None);
        }
        assert!(events::errors("sdk-aborted").is_empty());
    });
}
