//! Clients that speak HTTP/2.

use std::time::Duration;

use bytes::Bytes;

use crate::events;
use crate::streams::{Client, answer, piece, trailers};
use crate::support::{limited, q, run, serve_raw, serve_with};
use crate::upstream::Gate;
use edgewit_manifest::Limits;

#[test]
fn requests_arrive_as_over_http_1() {
    run(async {
        let served = serve_raw("http2-in").await;
        let client = Client::connect(served.address).await;
        let fields = ["x-a: 1", "cookie: a=1", "cookie: b=2", "te: trailers"];
        let (response, mut body) = client.start("PUT", "/p/../q?a", &fields, false).await;
        // The guest does not read it, and may have answered already.
        let _ = body.send_data(Bytes::from("abc"), true);
        let answer = answer(response).await;
        assert_eq!(answer.status, 200);
        let report = String::from_utf8(answer.body).unwrap();
        let expected = format!("method PUT\nuri http://{}/q?a\n", served.address);
        assert!(report.starts_with(&expected), "{report}");
        let lines: Vec<&str> = report.lines().skip(2).collect();
        let mut fields: Vec<&str> = lines[..2].to_vec();
        fields.sort_unstable();
        assert_eq!(fields, ["cookie: a=1; b=2", "x-a: 1"]);
        assert_eq!(lines[2], "body incoming None");
        assert_eq!(lines[5], "attribute network.protocol.version=2");
        assert_eq!(events::line("http2-in", 1).await.field("status"), "200");
    });
}

#[test]
fn kinds_of_body_are_those_of_http_1() {
    run(async {
        let served = serve_raw("http2-kinds").await;
        let client = Client::connect(served.address).await;
        for (method, fields, body, kind) in [
            ("GET", &[][..], None, "body none"),
            ("POST", &[][..], None, "body none"),
            (
                "POST",
                &["content-length: 3"][..],
                Some("abc"),
                "body bytes 3 abc",
            ),
            (
                "POST",
                &["content-length: 0"][..],
                Some(""),
                "body bytes 0 ",
            ),
            ("POST", &[][..], Some("abc"), "body incoming None"),
            ("GET", &[][..], Some("abc"), "body none"),
        ] {
            let (response, mut stream) = client.start(method, "/r", fields, body.is_none()).await;
            if let Some(body) = body {
                stream.send_data(Bytes::from(body), true).unwrap();
            }
            let report = String::from_utf8(answer(response).await.body).unwrap();
            assert!(report.lines().any(|line| line == kind), "{kind}: {report}");
        }
    });
}

#[test]
fn streams_run_side_by_side() {
    run(async {
        let served = serve_raw("side-by-side").await;
        let gate = Gate::new().await;
        let client = Client::connect(served.address).await;
        let target = format!("/fetch?url={}", q(&gate.url()));
        let mut waiting = Vec::new();
        for _ in 0..10 {
            waiting.push(client.start("GET", &target, &[], true).await.0);
        }
        gate.arrived(10).await;
        assert_eq!(client.get("/reply?bytes=abc").await.body, b"abc");
        (0..10).for_each(|_| gate.open());
        for response in waiting {
            assert_eq!(answer(response).await.status, 200);
        }
    });
}

#[test]
fn a_source_goes_out_as_it_is_produced() {
    run(async {
        let served = serve_raw("http2-source").await;
        let gate = Gate::new().await;
        let client = Client::connect(served.address).await;
        let target = format!("/source?pieces=3&gate={}", q(&q(&gate.url())));
        let (response, _) = client.start("GET", &target, &[], true).await;
        let mut body = response.await.unwrap().into_body();
        for expected in ["0", "1", "2"] {
            gate.open();
            assert_eq!(piece(&mut body).await.unwrap().unwrap(), expected);
        }
        assert!(piece(&mut body).await.is_none());
        events::message("http2-source", "after-reply Ok(())").await;
    });
}

/// A gate counts the source's reads: they end once the client's window and the host's own are full.
#[test]
fn a_stream_that_nobody_reads_stops_the_source() {
    const BYTES: usize = 10_000;
    const CLIENTS_WINDOW: usize = 65_535;
    const HOSTS_WINDOW: usize = 128 * 1024;
    run(async {
        let gate = Gate::new().await;
        (0..100).for_each(|_| gate.open());
        let served = serve_raw("http2-stops").await;
        let client = Client::connect(served.address).await;
        let gate_url = q(&q(&gate.url()));
        let target = format!("/source?pieces=100&bytes={BYTES}&gate={gate_url}");
        let (response, _) = client.start("GET", &target, &[], true).await;
        let mut body = response.await.unwrap().into_body();
        let read = gate.settled().await;
        let most = (CLIENTS_WINDOW + HOSTS_WINDOW) / BYTES + 2;
        assert!(read <= most, "{read} of {most} reads");
        let (bytes, error) = crate::streams::read(&mut body).await;
        assert!(error.is_none(), "{error:?}");
        assert_eq!((bytes.len(), gate.count()), (100 * BYTES, 100));
    });
}

#[test]
fn trailers_travel_both_ways() {
    run(async {
        let served = serve_raw("http2-trailers").await;
        let client = Client::connect(served.address).await;
        // Unannounced and unasked for, as they may be here.
        let target =
            "/source?pieces=1&trailer=X-Sum:7&trailer=set-cookie:a&trailer=connection:close";
        let sent = client.get(target).await;
        assert!(sent.error.is_none(), "{sent:?}");
        assert_eq!(
            (&*sent.body, &sent.trailers),
            (&b"0"[..], &trailers(&[("x-sum", "7")]))
        );
        let arriving = trailers(&[("x-sum", "8"), ("content-type", "a/b")]);
        for (target, in_body) in [("/read", true), ("/forward", false)] {
            let (response, mut body) = client.start("POST", target, &[], false).await;
            body.send_data(Bytes::from("abc"), false).unwrap();
            body.send_trailers(arriving.clone()).unwrap();
            let answer = answer(response).await;
            if in_body {
                let report = String::from_utf8(answer.body).unwrap();
                assert!(report.ends_with("end\nx-sum: 8\n"), "{report}");
                assert!(!report.contains("a/b"));
            } else {
                assert_eq!(answer.trailers, trailers(&[("x-sum", "8")]));
                let ok = |event: &events::Logged| event.message() == "after-reply Ok(())";
                while events::of("http2-trailers").into_iter().filter(ok).count() < 3 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }
    });
}

#[test]
fn trailers_make_a_small_body_an_incoming_one() {
    run(async {
        let served = serve_raw("http2-small-trailers").await;
        let client = Client::connect(served.address).await;
        for (length, body) in [("content-length: 3", "abc"), ("content-length: 0", "")] {
            let (response, mut stream) = client.start("POST", "/read", &[length], false).await;
            stream.send_data(Bytes::from(body), false).unwrap();
            stream.send_trailers(trailers(&[("x-sum", "8")])).unwrap();
            let report = String::from_utf8(answer(response).await.body).unwrap();
            let number = length.rsplit(' ').next().unwrap();
            assert!(
                report.starts_with(&format!("length Some({number})\n")),
                "{report}"
            );
            assert!(report.ends_with("end\nx-sum: 8\n"), "{report}");
        }
    });
}

#[test]
fn heads_past_a_limit_are_refused() {
    run(async {
        let served = serve_raw("http2-heads").await;
        let client = Client::connect(served.address).await;
        let long = format!("/{}", "u".repeat(17_000));
        assert_eq!(client.get(&long).await.status, 414);
        let fields: Vec<String> = (0..1001).map(|n| format!("x-{n}: 1")).collect();
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let (response, _) = client.start("GET", "/", &fields, true).await;
        assert_eq!(answer(response).await.status, 431);
        events::message("http2-heads", "request-fields: limit 1000, met 1001").await;
        let large = format!("x: {}", "y".repeat(300_000));
        let (response, _) = client.start("GET", "/", &[&large], true).await;
        assert_eq!(answer(response).await.status, 431);
        events::message("http2-heads", "request-head-bytes: limit 262144, met 3").await;
        assert_eq!(client.get("/report").await.status, 200);
    });
}

/// h2 answers it by itself, and tells neither hyper nor the host, so that it has no line.
#[test]
fn a_head_of_twice_the_limit_is_refused_by_http2_itself() {
    run(async {
        let served = serve_raw("http2-twice").await;
        let client = Client::connect(served.address).await;
        let large = format!("x: {}", "y".repeat(530_000));
        let (response, _) = client.start("GET", "/", &[&large], true).await;
        assert_eq!(answer(response).await.status, 431);
        assert_eq!(client.get("/report").await.status, 200);
        assert_eq!(
            events::line("http2-twice", 1).await.field("path"),
            "/report"
        );
        let refused = |event: &events::Logged| event.level <= tracing::Level::WARN;
        assert!(!events::of("http2-twice").iter().any(refused));
        // One that is larger still ends its connection, which has a line.
        let large = format!("x: {}", "y".repeat(3_000_000));
        let (response, _) = client.start("GET", "/", &[&large], true).await;
        assert!(response.await.is_err());
        let line = "refused: an HTTP/2 connection that sent more than any is to send";
        events::message("", line).await;
    });
}

#[test]
fn a_large_reply_and_a_large_upload() {
    run(async {
        let limits = Limits {
            guest_ms: 60_000,
            ..Limits::default()
        };
        let served = serve_with("http2-large", limited(limits)).await;
        let client = Client::connect(served.address).await;
        let reply = client.get("/reply?size=3000000").await;
        assert_eq!(reply.body.len(), 3_000_000);
        assert_eq!(reply.headers["content-length"], "3000000");
        for target in ["/forward", "/echo"] {
            let (response, mut body) = client.start("POST", target, &[], false).await;
            body.send_data(vec![b'x'; 3_000_000].into(), true).unwrap();
            assert_eq!(answer(response).await.body.len(), 3_000_000, "{target}");
        }
    });
}
