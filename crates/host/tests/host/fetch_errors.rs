//! Every way of a fetch to fail.

use std::time::{Duration, Instant};

use crate::events;
use crate::fetching::fetch;
use crate::support::{
    Names, Served, TRUSTED, UNKNOWN, builder, limited, q, run, serve_on, serve_raw, serve_with,
    settings, tls,
};
use crate::upstream::{Gate, Upstream, bare, ok, refusing};
use edgewit_manifest::Limits;

/// The error of a fetch; empty if there was none.
async fn error(served: &Served, url: &str, more: &str) -> String {
    let report = fetch(served, url, more).await;
    report.lines("error ").concat()
}

#[test]
fn https_needs_a_certificate_that_is_trusted() {
    run(async {
        let served = serve_raw("https").await;
        let trusted = Upstream::over_tls(tls(&TRUSTED), |_| ok("secret")).await;
        let port = trusted.address.port();
        let report = fetch(&served, &format!("https://localhost:{port}/"), "").await;
        assert_eq!(report.line("body "), "incoming Some(6) secret");
        // The same certificate under a name that it is not for.
        let failed = error(&served, &format!("https://127.0.0.1:{port}/"), "").await;
        assert!(
            failed.starts_with("FetchError::TlsCertificate("),
            "{failed}"
        );
        let unknown = Upstream::over_tls(tls(&UNKNOWN), |_| ok("secret")).await;
        let port = unknown.address.port();
        let failed = error(&served, &format!("https://localhost:{port}/"), "").await;
        assert!(
            failed.starts_with("FetchError::TlsCertificate("),
            "{failed}"
        );
        assert!(unknown.requests().is_empty());
        // Until a file says that it is to be trusted.
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), UNKNOWN.cert.pem()).unwrap();
        let host = builder().root_file(file.path()).unwrap().build().unwrap();
        let trusting = serve_on(&host, "https-file", settings()).await;
        let report = fetch(&trusting, &format!("https://localhost:{port}/"), "").await;
        assert_eq!(report.line("body "), "incoming Some(6) secret");
        std::fs::write(file.path(), "no certificate").unwrap();
        let refused = builder().root_file(file.path()).err().unwrap().to_string();
        assert!(
            refused.ends_with("a file of certificates in PEM form is due"),
            "{refused}"
        );
        let plain = Upstream::script(|mut wire| async move {
            wire.send("HTTP/1.1 400 Bad Request\r\n\r\n").await;
            wire.request().await;
        })
        .await;
        let port = plain.address.port();
        let failed = error(&served, &format!("https://localhost:{port}/"), "").await;
        assert!(failed.starts_with("FetchError::TlsProtocol("), "{failed}");
    });
}

#[test]
fn a_server_that_is_not_there() {
    run(async {
        let served = serve_raw("not-there").await;
        let (_socket, port) = refusing();
        let failed = error(&served, &format!("http://127.0.0.1:{port}/"), "").await;
        assert!(
            failed.starts_with("FetchError::ConnectionRefused("),
            "{failed}"
        );
        for name in ["nowhere.test", "empty.test"] {
            let failed = error(&served, &format!("http://{name}/"), "").await;
            assert!(failed.starts_with("FetchError::Dns(\""), "{failed}");
            assert!(failed.contains(name), "{failed}");
        }
        assert!(Names::asked().contains(&"nowhere.test".to_owned()));
    });
}

#[test]
fn an_origin_that_is_not_granted_is_denied_and_named() {
    run(async {
        let upstream = Upstream::answering(|_| ok("")).await;
        let mut settings = settings();
        settings.grants.fetch = vec!["http://granted.test".parse().unwrap()];
        let served = serve_with("denied", settings).await;
        let report = fetch(&served, &upstream.url("/secret"), "").await;
        assert_eq!(report.line("error "), "FetchError::Denied");
        let line = events::message("denied", "denied").await;
        let address = upstream.address;
        assert_eq!(
            line.message(),
            format!(
                "denied: http://{address} is not granted; to grant it, add \"http://{address}\" to \
                 fetch in app/edge.toml"
            )
        );
        assert_eq!(
            error(&served, "http://denied.test/", "").await,
            "FetchError::Denied"
        );
        assert!(!Names::asked().contains(&"denied.test".to_owned()));
        assert_eq!(upstream.connections(), 0);
    });
}

#[test]
fn a_request_that_can_t_be_sent() {
    run(async {
        let upstream = Upstream::answering(|_| ok("")).await;
        let served = serve_raw("invalid").await;
        let url = upstream.url("/");
        let host = upstream.address.to_string();
        for (url, more) in [
            ("/relative".to_owned(), ""),
            (String::new(), ""),
            ("ftp://a.test/".to_owned(), ""),
            (format!("http://u@{host}/"), ""),
            (format!("http://u:p@{host}/"), ""),
            (format!("http://{host}/#f"), ""),
            (url.clone(), "&method=CONNECT"),
            (url.clone(), "&method=trace"),
            (url.clone(), "&method=TRACK"),
            (url.clone(), "&method=get"),
            (url.clone(), "&method=Put"),
            (url.clone(), "&method=a%20b"),
            (url.clone(), "&bytes=body"),
            (url.clone(), "&method=HEAD&bytes=body"),
            (url.clone(), "&field=a%20b:1"),
            (url.clone(), "&field=a:b%0Ac"),
            (url.clone(), "&field=a:b%0A"),
            (url.clone(), "&hint=!unknown:1"),
        ] {
            let failed = error(&served, &url, more).await;
            assert!(
                failed.starts_with("FetchError::InvalidRequest(\""),
                "{url} {more}: {failed}"
            );
        }
        assert_eq!(upstream.connections(), 0);
        assert_eq!(error(&served, &url, "&hint=unknown:1&bytes=").await, "");
    });
}

#[test]
fn an_answer_that_is_none() {
    run(async {
        let served = serve_raw("bad-answers").await;
        for (answer, kind) in [
            ("SSH-2.0-hello\r\n\r\n", "FetchError::Protocol("),
            (
                "HTTP/1.1 600 X\r\ncontent-length: 0\r\n\r\n",
                "FetchError::Protocol(",
            ),
            ("HTTP/1.1 abc\r\n\r\n", "FetchError::Protocol("),
            ("", "FetchError::ConnectionClosed"),
            ("HTTP/1.1 200 OK\r\nconte", "FetchError::ConnectionClosed"),
        ] {
            let upstream = Upstream::script(move |mut wire| async move {
                wire.request().await;
                wire.send(answer).await;
            })
            .await;
            let failed = error(&served, &upstream.url("/"), "").await;
            assert!(failed.starts_with(kind), "{answer:?}: {failed}");
        }
    });
}

#[test]
fn a_head_that_is_too_large() {
    run(async {
        let upstream = Upstream::answering(|_| {
            let fields = format!("x: {}\r\n", "y".repeat(300 * 1024));
            bare(200, &fields)
        })
        .await;
        let served = serve_raw("large-head").await;
        let failed = error(&served, &upstream.url("/"), "").await;
        // The field, four bytes a line, and `content-length: 0`.
        let met = 300 * 1024 + "x".len() + 4 + "content-length0".len() + 4;
        let said = format!("reply-head-bytes: limit 262144, met {met} of a fetched response");
        assert_eq!(failed, format!("FetchError::Protocol(\"{said}\")"));
        assert_eq!(events::message("large-head", "bytes").await.message(), said);
    });
}

#[test]
fn a_body_that_ends_early_is_incomplete() {
    run(async {
        let served = serve_raw("truncated").await;
        for head in [
            "content-length: 5\r\n\r\nabc",
            "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
        ] {
            let upstream = Upstream::script(move |mut wire| async move {
                wire.request().await;
                wire.send(format!("HTTP/1.1 200 X\r\n{head}")).await;
            })
            .await;
            let report = fetch(&served, &upstream.url("/"), "").await;
            assert_eq!(
                report.line("body error "),
                "BodyError::Incomplete",
                "{head}"
            );
            let target = format!("/proxy?url={}", q(&upstream.url("/")));
            let reply = served.get(&target).await;
            assert_eq!((reply.text().as_str(), reply.complete), ("abc", false));
        }
        events::line("truncated", 4).await;
        let line = "the reply was cut: the fetched body: incomplete";
        assert_eq!(events::errors("truncated"), [line, line]);
    });
}

#[test]
fn time_runs_out() {
    run(async {
        let served = serve_raw("late").await;
        let silent = Gate::new().await;
        let begun = Instant::now();
        let failed = error(&served, &silent.url(), "&first-byte-ms=100").await;
        assert_eq!(failed, "FetchError::FirstByteTimeout");
        let failed = error(&served, &silent.url(), "&total-ms=100").await;
        assert_eq!(failed, "FetchError::Deadline");
        assert!(begun.elapsed() >= Duration::from_millis(200));
        // The time to connect is not part of it.
        assert!(begun.elapsed() < Duration::from_secs(8));
        let stuck = Upstream::script(|mut wire| async move {
            wire.request().await;
            wire.send("HTTP/1.1 200 X\r\ncontent-length: 5\r\n\r\nabc")
                .await;
            wire.request().await;
        })
        .await;
        for more in ["&between-bytes-ms=100", "&total-ms=3000"] {
            let report = fetch(&served, &stuck.url("/"), more).await;
            assert_eq!(report.line("body error "), "BodyError::Timeout", "{more}");
        }
    });
}

#[test]
fn requests_of_one_guest_run_side_by_side_within_the_limits() {
    run(async {
        let limits = Limits {
            fetches: 4,
            fetches_open: 3,
            fetches_waiting: 2,
            ..Limits::default()
        };
        let served = serve_with("many", limited(limits)).await;
        let gate = Gate::new().await;
        let mut wire = served.connect().await;
        let url = format!("url={}&", q(&gate.url()));
        wire.send(format!(
            "GET /many?{} HTTP/1.1\r\nhost: a\r\n\r\n",
            url.repeat(5)
        ))
        .await;
        gate.arrived(2).await;
        // The third waits for a place.
        assert_eq!(gate.count(), 2);
        for _ in 0..3 {
            gate.open();
        }
        let report = wire.response().await;
        let lines: Vec<_> = report.text().lines().map(str::to_owned).collect();
        assert_eq!(lines[..3], ["status 200", "status 200", "status 200"]);
        assert!(
            lines[3].starts_with("error FetchError::Limit(\"fetches-open: limit 3"),
            "{lines:?}"
        );
        assert!(
            lines[4].starts_with("error FetchError::Limit(\"fetches: limit 4"),
            "{lines:?}"
        );
    });
}

#[test]
fn a_loop_through_this_host_ends() {
    run(async {
        let limits = Limits {
            hops: 3,
            ..Limits::default()
        };
        let served = serve_with("hops", limited(limits)).await;
        let upstream = Upstream::answering(|_| ok("")).await;
        let target = format!("/fetch?url={}", q(&upstream.url("/")));
        let with =
            |cdn: &str| format!("GET {target} HTTP/1.1\r\nhost: a\r\ncdn-loop: {cdn}\r\n\r\n");
        let report = served.send(&with("edgewit, other; a=b, edgewit")).await;
        assert_eq!(report.line("status "), "200");
        let sent = upstream.requests()[0].head.one("cdn-loop");
        assert_eq!(sent, "edgewit, other; a=b, edgewit, edgewit");
        let report = served.send(&with("edgewit, edgewit;x, edgewit")).await;
        assert!(
            report
                .line("error ")
                .starts_with("FetchError::Limit(\"hops")
        );
        assert_eq!(upstream.requests().len(), 1);
    });
}

#[test]
fn a_fetched_body_has_a_limit() {
    run(async {
        let limits = Limits {
            fetched_body_bytes: 4,
            ..Limits::default()
        };
        let served = serve_with("fetched-limit", limited(limits)).await;
        let upstream = Upstream::answering(|_| ok("abcde")).await;
        let report = fetch(&served, &upstream.url("/"), "").await;
        assert_eq!(report.line("body error "), "BodyError::TooLarge(4)");
    });
}
