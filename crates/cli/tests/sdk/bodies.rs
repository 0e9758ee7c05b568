//! Bodies that arrive and bodies that are made while they are sent.

use edgewit_manifest::Limits;

use crate::events;
use crate::serving::{END, app, chunk, limited, q, run};
use crate::upstream::Gate;

const MIB: u64 = 1024 * 1024;

#[test]
fn a_body_comes_back_chunk_by_chunk_with_trailers() {
    run(async {
        let served = app("sdk-echo").await;
        let mut wire = served.post("/echo").await;
        wire.send(chunk("first")).await;
        let head = wire.head().await.unwrap();
        assert_eq!(head.one("transfer-encoding"), "chunked");
        assert_eq!(wire.chunk().await.unwrap(), b"FIRST");
        wire.send(chunk("second")).await;
        assert_eq!(wire.chunk().await.unwrap(), b"SECOND");
        wire.send(END).await;
        assert_eq!(wire.chunk().await.unwrap(), b"");
        let trailers = wire.trailers().await.unwrap();
        assert_eq!(trailers.one("x-length"), "11");
        assert_eq!(trailers.one("x-end"), "yes");
    });
}

#[test]
fn trailers_of_a_request_are_seen() {
    run(async {
        let served = app("sdk-trailers").await;
        let mut wire = served.post("/read").await;
        wire.send(chunk("text") + END).await;
        let report = wire.response().await.text();
        assert_eq!(report, "body text\nend\nx-end: yes\n");
    });
}

#[test]
fn a_body_that_breaks_off_is_an_error() {
    run(async {
        let served = app("sdk-broken").await;
        let mut wire = served.post("/read").await;
        wire.send(chunk("text")).await;
        wire.finish().await;
        let report = wire.response().await.text();
        assert!(report.starts_with("body text\nerror body: "), "{report}");
    });
}

#[test]
fn a_reply_is_made_as_it_is_taken() {
    run(async {
        let gate = Gate::new().await;
        let served = app("sdk-lazy").await;
        let target = format!("/source?pieces=3&gate={}", q(&gate.url()));
        let mut wire = served.ask(&target).await;
        assert_eq!(wire.head().await.unwrap().status(), 200);
        for piece in [b"0", b"1", b"2"] {
            gate.open();
            assert_eq!(wire.chunk().await.unwrap(), piece);
        }
        assert_eq!(wire.chunk().await.unwrap(), b"");
        events::message("sdk-lazy", "source dropped").await;
        events::message("sdk-lazy", "sent Ok(())").await;
        assert!(events::errors("sdk-lazy").is_empty());
    });
}

#[test]
fn a_body_that_cannot_be_made_cuts_the_reply() {
    run(async {
        let served = app("sdk-cut").await;
        let reply = served.get("/source?pieces=2&error=lost").await;
        assert_eq!((reply.text().as_str(), reply.complete), ("01", false));
        events::message("sdk-cut", "sent Err(Other(\"lost\"))").await;
        let errors = events::errors("sdk-cut");
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].contains("lost"), "{errors:?}");
    });
}

#[test]
fn a_client_that_goes_ends_the_making() {
    run(async {
        let gate = Gate::new().await;
        let served = app("sdk-leaving").await;
        let target = format!("/source?pieces=1000000&gate={}", q(&gate.url()));
        let mut wire = served.ask(&target).await;
        wire.head().await.unwrap();
        gate.open();
        assert_eq!(wire.chunk().await.unwrap(), b"0");
        drop(wire);
        // The piece under way may still be made.
        for _ in 0..10 {
            gate.open();
        }
        events::message("sdk-leaving", "source dropped").await;
        events::message("sdk-leaving", "sent Err(Closed)").await;
        assert!(gate.count() < 10, "{}", gate.count());
    });
}

#[test]
fn a_body_of_most_of_the_memory_is_read_whole() {
    run(async {
        let served = app("sdk-long").await;
        let length = 100_000_000;
        let mut wire = served.connect().await;
        wire.send(format!(
            "POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n"
        ))
        .await;
        let piece = vec![b'x'; 1_000_000];
        for _ in 0..100 {
            wire.send(&piece).await;
        }
        let reply = wire.response().await;
        assert_eq!(reply.text(), format!("Some({length}) {length}"));
    });
}

#[test]
fn an_announcement_alone_takes_no_memory() {
    run(async {
        let served = app("sdk-announced").await;
        let mut wire = served.connect().await;
        let piece = "x".repeat(100_000);
        wire.send(format!(
            "POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 90000000\r\n\r\n{piece}"
        ))
        .await;
        wire.finish().await;
        let text = wire.response().await.text();
        let (pages, error) = text.split_once(' ').unwrap();
        assert!(error.starts_with("body: "), "{error}");
        // 4 MiB, where the announcement is of 86.
        assert!(pages.parse::<u64>().unwrap() <= 64, "{pages}");
    });
}

#[test]
fn a_body_beyond_the_memory_is_an_error() {
    run(async {
        let limits = Limits {
            memory_bytes: 4 * MIB,
            ..Limits::default()
        };
        let served = limited("sdk-beyond", limits).await;
        let piece = "x".repeat(6_000_000);
        for framing in [
            format!("content-length: 6000000\r\n\r\n{piece}"),
            format!(
                "transfer-encoding: chunked\r\n\r\n{}0\r\n\r\n",
                chunk(&piece)
            ),
        ] {
            let mut wire = served.connect().await;
            wire.send(format!("POST /length HTTP/1.1\r\nhost: a\r\n{framing}"))
                .await;
            let text = wire.response().await.text();
            assert!(text.contains(" body: no memory for "), "{text}");
        }
        assert!(events::errors("sdk-beyond").is_empty());
    });
}
