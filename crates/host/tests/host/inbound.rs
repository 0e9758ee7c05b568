//! From the wire to a guest: methods, URIs, fields, kinds of body.

use crate::events;
use crate::support::{run, serve_raw};
use crate::wire::Message;

/// The lines of a report that are fields.
fn fields(report: &Message) -> Vec<String> {
    let text = report.text();
    let lines = text.lines().skip(2);
    lines
        .take_while(|line| !line.starts_with("body "))
        .map(str::to_owned)
        .collect()
}

#[test]
fn fields_arrive_as_they_are_and_without_the_connection_s() {
    run(async {
        let served = serve_raw("fields").await;
        let mut wire = served.connect().await;
        wire.send(
            "GET /report HTTP/1.1\r\nHost: a.test\r\nX-Two: 1\r\nCookie: a=1\r\nx-two:  2\t \r\n",
        )
        .await;
        wire.send(
            "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 1\r\nProxy-Thing: 1\r\n",
        )
        .await;
        wire.send("TE: trailers\r\nUpgrade: x\r\nCDN-Loop: other\r\ncookie: b=2\r\nAccept: \r\n")
            .await;
        wire.send(b"X-Bytes: a\xffb\xc3\xa9\r\nX-Two: 3\r\n\r\n")
            .await;
        let report = wire.response().await;
        let mut seen = fields(&report);
        seen.sort_by_key(|line| line.split(':').next().unwrap_or_default().to_owned());
        assert_eq!(
            seen,
            [
                "accept: ",
                "cookie: a=1; b=2",
                "x-bytes: a\\xffb\\xc3\\xa9",
                "x-two: 1",
                "x-two: 2",
                "x-two: 3",
            ]
        );
    });
}

/// More than the server's library takes by itself, and as many as a request may have.
#[test]
fn a_thousand_fields_arrive() {
    run(async {
        let served = serve_raw("thousand").await;
        let more: String = (1..1000)
            .map(|number| format!("x-{number}: {number}\r\n"))
            .collect();
        let mut wire = served.connect().await;
        wire.send(format!(
            "GET /report HTTP/1.1\r\nhost: a.test\r\n{more}\r\n"
        ))
        .await;
        let report = wire.response().await;
        assert_eq!(report.status(), 200);
        // The name of the host is in the URI.
        assert_eq!(fields(&report).len(), 999);
    });
}

#[test]
fn the_context_tells_of_request_and_client() {
    run(async {
        let served = serve_raw("context").await;
        let report = served.get("/report").await;
        assert_eq!(report.line("client "), "Some(\"127.0.0.1\")");
        assert_eq!(report.line("attribute network.protocol.version="), "1.1");
        let line = events::line("context", 1).await;
        assert_eq!(report.line("id "), line.field("request"));
        let other = served.get("/report").await;
        assert_ne!(report.line("id "), other.line("id "));
    });
}

#[test]
fn a_request_that_is_none_is_refused_before_a_guest() {
    run(async {
        let served = serve_raw("refused").await;
        let requests = [
            ("GET / HTTP/1.1\r\n\r\n", 400),
            ("GET http://a.test/ HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nhost: \r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nhost: u@a\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nhost: u:p@a\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nhost: a/b\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nhost: a b\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nhost: a\tb\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nhost: a\"b\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nhost: a{b}\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nhost: a:99999\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nhost: [::1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nhost: \u{e9}\r\n\r\n", 400),
            ("GET http://u@b.test/ HTTP/1.1\r\nhost: a\r\n\r\n", 400),
            ("get / HTTP/1.1\r\nhost: a\r\n\r\n", 400),
            (
                "Post / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n",
                400,
            ),
            ("TRACE / HTTP/1.1\r\nhost: a\r\n\r\n", 501),
            ("trace / HTTP/1.1\r\nhost: a\r\n\r\n", 501),
            ("TRACK / HTTP/1.1\r\nhost: a\r\n\r\n", 501),
            ("CONNECT a.test:80 HTTP/1.1\r\nhost: a.test:80\r\n\r\n", 501),
            ("connect / HTTP/1.1\r\nhost: a\r\n\r\n", 501),
            ("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n", 501),
        ];
        for (request, status) in requests {
            let reply = served.send(request).await;
            assert_eq!(reply.status(), status, "{request}");
            assert_eq!(reply.body, b"", "{request}");
        }
        let guests = |event: &events::Logged| event.message().contains("after-reply");
        assert!(!events::of("refused").iter().any(guests));
        let lines = events::of("refused").into_iter();
        let why: Vec<_> = lines
            .filter(|event| event.message().starts_with("refused: "))
            .collect();
        assert_eq!(why.len(), requests.len());
    });
}

#[test]
fn methods_of_one_s_own_arrive() {
    run(async {
        let served = serve_raw("methods").await;
        for method in ["PURGE", "patch", "PATCH", "OPTIONS", "x!"] {
            let request = format!("{method} /report HTTP/1.1\r\nhost: a\r\n\r\n");
            assert_eq!(served.send(&request).await.line("method "), method);
        }
    });
}

#[test]
fn uris_are_absolute_and_as_whatwg_serialises_them() {
    run(async {
        let served = serve_raw("uris").await;
        for (target, host, uri) in [
            ("/report", "a.test", "http://a.test/report"),
            ("/report", "A.Test:80", "http://a.test/report"),
            ("/report", "a.test:8080", "http://a.test:8080/report"),
            ("/report", "[::1]:81", "http://[::1]:81/report"),
            ("/report", "127.1", "http://127.0.0.1/report"),
            ("/x?", "a.test", "http://a.test/x?"),
            ("/x", "a.test", "http://a.test/x"),
            ("/a/../b", "a.test", "http://a.test/b"),
            ("/a/./b/..", "a.test", "http://a.test/a/"),
            ("/%2e%2E/b", "a.test", "http://a.test/b"),
            ("/a%2Fb%c3%A9", "a.test", "http://a.test/a%2Fb%c3%A9"),
            ("//b//c", "a.test", "http://a.test//b//c"),
            ("/a?b=../c'", "a.test", "http://a.test/a?b=../c%27"),
            ("http://B.test/p?q", "a.test", "http://b.test/p?q"),
            ("http://b.test", "a.test", "http://b.test/"),
            ("https://b.test/p", "a.test", "http://b.test/p"),
        ] {
            let request = format!("GET {target} HTTP/1.1\r\nhost: {host}\r\n\r\n");
            let report = served.send(&request).await;
            assert_eq!(report.status(), 200, "{target} {host}");
            assert_eq!(report.line("uri "), uri, "{target} {host}");
        }
    });
}

#[test]
fn http_1_0_without_a_host_has_the_listener_s_address() {
    run(async {
        let served = serve_raw("http10").await;
        let report = served.send("GET /report HTTP/1.0\r\n\r\n").await;
        let expected = format!("http://{}/report", served.address);
        assert_eq!(report.line("uri "), expected);
        assert_eq!(report.line("attribute network.protocol.version="), "1.0");
    });
}

#[test]
fn what_kind_a_body_is_is_fixed() {
    run(async {
        let served = serve_raw("kinds").await;
        let long = "x".repeat(16 * 1024 + 1);
        for (request, kind) in [
            ("GET /r HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(), "none"),
            (body("GET", "abc"), "none"),
            (body("HEAD-LIKE", "abc"), "bytes 3 abc"),
            ("POST /r HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(), "none"),
            (body("POST", ""), "bytes 0 "),
            (body("POST", "abc"), "bytes 3 abc"),
            (
                body("POST", &long[1..]),
                &format!("bytes 16384 {}", &long[1..]),
            ),
            (body("POST", &long), "incoming Some(16385)"),
            (chunked("POST", "abc"), "incoming None"),
            (chunked("GET", "abc"), "none"),
        ] {
            let report = served.send(&request).await;
            assert_eq!(report.status(), 200, "{}", report.head.start);
            assert_eq!(report.line("body "), kind);
        }
    });
}

fn body(method: &str, body: &str) -> String {
    let length = body.len();
    format!("{method} /r HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{body}")
}

fn chunked(method: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} /r HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
    )
}

#[test]
fn a_connection_is_used_again_after_a_body_that_nobody_read() {
    run(async {
        let served = serve_raw("again").await;
        let mut wire = served.connect().await;
        wire.send(body("GET", "abc")).await;
        assert_eq!(wire.response().await.line("body "), "none");
        wire.send(chunked("POST", "abc")).await;
        assert_eq!(wire.response().await.line("body "), "incoming None");
        wire.send("GET /report HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert_eq!(wire.response().await.line("method "), "GET");
    });
}

#[test]
fn a_guest_sees_the_content_length_as_it_came() {
    run(async {
        let served = serve_raw("length").await;
        let report = served.send(&body("POST", "abc")).await;
        assert_eq!(fields(&report), ["content-length: 3"]);
    });
}
