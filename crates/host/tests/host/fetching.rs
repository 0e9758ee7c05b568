//! Fetches of a guest: what is sent, and what arrives.

use crate::events;
use crate::support::{Served, q, run, run_on, serve_raw};
use crate::upstream::{Gate, Upstream, bare, ok};
use crate::wire::Message;

/// Lets the guest fetch `url` and report; `more` is added to its query.
pub async fn fetch(served: &Served, url: &str, more: &str) -> Message {
    served.get(&format!("/fetch?url={}{more}", q(url))).await
}

#[test]
fn a_request_arrives_as_it_was_sent() {
    run(async {
        let upstream = Upstream::answering(|_| {
            b"HTTP/1.1 201 Made\r\nX-Two: 1\r\nSet-Cookie: a\r\nset-cookie: b\r\nConnection: x-hop\r\nX-Hop: 1\r\nx-two: \xff\r\nContent-Length: 3\r\n\r\nabc".to_vec()
        })
        .await;
        let served = serve_raw("fetch").await;
        let more = "&method=PUT&bytes=body&field=X-A:1&field=x-a:2&field=connection:close&field=host:x&field=content-length:9";
        let report = fetch(&served, &upstream.url("/p%41/../q?a=b"), more).await;
        assert_eq!(report.line("status "), "201");
        assert_eq!(report.line("uri "), upstream.url("/q?a=b"));
        assert_eq!(report.line("redirects "), "0");
        assert_eq!(report.lines("set-cookie: "), ["a", "b"]);
        assert_eq!(report.lines("x-two: "), ["1", "\\xff"]);
        assert_eq!(report.line("content-length: "), "3");
        assert!(report.lines("x-hop").is_empty() && report.lines("connection").is_empty());
        assert_eq!(report.line("body "), "incoming Some(3) abc");
        let request = &upstream.requests()[0];
        assert_eq!(request.head.start, "PUT /q?a=b HTTP/1.1");
        assert_eq!(request.body, b"body");
        let mut names: Vec<_> = request.head.fields.iter().map(|(n, _)| &**n).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "cdn-loop",
                "connection",
                "content-length",
                "host",
                "te",
                "x-a",
                "x-a"
            ]
        );
        assert_eq!(request.head.one("host"), upstream.address.to_string());
        assert_eq!(request.head.one("te"), "trailers");
        assert_eq!(request.head.one("connection"), "te");
        assert_eq!(request.head.one("cdn-loop"), "edgewit");
        assert_eq!(request.head.one("content-length"), "4");
        assert_eq!(request.head.all("x-a"), ["1", "2"]);
    });
}

/// More than the client's library takes by itself.
#[test]
fn a_thousand_fields_are_fetched() {
    run(async {
        let upstream = Upstream::answering(|_| {
            let more: String = (1..1000)
                .map(|number| format!("x-{number}: {number}\r\n"))
                .collect();
            bare(200, &more)
        })
        .await;
        let served = serve_raw("thousand-fetched").await;
        let report = fetch(&served, &upstream.url("/"), "").await;
        assert_eq!(report.line("status "), "200");
        assert_eq!(report.lines("x-").len(), 999);
    });
}

#[test]
fn a_request_without_a_body_is_framed_by_its_method() {
    run(async {
        let upstream = Upstream::answering(|_| ok("")).await;
        let served = serve_raw("framed").await;
        for (method, length) in [("GET", ""), ("POST", "0"), ("PUT", "0"), ("DELETE", "")] {
            let report = fetch(&served, &upstream.url("/"), &format!("&method={method}")).await;
            assert_eq!(report.line("status "), "200");
            let requests = upstream.requests();
            let head = &requests.last().unwrap().head;
            assert_eq!(head.one("content-length"), length, "{method}");
            assert!(!head.has("transfer-encoding"));
        }
    });
}

#[test]
fn what_kind_a_response_s_body_is_is_fixed() {
    run(async {
        let upstream = Upstream::answering(|request| {
            match request.head.start.split(' ').nth(1).unwrap_or_default() {
                "/204" => b"HTTP/1.1 204 X\r\n\r\n".to_vec(),
                "/205" => bare(205, ""),
                "/304" => b"HTTP/1.1 304 X\r\ncontent-length: 5\r\n\r\n".to_vec(),
                "/empty" => bare(200, ""),
                "/chunked" => {
                    b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\nx-t: 1\r\nset-cookie: a\r\n\r\n"
                        .to_vec()
                }
                _ => b"HTTP/1.1 200 X\r\ncontent-length: 5\r\n\r\n".to_vec(),
            }
        })
        .await;
        let served = serve_raw("response-kinds").await;
        for (path, more, kind) in [
            ("/204", "", "none"),
            ("/205", "", "none"),
            ("/304", "", "none"),
            ("/head", "&method=HEAD", "none"),
            ("/empty", "", "incoming Some(0) "),
            ("/chunked", "", "incoming None abc"),
        ] {
            let report = fetch(&served, &upstream.url(path), more).await;
            assert_eq!(report.line("body "), kind, "{path}");
            let trailers = if path == "/chunked" {
                vec!["1"]
            } else {
                vec![]
            };
            assert_eq!(report.lines("x-t: "), trailers, "{path}");
            assert!(report.lines("set-cookie").is_empty());
        }
    });
}

#[test]
fn a_response_is_handed_on_as_it_arrives() {
    run(async {
        let gate = Gate::new().await;
        let url = gate.url();
        let upstream = Upstream::script(move |mut wire| {
            let url = url.clone();
            async move {
                wire.request().await;
                wire.send(
                    "HTTP/1.1 200 X\r\nx-up: 1\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n",
                )
                .await;
                let mut gate = crate::wire::Wire::connect(address_of(&url)).await;
                gate.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
                gate.response().await;
                wire.send("1\r\nb\r\n0\r\n\r\n").await;
            }
        })
        .await;
        let served = serve_raw("proxy").await;
        let mut wire = served.connect().await;
        let target = format!("/proxy?url={}", q(&upstream.url("/")));
        wire.send(format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n"))
            .await;
        assert_eq!(wire.head().await.unwrap().one("x-up"), "1");
        assert_eq!(wire.chunk().await.unwrap(), b"a");
        gate.open();
        assert_eq!(wire.chunk().await.unwrap(), b"b");
        assert_eq!(wire.chunk().await.unwrap(), b"");
    });
}

fn address_of(url: &str) -> std::net::SocketAddr {
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    address.parse().unwrap()
}

#[test]
fn a_request_s_body_is_handed_on() {
    run(async {
        let upstream = Upstream::answering(|_| ok("thanks")).await;
        let served = serve_raw("upload").await;
        let target = format!("/fetch?method=POST&url={}", q(&upstream.url("/")));
        let reply = served
            .send(&format!(
                "POST {target} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
            ))
            .await;
        assert_eq!(reply.line("body "), "incoming Some(6) thanks");
        let long = "x".repeat(100_000);
        let reply = served
            .send(&format!(
                "POST {target} HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n{long}"
            ))
            .await;
        assert_eq!(reply.line("status "), "200");
        let requests = upstream.requests();
        assert_eq!(requests[0].head.one("transfer-encoding"), "chunked");
        assert_eq!(requests[0].body, b"abcde");
        assert_eq!(requests[1].head.one("content-length"), "100000");
        assert_eq!(requests[1].body.len(), 100_000);
    });
}

/// On one thread, where a connection is kept before the reply that was read of it goes out.
#[test]
fn one_connection_is_used_again_and_again_and_by_no_other_application() {
    run_on(1, async {
        let upstream = Upstream::answering(|_| ok("abc")).await;
        let one = serve_raw("reuse").await;
        let other = serve_raw("reuse-other").await;
        for (served, connections) in [(&one, 1), (&other, 2), (&one, 2), (&other, 2)] {
            for _ in 0..5 {
                let report = fetch(served, &upstream.url("/"), "").await;
                assert_eq!(report.line("body "), "incoming Some(3) abc");
                assert_eq!(upstream.connections(), connections, "{}", served.name);
            }
        }
        assert_eq!(upstream.requests().len(), 20);
    });
}

#[test]
fn a_connection_that_was_closed_meanwhile_is_no_error() {
    run(async {
        let upstream = Upstream::script(|mut wire| async move {
            wire.request().await;
            wire.send(ok("abc")).await;
        })
        .await;
        let served = serve_raw("stale").await;
        for _ in 0..5 {
            let report = fetch(&served, &upstream.url("/"), "").await;
            assert_eq!(report.line("body "), "incoming Some(3) abc");
        }
    });
}

#[test]
fn a_connection_that_is_closed_on_a_request_is_followed_by_another() {
    // On one thread too: the last request below has to find the connection kept.
    run_on(1, async {
        // Each connection answers once, and ends with the head of the next request.
        let upstream = Upstream::script(|mut wire| async move {
            wire.request().await;
            wire.send(ok("abc")).await;
            wire.head().await;
        })
        .await;
        let served = serve_raw("closed-on-request").await;
        for more in ["", "", "&method=PUT&bytes=b", ""] {
            let report = fetch(&served, &upstream.url("/"), more).await;
            assert_eq!(report.line("body "), "incoming Some(3) abc");
        }
        // What may not be done twice is not sent twice.
        let report = fetch(&served, &upstream.url("/"), "&method=POST&bytes=b").await;
        assert_eq!(report.line("error "), "FetchError::ConnectionClosed");
    });
}

/// A guest that makes up a name does not fill the log with it.
#[test]
fn a_made_up_origin_gets_a_short_line() {
    run(async {
        let served = serve_raw("made-up").await;
        let url = format!("http://{}/", "a".repeat(10_000));
        let report = fetch(&served, &url, "").await;
        assert_eq!(report.line("error "), "FetchError::Denied");
        let denied = events::message("made-up", "denied: ").await;
        let line = denied.message();
        assert!(
            line.starts_with("denied: an origin of 10007 bytes is not granted; none such can be: "),
            "{line}"
        );
        assert!(line.len() < 1000, "{line}");
        let report = fetch(&served, "http://a.invalid:0/", "").await;
        assert_eq!(report.line("error "), "FetchError::Denied");
        let start = "denied: http://a.invalid:0 is not granted; none such can be: ";
        events::message("made-up", start).await;
    });
}
