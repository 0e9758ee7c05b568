//! Redirects, which the host follows.

use crate::events;
use crate::fetching::fetch;
use crate::support::{q, run, serve_raw, serve_with, settings};
use crate::upstream::{Upstream, bare, ok};

/// `/STATUS/REST` redirects to `REST`, a path or, with its slashes as `!`, a URL; `/end` is the end.
async fn redirecting() -> Upstream {
    Upstream::answering(|request| {
        let path = request.head.start.split(' ').nth(1).unwrap_or_default();
        let (status, rest) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
        match status.parse() {
            Ok(status) if rest == "nowhere" => bare(status, ""),
            Ok(status) => {
                let to = rest.replace('!', "/");
                let to = if to.contains("://") || to.contains(':') {
                    to
                } else {
                    format!("/{to}")
                };
                bare(status, &format!("location: {to}\r\n"))
            }
            Err(_) => ok("end"),
        }
    })
    .await
}

#[test]
fn they_are_followed_unless_told_otherwise() {
    run(async {
        let upstream = redirecting().await;
        let served = serve_raw("redirects").await;
        let url = upstream.url("/301/302/303/307/308/end");
        let report = fetch(&served, &url, "").await;
        assert_eq!(report.line("status "), "200");
        assert_eq!(report.line("redirects "), "5");
        assert_eq!(report.line("uri "), upstream.url("/end"));
        let report = fetch(&served, &url, "&redirect=manual").await;
        assert_eq!(report.line("status "), "301");
        assert_eq!(report.line("location: "), "/302/303/307/308/end");
        assert_eq!(report.line("uri "), url);
        let report = fetch(&served, &url, "&redirect=error").await;
        assert!(
            report
                .line("error ")
                .starts_with("FetchError::Redirect(\"301")
        );
        for answer in ["/304/end", "/300/end", "/302/nowhere"] {
            let report = fetch(&served, &upstream.url(answer), "").await;
            assert_eq!(report.line("redirects "), "0", "{answer}");
        }
    });
}

#[test]
fn twenty_are_enough() {
    run(async {
        let upstream = redirecting().await;
        let served = serve_raw("twenty").await;
        let url = upstream.url(&format!("{}/end", "/302".repeat(20)));
        assert_eq!(fetch(&served, &url, "").await.line("redirects "), "20");
        let url = upstream.url(&format!("{}/end", "/302".repeat(21)));
        let report = fetch(&served, &url, "").await;
        assert_eq!(report.line("error "), "FetchError::TooManyRedirects");
    });
}

#[test]
fn a_method_and_its_body_stay_or_go() {
    run(async {
        let upstream = redirecting().await;
        let served = serve_raw("methods-redirected").await;
        for (status, method, then, body) in [
            (301, "POST", "GET", ""),
            (302, "POST", "GET", ""),
            (303, "POST", "GET", ""),
            (303, "PUT", "GET", ""),
            (301, "PUT", "PUT", "body"),
            (302, "PATCH", "PATCH", "body"),
            (307, "POST", "POST", "body"),
            (308, "POST", "POST", "body"),
        ] {
            let more = format!("&method={method}&bytes=body&field=content-type:a/b&field=x:1");
            let url = upstream.url(&format!("/{status}/end"));
            let report = fetch(&served, &url, &more).await;
            assert_eq!(report.line("status "), "200", "{status} {method}");
            let requests = upstream.requests();
            let last = requests.last().unwrap();
            assert_eq!(last.head.start, format!("{then} /end HTTP/1.1"));
            assert_eq!(last.text(), body, "{status} {method}");
            assert_eq!(last.head.has("content-type"), !body.is_empty());
            assert_eq!(last.head.has("content-length"), !body.is_empty());
            assert_eq!(last.head.one("x"), "1");
        }
        let report = fetch(&served, &upstream.url("/303/end"), "&method=HEAD").await;
        assert_eq!(report.line("status "), "200");
        let requests = upstream.requests();
        assert!(requests.last().unwrap().head.start.starts_with("HEAD "));
    });
}

#[test]
fn credentials_stay_within_their_origin() {
    run(async {
        let upstream = redirecting().await;
        let served = serve_raw("credentials").await;
        let secrets = "&field=authorization:secret&field=cookie:a%3D1&field=x:1";
        let report = fetch(&served, &upstream.named("a.test", "/302/end"), secrets).await;
        assert_eq!(report.line("status "), "200");
        let last = upstream.requests().pop().unwrap();
        assert_eq!(last.head.one("authorization"), "secret");
        assert_eq!(last.head.one("cookie"), "a=1");
        let to = upstream.named("b.test", "/end").replace('/', "!");
        let url = upstream.named("a.test", &format!("/302/{to}"));
        let report = fetch(&served, &url, secrets).await;
        assert_eq!(report.line("uri "), upstream.named("b.test", "/end"));
        let last = upstream.requests().pop().unwrap();
        assert!(!last.head.has("authorization") && !last.head.has("cookie"));
        assert_eq!(last.head.one("x"), "1");
        let host = format!("b.test:{}", upstream.address.port());
        assert_eq!(last.head.one("host"), host);
    });
}

#[test]
fn a_redirect_grants_nothing() {
    run(async {
        let upstream = redirecting().await;
        let other = Upstream::answering(|_| ok("secret")).await;
        let mut settings = settings();
        settings.grants.fetch = vec![upstream.url("").parse().unwrap()];
        let served = serve_with("redirect-denied", settings).await;
        let to = other.url("/").replace('/', "!");
        let report = fetch(&served, &upstream.url(&format!("/302/{to}")), "").await;
        assert_eq!(report.line("error "), "FetchError::Denied");
        let line = events::message("redirect-denied", "denied: ").await;
        let origin = other.address.to_string();
        assert!(line.message().contains(&origin), "{line:?}");
        assert_eq!(other.connections(), 0);
    });
}

#[test]
fn some_can_t_be_followed() {
    run(async {
        let upstream = redirecting().await;
        let served = serve_raw("unfollowed").await;
        for to in ["ftp:!!a.test!", "http:!!u:p@a.test!", "http:!!"] {
            let report = fetch(&served, &upstream.url(&format!("/302/{to}")), "").await;
            let error = report.line("error ");
            assert!(error.starts_with("FetchError::Redirect("), "{to}: {error}");
        }
        let target = format!("/fetch?method=POST&url={}", q(&upstream.url("/307/end")));
        let report = served
            .send(&format!(
                "POST {target} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            ))
            .await;
        let error = report.line("error ");
        assert!(error.starts_with("FetchError::Redirect("), "{error}");
    });
}

#[test]
fn a_location_that_is_too_long_is_an_error_of_the_redirect() {
    run(async {
        let long = format!("/{}", "l".repeat(70_000));
        let location = format!("location: {long}\r\n");
        let upstream = Upstream::answering(move |_| bare(302, &location)).await;
        let served = serve_raw("redirect-long").await;
        let report = fetch(&served, &upstream.url("/"), "").await;
        let failed = report.line("error ");
        let start = &failed[..failed.len().min(100)];
        assert!(
            start.starts_with("FetchError::Redirect(\"uri: 70"),
            "{start}"
        );
    });
}
