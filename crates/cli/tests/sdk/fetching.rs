//! Requests to other servers.

use tokio::sync::watch;

use crate::events;
use crate::serving::{END, app, chunk, q, run};
use crate::upstream::{Upstream, bare, ok};

#[test]
fn a_response_arrives_with_where_it_came_from() {
    run(async {
        let upstream = Upstream::answering(|request| match request.head.start.as_str() {
            "GET /old HTTP/1.1" => bare(302, "location: /new\r\n"),
            _ => b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x\r\n\r\n\
                   3\r\nabc\r\n0\r\nx: end\r\n\r\n"
                .to_vec(),
        })
        .await;
        let served = app("sdk-fetch").await;
        let (old, new) = (upstream.url("/old"), upstream.url("/new"));
        let reply = served.get(&format!("/fetch?url={}", q(&old))).await;
        let body = "status 200\nbody abc\nend\nx: end\n";
        assert_eq!(reply.text(), format!("{new} 1\n{body}"));
        assert_eq!(upstream.requests()[0].head.one("x-from"), "guest");

        let manual = format!("/fetch?redirect=manual&url={}", q(&old));
        let reply = served.get(&manual).await;
        assert_eq!(reply.text(), format!("{old} 0\nstatus 302\nbody \nend\n"));
    });
}

#[test]
fn a_failure_has_its_case() {
    run(async {
        let served = app("sdk-fetch-errors").await;
        let silent = Upstream::script(|_| async {}).await;
        let redirecting = Upstream::answering(|_| bare(302, "location: /\r\n")).await;
        for (target, expected) in [
            ("http://127.0.0.2/".to_owned(), "error fetch: denied: "),
            ("/relative".to_owned(), "error fetch: invalid request: "),
            (
                silent.url("/"),
                "error fetch: the connection was closed before an answer\n",
            ),
            (redirecting.url("/"), "error fetch: too many redirects\n"),
        ] {
            let reply = served.get(&format!("/fetch?url={}", q(&target))).await;
            assert!(
                reply.text().starts_with(expected),
                "{target}: {}",
                reply.text()
            );
        }
        let target = format!("/fetch?redirect=error&url={}", q(&redirecting.url("/")));
        let text = served.get(&target).await.text();
        assert!(text.starts_with("error fetch: redirect: "), "{text}");
    });
}

/// A server that never answers, and tells how many requests have arrived and how many of its connections were closed.
async fn never() -> (Upstream, watch::Receiver<usize>, watch::Receiver<usize>) {
    let (count, closed) = watch::channel(0);
    let (ask, asked) = watch::channel(0);
    let upstream = Upstream::script(move |mut wire| {
        let (ask, count) = (ask.clone(), count.clone());
        async move {
            wire.request().await;
            ask.send_modify(|n| *n += 1);
            if wire.closed().await {
                count.send_modify(|n| *n += 1);
            }
        }
    })
    .await;
    (upstream, asked, closed)
}

#[test]
fn the_first_answer_is_taken_and_the_others_are_cancelled() {
    run(async {
        let (slow, asked, mut closed) = never().await;
        let quick = Upstream::script(move |mut wire| {
            let mut asked = asked.clone();
            async move {
                wire.request().await;
                // One that was not sent yet has no connection to close.
                asked.wait_for(|asked| *asked == 2).await.unwrap();
                wire.send(ok("quick")).await;
            }
        })
        .await;
        let served = app("sdk-first").await;
        let [slow, quick] = [slow.url("/"), quick.url("/")].map(|url| q(&url));
        let target = format!("/first?url={slow}&url={quick}&url={slow}");
        let reply = served.get(&target).await;
        assert_eq!(reply.text(), "ready [2]\nstatus 200\nbody quick\nend\n");
        closed.wait_for(|closed| *closed == 2).await.unwrap();
    });
}

#[test]
fn a_timer_ends_a_wait() {
    run(async {
        let (slow, _, mut closed) = never().await;
        let served = app("sdk-timer").await;
        let target = format!("/first?ms=1000&url={}", q(&slow.url("/")));
        assert_eq!(served.get(&target).await.text(), "ready [0]\n");
        closed.wait_for(|closed| *closed == 1).await.unwrap();
    });
}

#[test]
fn bodies_are_handed_on_both_ways() {
    run(async {
        let upstream = Upstream::script(|mut wire| async move {
            let head = wire.head().await.unwrap();
            assert_eq!(head.one("transfer-encoding"), "chunked");
            // Each piece is there before the next is sent.
            let first = wire.chunk().await.unwrap();
            wire.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-end\r\n\r\n")
                .await;
            wire.send(chunk(&String::from_utf8(first).unwrap())).await;
            assert_eq!(wire.chunk().await.unwrap(), b"second");
            assert_eq!(wire.chunk().await.unwrap(), b"");
            assert_eq!(wire.trailers().await.unwrap().one("x-end"), "yes");
            wire.send(END).await;
        })
        .await;
        let served = app("sdk-proxy").await;
        let target = format!("/proxy?url={}", q(&upstream.url("/")));
        let mut wire = served.post(&target).await;
        wire.send(chunk("first")).await;
        assert_eq!(wire.head().await.unwrap().status(), 200);
        assert_eq!(wire.chunk().await.unwrap(), b"first");
        wire.send(chunk("second") + END).await;
        assert_eq!(wire.chunk().await.unwrap(), b"");
        assert!(events::errors("sdk-proxy").is_empty());
    });
}
