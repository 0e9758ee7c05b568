//! What goes past a limit ends, with a line that names it.

use std::time::{Duration, Instant};

use crate::events;
use crate::support::{builder, held, limited, q, run, serve_on, serve_with, settings};
use crate::upstream::{Gate, Upstream, ok};
use edgewit_manifest::Limits;

fn limits() -> Limits {
    Limits::default()
}

#[test]
fn memory() {
    run(async {
        let limits = Limits {
            memory_bytes: 4 << 20,
            ..limits()
        };
        let served = serve_with("memory", limited(limits)).await;
        assert_eq!(served.get("/grow?bytes=1000000").await.text(), "grown 16");
        let reply = served.get("/grow?bytes=8000000").await;
        assert_eq!((reply.status(), reply.text().as_str()), (500, ""));
        let line = events::message("memory", "memory-bytes: limit 4194304, met ").await;
        assert_eq!(line.level, tracing::Level::ERROR);
        assert_eq!(served.get("/grow?bytes=1000000").await.text(), "grown 16");
    });
}

#[test]
fn handles() {
    run(async {
        let limits = Limits {
            handles: 20,
            ..limits()
        };
        let served = serve_with("handles", limited(limits)).await;
        assert_eq!(served.get("/handles?count=20").await.text(), "20 handles");
        assert_eq!(served.get("/handles?count=21").await.status(), 500);
        events::message("handles", "handles: limit 20, met 21 at once").await;
    });
}

/// The default itself, and one more where the limit is raised; nobody beside it notices.
#[test]
fn ten_thousand_handles() {
    run(async {
        let opening = Limits {
            kv_operations: 100_000,
            guest_ms: 60_000,
            ..limits()
        };
        let served = serve_with("many-handles", limited(opening.clone())).await;
        let (gate, mut beside) = held(&served).await;
        let most = served.get("/handles?count=10000").await;
        assert_eq!(most.text(), "10000 handles");
        let reply = served.get("/handles?count=10001").await;
        assert_eq!((reply.status(), reply.text().as_str()), (500, ""));
        let line = "handles: limit 10000, met 10001 at once";
        events::message("many-handles", line).await;
        gate.open();
        assert_eq!(beside.response().await.line("status "), "200");
        let raised = Limits {
            handles: 20_000,
            ..opening
        };
        let served = serve_with("more-handles", limited(raised)).await;
        let reply = served.get("/handles?count=10001").await;
        assert_eq!(reply.text(), "10001 handles");
    });
}

#[test]
fn uri_and_head() {
    run(async {
        let limits = Limits {
            uri_bytes: 100,
            request_head_bytes: 1000,
            request_fields: 5,
            ..limits()
        };
        let served = serve_with("head-limits", limited(limits)).await;
        let long = format!("/{}", "u".repeat(99));
        assert_eq!(served.get(&long).await.status(), 200);
        assert_eq!(served.get(&format!("{long}u")).await.status(), 414);
        events::message("head-limits", "uri-bytes: limit 100, met 101").await;
        let with = |fields: &str| format!("GET / HTTP/1.1\r\nhost: a\r\n{fields}\r\n");
        let four = "a: 1\r\nb: 1\r\nc: 1\r\nd: 1\r\n";
        assert_eq!(served.send(&with(four)).await.status(), 200);
        let reply = served.send(&with(&format!("{four}e: 1\r\n"))).await;
        assert_eq!(reply.status(), 431);
        events::message("head-limits", "request-fields: limit 5, met 6").await;
        let large = format!("x: {}\r\n", "y".repeat(1000));
        assert_eq!(served.send(&with(&large)).await.status(), 431);
        events::message("head-limits", "request-head-bytes: limit 1000, met ").await;
    });
}

#[test]
fn heads_that_the_server_itself_refuses() {
    run(async {
        let served = serve_with("huge-heads", settings()).await;
        let target = format!("/{}", "u".repeat(17_000));
        assert_eq!(served.get(&target).await.status(), 414);
        let fields: String = (0..1001).map(|n| format!("x-{n}: 1\r\n")).collect();
        let request = format!("GET / HTTP/1.1\r\nhost: a\r\n{fields}\r\n");
        assert_eq!(served.send(&request).await.status(), 431);
        // No application has seen it.
        let line = events::message("", "request-fields (limit 1000)").await;
        assert_eq!(line.level, tracing::Level::WARN);
        let fields = format!("x: {}\r\n", "y".repeat(200_000));
        let request = format!("GET /report HTTP/1.1\r\nhost: a\r\n{fields}\r\n");
        assert_eq!(served.send(&request).await.status(), 200);
    });
}

#[test]
fn request_body() {
    run(async {
        let limits = Limits {
            request_body_bytes: 10,
            ..limits()
        };
        let served = serve_with("body-limit", limited(limits)).await;
        let with = |body: &str| {
            let length = body.len();
            format!("POST /r HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{body}")
        };
        assert_eq!(served.send(&with("0123456789")).await.status(), 200);
        assert_eq!(served.send(&with("0123456789a")).await.status(), 413);
        events::message("body-limit", "request-body-bytes: limit 10, met 11").await;
        let reply = served
            .send("POST /read HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n6\r\nabcdef\r\n5\r\nabcde\r\n0\r\n\r\n")
            .await;
        assert!(
            reply
                .lines("error ")
                .contains(&"BodyError::TooLarge(10)".to_owned())
        );
    });
}

#[test]
fn a_body_of_get_is_dropped_within_the_limit() {
    run(async {
        let limits = Limits {
            request_body_bytes: 10,
            ..limits()
        };
        let served = serve_with("get-body", limited(limits)).await;
        let with = |body: &str| {
            let length = body.len();
            format!("GET /report HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{body}")
        };
        let mut wire = served.connect().await;
        for _ in 0..2 {
            wire.send(with("0123456789")).await;
            assert_eq!(wire.response().await.line("body "), "none");
        }
        wire.send(with("0123456789a")).await;
        assert_eq!(wire.response().await.status(), 413);
        events::message("get-body", "request-body-bytes: limit 10, met 11").await;
    });
}

#[test]
fn forwarding_a_slow_client_s_body_is_not_counted() {
    run(async {
        let limits = Limits {
            head_ms: 2000,
            ..limits()
        };
        let served = serve_with("slow-forward", limited(limits)).await;
        let upstream = Upstream::answering(|request| ok(&request.body.len().to_string())).await;
        let target = format!("/fetch?method=POST&url={}", q(&upstream.url("/")));
        let mut wire = served.connect().await;
        wire.send(format!(
            "POST {target} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
        ))
        .await;
        for piece in ["3\r\nabc\r\n", "2\r\nde\r\n", "0\r\n\r\n"] {
            tokio::time::sleep(Duration::from_millis(800)).await;
            wire.send(piece).await;
        }
        assert_eq!(wire.response().await.line("body "), "incoming Some(1) 5");
    });
}

#[test]
fn a_body_read_whole_before_the_start() {
    run(async {
        let limits = Limits {
            request_read_ms: 100,
            ..limits()
        };
        let served = serve_with("read-whole", limited(limits)).await;
        let reply = served
            .send("POST /r HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc")
            .await;
        assert_eq!((reply.status(), reply.text().as_str()), (408, ""));
        events::message(
            "read-whole",
            "request-read-ms: limit 100, met 3 of 10 bytes",
        )
        .await;
    });
}

#[test]
fn a_guest_s_reply() {
    run(async {
        let limits = Limits {
            reply_fields: 5,
            reply_head_bytes: 1000,
            ..limits()
        };
        let served = serve_with("reply-limits", limited(limits)).await;
        assert_eq!(served.get("/reply?filler=5").await.status(), 200);
        assert_eq!(served.get("/reply?filler=6").await.status(), 500);
        events::message("reply-limits", "reply-fields: limit 5, met 6").await;
        let target = format!("/reply?field=x:{}", "y".repeat(1000));
        assert_eq!(served.get(&target).await.status(), 500);
        events::message("reply-limits", "reply-head-bytes: limit 1000, met ").await;
    });
}

#[test]
fn a_reply_with_ten_thousand_fields() {
    run(async {
        let served = serve_with("many-fields", settings()).await;
        let (gate, mut beside) = held(&served).await;
        let reply = served.get("/reply?filler=10000").await;
        assert_eq!((reply.status(), reply.text().as_str()), (500, ""));
        events::message("many-fields", "reply-fields: limit 1000, met 10000").await;
        gate.open();
        assert_eq!(beside.response().await.line("status "), "200");
        let raised = Limits {
            reply_fields: 16_384,
            ..limits()
        };
        let served = serve_with("more-fields", limited(raised)).await;
        let reply = served.get("/reply?filler=10000").await;
        let filler = |(name, value): &&(String, Vec<u8>)| {
            name.starts_with("x-") && value.as_slice() == b"0123456789"
        };
        let fillers = reply.head.fields.iter().filter(filler).count();
        assert_eq!((reply.status(), fillers), (200, 10_000));
    });
}

#[test]
fn wall_time_to_the_head() {
    run(async {
        let limits = Limits {
            head_ms: 200,
            ..limits()
        };
        let served = serve_with("head-ms", limited(limits)).await;
        let gate = Gate::new().await;
        let begun = Instant::now();
        let reply = served.get(&format!("/fetch?url={}", q(&gate.url()))).await;
        assert_eq!((reply.status(), reply.text().as_str()), (504, ""));
        assert!(begun.elapsed() >= Duration::from_millis(200));
        events::message("head-ms", "no reply within 200 ms (head-ms)").await;
    });
}

#[test]
fn waiting_for_the_client_s_body_is_not_counted() {
    run(async {
        let limits = Limits {
            head_ms: 2000,
            ..limits()
        };
        let served = serve_with("client-wait", limited(limits)).await;
        let mut wire = served.connect().await;
        wire.send("POST /read HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
            .await;
        for piece in ["3\r\nabc\r\n", "2\r\nde\r\n", "0\r\n\r\n"] {
            tokio::time::sleep(Duration::from_millis(800)).await;
            wire.send(piece).await;
        }
        assert_eq!(wire.response().await.lines("bytes "), ["3", "2"]);
    });
}

#[test]
fn wall_time_of_after_reply() {
    run(async {
        let limits = Limits {
            after_reply_ms: 100,
            ..limits()
        };
        let served = serve_with("after-ms", limited(limits)).await;
        let gate = Gate::new().await;
        let target = format!("/reply?bytes=abc&after={}", q(&q(&gate.url())));
        assert_eq!(served.get(&target).await.text(), "abc");
        events::message("after-ms", "after-reply took longer than 100 ms").await;
    });
}

#[test]
fn instances() {
    run(async {
        let limits = Limits {
            instances: 1,
            ..limits()
        };
        let served = serve_with("instances", limited(limits)).await;
        let (gate, mut first) = held(&served).await;
        let begun = Instant::now();
        assert_eq!(served.get("/report").await.status(), 503);
        assert!(begun.elapsed() >= Duration::from_secs(1));
        events::message("instances", "instances: limit 1, met 2").await;
        gate.open();
        assert_eq!(first.response().await.status(), 200);
        assert_eq!(served.get("/report").await.status(), 200);
    });
}

#[test]
fn instances_of_all_applications_together() {
    run(async {
        let host = builder().instances(1).build().unwrap();
        let one = serve_on(&host, "instances-one", settings()).await;
        let two = serve_on(&host, "instances-two", settings()).await;
        let gate = Gate::new().await;
        let mut first = one.connect().await;
        let target = format!("/fetch?url={}", q(&gate.url()));
        first
            .send(format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n"))
            .await;
        gate.arrived(1).await;
        assert_eq!(two.get("/report").await.status(), 503);
        let line = "instances: limit 1 of the host, met 2";
        events::message("instances-two", line).await;
        gate.open();
        assert_eq!(first.response().await.status(), 200);
        assert_eq!(two.get("/report").await.status(), 200);
    });
}

#[test]
fn log_bytes_count_fields_whole() {
    run(async {
        let limits = Limits {
            log_bytes: 100_000,
            ..limits()
        };
        let served = serve_with("log-fields", limited(limits)).await;
        // One field alone is longer than a message may be, and passes the limit by itself.
        served.get("/log?bytes=200000&lines=2&field=1").await;
        let line = events::message("log-fields", "log-bytes: limit 100000").await;
        assert!(line.message().contains("3 more lines"), "{line:?}");
    });
}

#[test]
fn log_bytes() {
    run(async {
        let limits = Limits {
            log_bytes: 1000,
            ..limits()
        };
        let served = serve_with("log-bytes", limited(limits)).await;
        served.get("/log?bytes=300&lines=10").await;
        // `after-reply` logs once more, which is lost as well.
        let line = events::message("log-bytes", "log-bytes: limit 1000").await;
        assert!(line.message().contains("8 more lines"), "{line:?}");
        let kept = |event: &&events::Logged| event.target == "edgewit::guest";
        assert_eq!(events::of("log-bytes").iter().filter(kept).count(), 3);
    });
}
