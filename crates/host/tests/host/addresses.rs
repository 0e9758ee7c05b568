//! Which addresses a granted name may have, and peers that are chosen by hand.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use edgewit_host::{Resolver, Settings};
use url::Url;

use crate::events;
use crate::fetching::fetch;
use crate::support::{Names, Served, TRUSTED, builder, run, serve_on, serve_raw, settings, tls};
use crate::upstream::{Upstream, bare, ok};

/// An address of the internet that nobody has (RFC 5737).
const NOBODY: &str = "192.0.2.1";

/// Gives each name its answers in order, the last one for ever.
struct Answers(Mutex<HashMap<&'static str, Vec<Vec<IpAddr>>>>);

impl Answers {
    fn of(answers: &[(&'static str, &[&[&str]])]) -> Arc<Self> {
        let ip = |ip: &&str| ip.parse().expect("an address");
        let answer = |ips: &&[&str]| ips.iter().map(ip).collect();
        let named = answers
            .iter()
            .map(|(name, all)| (*name, all.iter().map(answer).collect()));
        Arc::new(Self(Mutex::new(named.collect())))
    }
}

impl Resolver for Answers {
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        let mut answers = self.0.lock().unwrap();
        let answers = answers.get_mut(host).expect("a name of this test");
        let next = match &answers[..] {
            [last] => last.clone(),
            _ => answers.remove(0),
        };
        let found = next
            .into_iter()
            .map(|ip| SocketAddr::new(ip, port))
            .collect();
        Box::pin(std::future::ready(Ok(found)))
    }
}

/// A listener that lets nobody in: who connects hears nothing. Its other ends are to be kept.
#[cfg(target_os = "linux")]
async fn deaf(address: SocketAddr) -> (socket2::Socket, Vec<tokio::net::TcpStream>) {
    let listener =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    listener.bind(&address.into()).unwrap();
    listener.listen(0).unwrap();
    let mut waiting = Vec::new();
    let patience = std::time::Duration::from_millis(300);
    while let Ok(stream) =
        tokio::time::timeout(patience, tokio::net::TcpStream::connect(address)).await
    {
        waiting.push(stream.unwrap());
    }
    (listener, waiting)
}

#[cfg(target_os = "linux")]
#[test]
fn an_address_that_does_not_answer_does_not_hold_up_the_next() {
    run(async {
        let upstream = Upstream::answering(|_| ok("answered")).await;
        let port = upstream.address.port();
        let _deaf = deaf(SocketAddr::from(([127, 0, 0, 2], port))).await;
        let answers = Answers::of(&[("two.test", &[&["127.0.0.2", "127.0.0.1"]])]);
        let host = builder().resolver(answers).build().unwrap();
        let origins = [
            "http://*.test:*",
            "http://127.0.0.2:*",
            "http://127.0.0.1:*",
        ];
        let served = serve_on(&host, "next-address", granting(&origins)).await;
        let url = upstream.named("two.test", "/");
        let report = fetch(&served, &url, "&connect-ms=60000").await;
        assert_eq!(report.line("body "), "incoming Some(8) answered");
        let report = fetch(&served, &url, "&connect-ms=60000").await;
        assert_eq!(report.line("attribute network.peer.address="), "127.0.0.1");
    });
}

fn granting(origins: &[&str]) -> Settings {
    let mut settings = settings();
    let origins = origins
        .iter()
        .map(|origin| origin.parse().expect("an origin"));
    settings.grants.fetch = origins.collect();
    settings
}

async fn serve(name: &'static str, resolver: Arc<dyn Resolver>, grants: &[&str]) -> Served {
    let host = builder().resolver(resolver).build().expect("a host");
    serve_on(&host, name, granting(grants)).await
}

#[test]
fn a_name_does_not_lead_within() {
    run(async {
        let upstream = Upstream::answering(|_| ok("")).await;
        let port = upstream.address.port();
        for (app, ip, origin) in [
            ("within-loopback", "127.0.0.1", "127.0.0.1"),
            ("within-mapped", "::ffff:127.0.0.1", "127.0.0.1"),
            ("within-private", "10.1.2.3", "10.1.2.3"),
            ("within-metadata", "169.254.169.254", "169.254.169.254"),
            ("within-loopback-6", "::1", "[::1]"),
            ("within-local-6", "fd00::1", "[fd00::1]"),
            ("within-shared", "100.64.0.1", "100.64.0.1"),
            ("within-nat64", "64:ff9b::7f00:1", "[64:ff9b::7f00:1]"),
            ("within-nat64-own", "64:ff9b:1::1", "[64:ff9b:1::1]"),
        ] {
            let resolver = Answers::of(&[("a.example", &[&[ip]])]);
            let served = serve(app, resolver, &["http://*.example:*"]).await;
            let report = fetch(&served, &upstream.named("a.example", "/"), "").await;
            assert_eq!(report.line("error "), "FetchError::Denied", "{ip}");
            let line = events::message(app, "denied").await;
            let expected = format!(
                "denied: http://{origin}:{port}, where a.example leads, is not granted; \
                 to grant it, add \"http://{origin}:{port}\" to fetch in app/edge.toml"
            );
            assert_eq!(line.message(), expected);
        }
        assert_eq!(upstream.connections(), 0);
        // What the line says to add is what helps.
        let granted = format!("http://127.0.0.1:{port}");
        let resolver = Answers::of(&[("a.example", &[&["127.0.0.1"]])]);
        let served = serve(
            "within-granted",
            resolver,
            &["http://*.example:*", &granted],
        )
        .await;
        let report = fetch(&served, &upstream.named("a.example", "/"), "").await;
        assert_eq!(report.line("status "), "200");
    });
}

/// One of this link, without the link that it is of.
#[cfg(target_os = "linux")]
#[test]
fn a_connection_that_this_machine_can_t_make_is_not_refused() {
    run(async {
        let granted = "http://[fe80::1]:9";
        let served = serve("unconnectable", Answers::of(&[]), &[granted]).await;
        let report = fetch(&served, granted, "").await;
        let failed = report.line("error ");
        assert!(
            failed.starts_with("FetchError::Other(\"[fe80::1]:9: "),
            "{failed}"
        );
        let line = events::message("unconnectable", "connect: [fe80::1]:9: ").await;
        assert_eq!(line.level, tracing::Level::WARN);
    });
}

#[test]
fn a_name_that_changes_its_address_reaches_nobody_within() {
    run(async {
        let upstream = Upstream::answering(|_| ok("")).await;
        let resolver = Answers::of(&[
            ("turns.example", &[&[NOBODY], &["127.0.0.1"]]),
            ("both.example", &[&[NOBODY, "127.0.0.1"]]),
            ("first.example", &[&["127.0.0.1", NOBODY]]),
        ]);
        let served = serve("rebinding", resolver, &["http://*.example:*"]).await;
        let once = "&connect-ms=200";
        for name in ["turns.example", "both.example", "first.example"] {
            let report = fetch(&served, &upstream.named(name, "/"), once).await;
            let failed = report.line("error ");
            let nobody = [
                "FetchError::ConnectTimeout",
                "FetchError::ConnectionRefused(",
            ];
            assert!(
                nobody.iter().any(|start| failed.starts_with(start)),
                "{failed}"
            );
        }
        let report = fetch(&served, &upstream.named("turns.example", "/"), once).await;
        assert_eq!(report.line("error "), "FetchError::Denied");
        assert_eq!(upstream.connections(), 0);
    });
}

#[test]
fn localhost_is_a_name_for_this_machine_and_nothing_else() {
    run(async {
        let upstream = Upstream::answering(|_| ok("")).await;
        let grants = ["http://localhost:*", "http://*.localhost:*"];
        let resolver = Answers::of(&[
            ("localhost", &[&["::1", "127.0.0.1"]]),
            ("a.localhost", &[&["127.0.0.1"]]),
            ("b.localhost", &[&["10.0.0.1"]]),
        ]);
        let served = serve("localhost", resolver, &grants).await;
        for (name, outcome) in [
            ("localhost", "status 200"),
            ("a.localhost", "status 200"),
            ("b.localhost", "error FetchError::Denied"),
        ] {
            let report = fetch(&served, &upstream.named(name, "/"), "").await;
            assert_eq!(report.text().lines().next(), Some(outcome), "{name}");
        }
    });
}

#[test]
fn a_redirect_is_checked_like_a_request() {
    run(async {
        let upstream = Upstream::answering(|request| {
            if request.head.start.starts_with("GET /secret") {
                return ok("secret");
            }
            let port = request
                .head
                .one("host")
                .rsplit(':')
                .next()
                .map(str::to_owned);
            let to = format!("location: http://b.example:{}/secret\r\n", port.unwrap());
            bare(302, &to)
        })
        .await;
        let inner = format!("http://127.0.0.2:{}", upstream.address.port());
        let resolver = Answers::of(&[("b.example", &[&["127.0.0.2"]])]);
        let grants = ["http://127.0.0.1:*", "http://*.example:*"];
        let served = serve("redirected-within", resolver, &grants).await;
        let report = fetch(&served, &upstream.url("/"), "").await;
        assert_eq!(report.line("error "), "FetchError::Denied");
        let line = events::message("redirected-within", "denied").await;
        assert!(line.message().contains(&inner), "{}", line.message());
        assert_eq!(upstream.requests().len(), 1);
    });
}

#[test]
fn connect_to_is_another_peer_for_the_same_uri() {
    run(async {
        let upstream = Upstream::answering(|_| ok("")).await;
        let served = serve_raw("connect-to").await;
        let port = upstream.address.port();
        for (hint, n) in [
            (format!("connect-to:127.0.0.1:{port}"), 0),
            (format!("!connect-to:peer.test:{port}"), 1),
        ] {
            let more = format!("&hint={hint}");
            let report = fetch(&served, "http://named.test/p", &more).await;
            assert_eq!(report.line("uri "), "http://named.test/p");
            assert_eq!(report.line("attribute network.peer.address="), "127.0.0.1");
            assert_eq!(upstream.requests()[n].head.one("host"), "named.test");
        }
        assert!(Names::asked().contains(&"peer.test".to_owned()));
        assert!(!Names::asked().contains(&"named.test".to_owned()));
        // The certificate is that of the URI's name.
        let secret = Upstream::over_tls(tls(&TRUSTED), |_| ok("secret")).await;
        let more = format!("&hint=connect-to:127.0.0.1:{}", secret.address.port());
        let report = fetch(&served, "https://localhost:1/", &more).await;
        assert_eq!(report.line("status "), "200");
    });
}

#[test]
fn connect_to_is_granted_like_an_origin() {
    run(async {
        let upstream = Upstream::answering(|_| ok("")).await;
        let port = upstream.address.port();
        let named = Arc::new(Names);
        let served = serve("connect-to-denied", named, &["http://a.test"]).await;
        let more = format!("&hint=connect-to:127.0.0.1:{port}");
        let report = fetch(&served, "http://a.test/", &more).await;
        assert_eq!(report.line("error "), "FetchError::Denied");
        let line = events::message("connect-to-denied", "denied").await;
        let expected = format!("add \"http://127.0.0.1:{port}\" to fetch");
        assert!(line.message().contains(&expected), "{}", line.message());
        // The other way round as well: a peer's grant is not the URI's.
        let peer = format!("http://127.0.0.1:{port}");
        let served = serve("connect-to-other", Arc::new(Names), &[&peer]).await;
        let report = fetch(&served, "http://a.test/", &more).await;
        assert_eq!(report.line("error "), "FetchError::Denied");
        assert_eq!(upstream.connections(), 0);
    });
}

#[test]
fn connect_to_is_a_host_and_a_port() {
    run(async {
        let served = serve_raw("connect-to-syntax").await;
        for value in [
            "",
            "a.test",
            ":80",
            "a.test:",
            "a.test:x",
            "a.test:99999",
            "a.test:80/p",
            "u@a.test:80",
            "http://a.test:80",
            "a.test:80:80",
            "[::1:80",
            "a%20b:80",
            "a.test/x:80",
            "a.test%3Fx:80",
            "a.test%23x:80",
            "a.test:%2B80",
        ] {
            let more = format!("&hint=connect-to:{value}");
            let report = fetch(&served, "http://named.test/", &more).await;
            let failed = report.line("error ");
            let expected = "FetchError::InvalidRequest(\"hint connect-to ";
            assert!(failed.starts_with(expected), "{value}: {failed}");
        }
    });
}

#[test]
fn connect_to_ends_where_a_redirect_leaves_the_origin() {
    run(async {
        let target = Upstream::answering(|_| ok("there")).await;
        let location = target.named("other.test", "/");
        let first = Upstream::answering(move |request| {
            if request.head.start.starts_with("GET /same") {
                bare(302, &format!("location: {location}\r\n"))
            } else {
                bare(302, "location: /same\r\n")
            }
        })
        .await;
        let served = serve_raw("connect-to-redirect").await;
        let more = format!("&hint=connect-to:{}", first.address);
        let report = fetch(&served, "http://named.test/", &more).await;
        assert_eq!(report.line("body "), "incoming Some(5) there");
        assert_eq!((first.requests().len(), target.requests().len()), (2, 1));
    });
}

#[test]
fn an_override_sends_an_origin_elsewhere() {
    run(async {
        let upstream = Upstream::answering(|_| ok("abc")).await;
        let parse = |text: &str| Url::parse(text).expect("a URL");
        let host = builder()
            .resolver(Answers::of(&[]))
            .send_elsewhere(&parse("https://api.example"), &parse(&upstream.url("/")))
            .build()
            .expect("a host");
        let served = serve_on(&host, "override", granting(&["https://api.example"])).await;
        let report = fetch(&served, "https://api.example/p?q", "").await;
        assert_eq!(report.line("uri "), "https://api.example/p?q");
        assert_eq!(report.line("body "), "incoming Some(3) abc");
        let head = upstream.requests()[0].head.clone();
        assert_eq!(head.start, "GET /p?q HTTP/1.1");
        assert_eq!(head.one("host"), "api.example");
        // The peer's own origin is not granted by it.
        let report = fetch(&served, &upstream.url("/"), "").await;
        assert_eq!(report.line("error "), "FetchError::Denied");
        let served = serve_on(&host, "override-denied", granting(&[])).await;
        let report = fetch(&served, "https://api.example/", "").await;
        assert_eq!(report.line("error "), "FetchError::Denied");
        assert_eq!(upstream.requests().len(), 1);
    });
}
