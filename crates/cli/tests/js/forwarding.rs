//! Bodies that are handed on: the guest never sees their bytes.

use crate::events;
use crate::serving::{END, chunk, q, run, watched};
use crate::upstream::{Upstream, ok};

#[test]
fn a_body_that_is_handed_back_never_enters_the_guest() {
    run(async {
        let upstream = Upstream::answering(|_| {
            b"HTTP/1.1 202 OK\r\ntransfer-encoding: chunked\r\nx-up: 1\r\ntrailer: x-end\r\n\r\n\
              3\r\nabc\r\n0\r\nx-end: yes\r\n\r\n"
                .to_vec()
        })
        .await;
        let (served, calls) = watched("js-hand-back").await;
        for how in ["response", "init", "fields"] {
            let target = format!("/forward?how={how}&url={}", q(&upstream.url("/")));
            let mut wire = served.ask(&target).await;
            let head = wire.head().await.unwrap();
            assert_eq!((head.status(), &*head.one("x-up")), (202, "1"), "{how}");
            assert_eq!(head.has("x-more"), how == "fields");
            assert_eq!(wire.chunk().await.unwrap(), b"abc");
            assert_eq!(wire.chunk().await.unwrap(), b"");
            assert_eq!(wire.trailers().await.unwrap().one("x-end"), "yes", "{how}");
            assert_eq!(calls.count("[method]incoming-body.read"), 0, "{how}");
            assert_eq!(calls.take("send").len(), 1);
        }
        assert!(events::errors("js-hand-back").is_empty());
    });
}

#[test]
fn a_body_that_is_handed_on_never_enters_the_guest() {
    run(async {
        let upstream = Upstream::answering(|request| {
            let length = request.head.one("content-length");
            ok(&format!(
                "{} {length} {}",
                request.head.start,
                request.text()
            ))
        })
        .await;
        let (served, calls) = watched("js-hand-on").await;
        for how in ["body", "request", "input", "taken"] {
            let target = format!("/forward?how={how}&url={}", q(&upstream.url("/")));
            let mut wire = served.post(&target).await;
            wire.send(chunk("abc") + END).await;
            let reply = wire.response().await;
            assert_eq!(reply.text(), "POST / HTTP/1.1  abc", "{how}");
            assert_eq!(calls.count("[method]incoming-body.read"), 0, "{how}");
            let sent = calls.take("send");
            assert_eq!(sent.len(), 1, "{how}");
            assert!(sent[0].contains("Case(\"incoming\""), "{}", sent[0]);
        }
        assert!(events::errors("js-hand-on").is_empty());
    });
}
