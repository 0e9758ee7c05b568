//! Several applications on one port.

use std::net::SocketAddr;
use std::sync::Arc;

use edgewit_host::{ReplyBody, Routes, Target};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::events;
use crate::support::{host, listen, q, raw, run, settings};
use crate::upstream::Gate;
use crate::wire::{Message, Wire};

async fn app(name: &str) -> Target {
    let app = host().load(name, raw(), settings()).await;
    Target::App(app.expect("an application"))
}

async fn get(address: SocketAddr, host: &str, target: &str) -> Message {
    let mut wire = Wire::connect(address).await;
    wire.send(format!("GET {target} HTTP/1.1\r\nhost: {host}\r\n\r\n"))
        .await;
    wire.response().await
}

#[test]
fn a_host_goes_before_none_and_the_longest_prefix_counts() {
    run(async {
        let routes = Routes::new()
            .add(None, "/", app("r-root").await)
            .add(None, "/api", app("r-api").await)
            .add(None, "/api/deep/", app("r-deep").await)
            .add(Some("Own.Test"), "/", app("r-host").await);
        let address = listen(routes).await;
        for (n, (host, target, name, path)) in [
            ("a.test", "/x", "r-root", "/x"),
            ("a.test", "/api/x", "r-api", "/x"),
            ("a.test", "/apis/x", "r-root", "/apis/x"),
            ("a.test", "/api", "r-api", "/"),
            ("a.test", "/api?q", "r-api", "/?q"),
            ("a.test", "/api/deep/x", "r-deep", "/x"),
            ("a.test", "/api/deeper/x", "r-api", "/deeper/x"),
            ("own.test", "/api/x", "r-host", "/api/x"),
            ("OWN.test:8080", "/x", "r-host", "/x"),
            ("not-own.test", "/x", "r-root", "/x"),
        ]
        .into_iter()
        .enumerate()
        {
            let mark = format!("{}mark{n}", if target.contains('?') { "&" } else { "?" });
            let report = get(address, host, &format!("{target}{mark}")).await;
            let id = report.line("id ");
            events::wait(name, |event| event.field("request") == id).await;
            let host = host.to_lowercase();
            assert_eq!(report.line("uri "), format!("http://{host}{path}{mark}"));
        }
    });
}

#[test]
fn a_route_is_of_the_path_that_its_guest_is_told() {
    run(async {
        let routes = Routes::new()
            .add(None, "/", app("r-dots-root").await)
            .add(None, "/a", app("r-dots-a").await)
            .add(None, "/a/deep", app("r-dots-deep").await)
            .add(None, "/b", app("r-dots-b").await);
        let address = listen(routes).await;
        for (target, prefix, uri) in [
            ("/a/../b/x", "/b", "/x"),
            ("/a/%2e%2e/b/x", "/b", "/x"),
            ("/%2E%2e/b", "/b", "/"),
            ("/b/./../a/deep/../x", "/a", "/x"),
            ("/a/deep/..", "/a", "/"),
            ("/a\\deep\\x?a\\..\\b", "/a/deep", "/x?a\\..\\b"),
            ("/a\\..\\b/x", "/b", "/x"),
            ("//b/x", "", "//b/x"),
            ("//../b/x", "/b", "/x"),
            ("/a//../b", "/a", "/b"),
            ("/a//x", "/a", "//x"),
            ("/%61/x", "", "/%61/x"),
            ("/a%2f..%2fb", "", "/a%2f..%2fb"),
        ] {
            let report = get(address, "a", target).await;
            assert_eq!(report.line("uri "), format!("http://a{uri}"), "{target}");
            let told = report.lines("attribute edgewit.prefix=").concat();
            assert_eq!(told, prefix, "{target}");
        }
    });
}

#[test]
fn the_prefix_is_an_attribute() {
    run(async {
        let routes = Routes::new().add(None, "/api", app("r-prefix").await).add(
            None,
            "/",
            app("r-plain").await,
        );
        let address = listen(routes).await;
        let report = get(address, "a", "/api/x").await;
        assert_eq!(report.line("attribute edgewit.prefix="), "/api");
        let report = get(address, "a", "/x").await;
        assert!(report.lines("attribute edgewit.prefix=").is_empty());
    });
}

#[test]
fn an_embedder_answers_beside_applications() {
    run(async {
        let service = Target::Service(Arc::new(|request| {
            Box::pin(async move {
                let path = request.uri().path().to_owned();
                http::Response::new(ReplyBody::from(bytes::Bytes::from(path)))
            })
        }));
        let routes = Routes::new()
            .add(None, "/app", app("r-beside").await)
            .add(None, "/own", service);
        let address = listen(routes).await;
        assert_eq!(get(address, "a", "/own/page").await.text(), "/page");
        assert_eq!(get(address, "a", "/app/x").await.line("method "), "GET");
        let reply = get(address, "a", "/other").await;
        assert_eq!((reply.status(), reply.text().as_str()), (404, ""));
        events::message("", "GET /other 404, of no application").await;
    });
}

/// A server on its own port, what stops it, and its end.
async fn stoppable(name: &str) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let routes = Routes::new().add(None, "/", app(name).await);
    let server = tokio::spawn(edgewit_host::serve(listener, routes, async {
        let _ = stopped.await;
    }));
    (address, stop, server)
}

/// Begins a request that waits at a gate.
async fn begin(address: SocketAddr, gate: &Gate) -> Wire {
    let mut wire = Wire::connect(address).await;
    let target = format!("/fetch?url={}", q(&gate.url()));
    wire.send(format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n"))
        .await;
    wire
}

#[test]
fn a_server_that_is_stopped_ends_what_is_under_way() {
    run(async {
        let (address, stop, server) = stoppable("r-stop").await;
        let gate = Gate::new().await;
        let mut wire = begin(address, &gate).await;
        gate.arrived(1).await;
        stop.send(()).unwrap();
        gate.open();
        assert_eq!(wire.response().await.line("status "), "200");
        server.await.unwrap();
        assert!(tokio::net::TcpStream::connect(address).await.is_err());
    });
}

#[test]
fn a_server_that_is_stopped_cuts_what_takes_too_long_and_says_so() {
    run(async {
        let (address, stop, server) = stoppable("r-stop-cuts").await;
        let gate = Gate::new().await;
        let mut wires = [begin(address, &gate).await, begin(address, &gate).await];
        let idle = Wire::connect(address).await;
        gate.arrived(2).await;
        stop.send(()).unwrap();
        server.await.unwrap();
        let line = "stopped: requests under way had 1000 ms to end; connections cut with theirs: ";
        let told = events::message("", line).await;
        assert_eq!(told.level, tracing::Level::WARN);
        // The idle one is closed by then, unless the machine had no time for it.
        let cut = told.message().strip_prefix(line).unwrap();
        assert!(["2", "3"].contains(&cut), "{cut}");
        for wire in &mut wires {
            assert!(wire.closed().await);
        }
        drop(idle);
    });
}
