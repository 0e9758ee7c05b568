//! Bodies both ways, piece by piece.

use std::time::Duration;

use crate::events;
use crate::support::{limited, q, run, serve_raw, serve_with};
use crate::upstream::Gate;
use crate::wire::Wire;
use edgewit_manifest::Limits;

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

async fn started(wire: &mut Wire, target: &str) {
    wire.send(format!(
        "POST {target} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
    ))
    .await;
}

#[test]
fn a_body_comes_back_piece_by_piece() {
    run(async {
        let served = serve_raw("echo").await;
        for target in ["/echo", "/forward"] {
            let mut wire = served.connect().await;
            started(&mut wire, target).await;
            wire.send(chunk("first")).await;
            let head = wire.head().await.unwrap();
            assert_eq!(head.one("transfer-encoding"), "chunked");
            assert_eq!(wire.chunk().await.unwrap(), b"first");
            wire.send(chunk("second")).await;
            assert_eq!(wire.chunk().await.unwrap(), b"second");
            wire.send("0\r\n\r\n").await;
            assert_eq!(wire.chunk().await.unwrap(), b"");
            assert!(wire.trailers().await.unwrap().fields.is_empty());
        }
    });
}

#[test]
fn a_long_body_with_a_length_is_forwarded_with_it_and_echoed_without() {
    run(async {
        let served = serve_raw("long").await;
        let long = "0123456789abcdef".repeat(64 * 1024);
        let length = long.len();
        for (target, framing) in [
            ("/forward", format!("content-length {length}")),
            ("/echo", "transfer-encoding chunked".to_owned()),
        ] {
            let reply = served
                .send(&format!(
                    "PUT {target} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{long}"
                ))
                .await;
            let (name, value) = framing.split_once(' ').unwrap();
            assert_eq!(reply.head.one(name), value);
            assert!(reply.body == long.as_bytes(), "{target}");
            let oks = |event: &events::Logged| event.message() == "after-reply Ok(())";
            events::wait("long", oks).await;
        }
        for n in [1, 2] {
            let line = events::line("long", n).await;
            assert_eq!(line.field("bytes"), length.to_string());
        }
        assert!(events::errors("long").is_empty());
    });
}

#[test]
fn a_read_takes_at_most_max_and_the_end_stays() {
    run(async {
        let served = serve_raw("max").await;
        let report = served
            .send("POST /read?max=3 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntrailer: x\r\n\r\n5\r\nabcde\r\n0\r\nX: end\r\nhost: h\r\n\r\n")
            .await;
        let end = "end\nx: end\n";
        let expected = format!("length None\nbytes 3\nbytes 2\n{end}{end}");
        assert_eq!(report.text(), expected);
    });
}

#[test]
fn a_source_is_pulled_lazily() {
    run(async {
        let gate = Gate::new().await;
        let served = serve_raw("lazy").await;
        let mut wire = served.connect().await;
        let target = format!("/source?pieces=3&gate={}", q(&q(&gate.url())));
        wire.send(format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n"))
            .await;
        let head = wire.head().await.unwrap();
        assert_eq!(head.one("transfer-encoding"), "chunked");
        for piece in [b"0", b"1", b"2"] {
            gate.open();
            assert_eq!(wire.chunk().await.unwrap(), piece);
        }
        assert_eq!(wire.chunk().await.unwrap(), b"");
        events::message("lazy", "source dropped").await;
        events::message("lazy", "after-reply Ok(())").await;
    });
}

#[test]
fn a_source_stays_one_piece_ahead_of_the_connection() {
    run(async {
        let served = serve_raw("ahead").await;
        let mut wire = served.connect().await;
        // More than the buffers of both ends: it is not produced before it is taken.
        wire.send("GET /source?pieces=1000&bytes=60000 HTTP/1.1\r\nhost: a\r\n\r\n")
            .await;
        wire.head().await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        let dropped = |event: &events::Logged| event.message() == "source dropped";
        assert!(!events::of("ahead").iter().any(dropped));
        let mut bytes = 0;
        loop {
            match wire.chunk().await.unwrap().len() {
                0 => break,
                length => bytes += length,
            }
        }
        assert_eq!(bytes, 60_000_000);
        events::message("ahead", "after-reply Ok(())").await;
    });
}

/// What the kernel keeps of what is sent at most, in bytes.
fn send_buffer_max() -> usize {
    let sizes = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_wmem").unwrap();
    sizes.split_whitespace().last().unwrap().parse().unwrap()
}

/// A gate counts the source's reads: they end when the buffers of both ends are full, and go on when the client does.
#[test]
fn a_client_that_stops_reading_stops_the_source() {
    const BYTES: usize = 60_000;
    // As large as a head may be that comes on the same connection, with its request line.
    const HOSTS_BUFFER: usize = (256 + 64) * 1024;
    run(async {
        let gate = Gate::new().await;
        let buffers = 64 * 1024 + send_buffer_max();
        // As much again is never read, if nobody takes it.
        let pieces = 2 * buffers / BYTES;
        (0..pieces).for_each(|_| gate.open());
        let served = serve_raw("stops").await;
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(32 * 1024).unwrap();
        let mut wire = Wire::new(socket.connect(served.address).await.unwrap());
        let gate_url = q(&q(&gate.url()));
        wire.send(format!(
            "GET /source?pieces={pieces}&bytes={BYTES}&gate={gate_url} HTTP/1.1\r\nhost: a\r\n\r\n"
        ))
        .await;
        wire.head().await.unwrap();
        let read = gate.settled().await;
        // One piece waits to be written, and one was produced ahead of it.
        let most = (buffers + HOSTS_BUFFER) / BYTES + 2;
        assert!(read <= most, "{read} of {most} reads");
        for piece in 0..pieces {
            assert_eq!(wire.chunk().await.unwrap().len(), BYTES, "{piece}");
        }
        assert_eq!(wire.chunk().await.unwrap(), b"");
        assert_eq!(gate.count(), pieces);
    });
}

#[test]
fn an_empty_piece_is_not_the_end() {
    run(async {
        let served = serve_raw("padded").await;
        let reply = served.get("/source?pieces=3&padded").await;
        assert_eq!(reply.text(), "012");
        assert!(reply.complete);
        let reply = served.get("/source?pieces=0").await;
        assert_eq!(reply.text(), "");
        assert!(reply.complete);
    });
}

#[test]
fn a_promised_length_is_kept_or_the_connection_is_cut() {
    run(async {
        let served = serve_raw("promise").await;
        let reply = served.get("/source?pieces=3&field=content-length:3").await;
        assert_eq!(reply.head.one("content-length"), "3");
        assert_eq!((reply.text().as_str(), reply.complete), ("012", true));
        events::wait("promise", |event| event.message() == "after-reply Ok(())").await;
        assert!(events::errors("promise").is_empty());
        let reply = served.get("/source?pieces=2&field=content-length:3").await;
        assert_eq!((reply.text().as_str(), reply.complete), ("01", false));
        let line = events::message("promise", "the reply was cut").await;
        assert_eq!(line.level, tracing::Level::ERROR);
        events::message("promise", "after-reply Err(BodyError::Incomplete)").await;
    });
}

#[test]
fn more_than_was_promised_is_refused() {
    run(async {
        let served = serve_raw("more").await;
        let mut wire = served.connect().await;
        wire.send(
            "GET /source?pieces=3&bytes=2&field=content-length:3 HTTP/1.1\r\nhost: a\r\n\r\n",
        )
        .await;
        let reply = wire.response().await;
        assert_eq!((reply.text().as_str(), reply.complete), ("00", false));
        events::message("more", "after-reply Err(BodyError::Incomplete)").await;
    });
}

#[test]
fn an_error_of_a_source_cuts_the_connection() {
    run(async {
        let served = serve_raw("source-error").await;
        let mut wire = served.connect().await;
        wire.send("GET /source?pieces=2&end=error&text=flood HTTP/1.1\r\nhost: a\r\n\r\n")
            .await;
        let reply = wire.response().await;
        assert_eq!((reply.status(), reply.complete), (200, false));
        assert_eq!(reply.text(), "01");
        assert!(wire.closed().await);
        let after = events::message("source-error", "after-reply").await;
        assert!(after.message().contains("flood"), "{after:?}");
        let errors = events::errors("source-error");
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!(errors[0], "the reply was cut: flood");
    });
}

#[test]
fn a_client_that_goes_ends_the_source_and_not_the_guest() {
    run(async {
        let gate = Gate::new().await;
        let served = serve_raw("goes").await;
        let mut wire = served.connect().await;
        let target = format!("/source?pieces=1000&gate={}", q(&q(&gate.url())));
        wire.send(format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n"))
            .await;
        wire.head().await.unwrap();
        gate.open();
        assert_eq!(wire.chunk().await.unwrap(), b"0");
        drop(wire);
        // The host learns of it by a write that fails.
        let closed =
            |event: &events::Logged| event.message() == "after-reply Err(BodyError::Closed)";
        while !events::of("goes").iter().any(closed) {
            gate.open();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        events::message("goes", "source dropped").await;
        assert!(gate.count() < 1000);
        // Who leaves is no error of the application.
        assert!(events::errors("goes").is_empty());
        assert_eq!(events::line("goes", 1).await.field("status"), "200");
    });
}

#[test]
fn a_client_that_closes_its_half_gets_the_reply() {
    run(async {
        let gate = Gate::new().await;
        let served = serve_raw("half").await;
        let mut wire = served.connect().await;
        let target = format!("/fetch?url={}", q(&gate.url()));
        wire.send(format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n"))
            .await;
        wire.finish().await;
        gate.arrived(1).await;
        gate.open();
        assert_eq!(wire.response().await.line("status "), "200");
        events::message("half", "after-reply Ok(())").await;
    });
}

#[test]
fn trailers_travel_both_ways() {
    run(async {
        let served = serve_raw("trailers").await;
        let ask = "GET /source?pieces=1&trailer=X-Sum:7&trailer=x-not:1&trailer=set-cookie:a&field=Trailer:x-sum HTTP/1.1\r\nhost: a\r\n";
        let mut wire = served.connect().await;
        wire.send(format!("{ask}te: trailers\r\n\r\n")).await;
        assert_eq!(wire.head().await.unwrap().one("trailer"), "x-sum");
        assert_eq!(wire.chunk().await.unwrap(), b"0");
        assert_eq!(wire.chunk().await.unwrap(), b"");
        let trailers = wire.trailers().await.unwrap();
        assert_eq!(trailers.fields, [("x-sum".to_owned(), b"7".to_vec())]);
        let mut wire = served.connect().await;
        wire.send(format!("{ask}\r\n")).await;
        wire.head().await.unwrap();
        assert_eq!(wire.chunk().await.unwrap(), b"0");
        assert_eq!(wire.chunk().await.unwrap(), b"");
        assert!(wire.trailers().await.unwrap().fields.is_empty());
    });
}

#[test]
fn a_request_s_body_that_ends_early_is_incomplete() {
    run(async {
        let served = serve_raw("early").await;
        let mut wire = served.connect().await;
        started(&mut wire, "/read").await;
        wire.send(chunk("abc")).await;
        wire.finish().await;
        let report = wire.response().await;
        assert_eq!(report.lines("bytes "), ["3"]);
        assert_eq!(
            report.lines("error "),
            ["BodyError::Incomplete", "BodyError::Incomplete"]
        );
    });
}

#[test]
fn a_client_that_sends_nothing_for_too_long_is_a_timeout() {
    run(async {
        let limits = Limits {
            idle_ms: 100,
            ..Limits::default()
        };
        let served = serve_with("slow-client", limited(limits)).await;
        let mut wire = served.connect().await;
        started(&mut wire, "/read").await;
        wire.send(chunk("abc")).await;
        let report = wire.response().await;
        assert_eq!(
            report.lines("error "),
            ["BodyError::Timeout", "BodyError::Timeout"]
        );
    });
}

#[test]
fn a_client_that_takes_nothing_for_too_long_is_cut() {
    run(async {
        let limits = Limits {
            idle_ms: 200,
            ..Limits::default()
        };
        let served = serve_with("stuck-client", limited(limits)).await;
        let mut wire = served.connect().await;
        wire.send("GET /source?pieces=1000&bytes=60000 HTTP/1.1\r\nhost: a\r\n\r\n")
            .await;
        wire.head().await.unwrap();
        events::message("stuck-client", "after-reply Err(BodyError::Timeout)").await;
        while wire.chunk().await.is_some_and(|chunk| !chunk.is_empty()) {}
        assert!(wire.closed().await);
    });
}
