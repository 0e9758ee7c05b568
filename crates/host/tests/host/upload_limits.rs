//! Uploads that their server does not take, and how long they may last.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use crate::streams::{Server, Stream, piece};
use crate::support::{TRUSTED, limited, run, serve_raw, serve_with, tls};
use crate::uploads::take;
use crate::upstream::{Gate, Upstream};
use crate::wire::Wire;
use edgewit_manifest::Limits;

fn impatient() -> Limits {
    Limits {
        idle_ms: 3000,
        ..Limits::default()
    }
}

/// Takes what comes without letting more come; how the stream ended.
async fn taking_nothing(mut stream: Stream) -> Option<h2::Error> {
    loop {
        match stream.body.data().await {
            Some(Ok(_)) => {}
            Some(Err(error)) => return Some(error),
            None => return None,
        }
    }
}

/// A server that begins a reply, or makes a whole one, and takes nothing but one window; it tells how each
/// stream ended.
async fn stuck(status: u16) -> (Server, mpsc::UnboundedReceiver<Option<h2::Error>>) {
    let (tell, told) = mpsc::unbounded_channel();
    let server = Server::script(move |mut stream| {
        let tell = tell.clone();
        async move {
            let head = Response::builder().status(status).body(()).unwrap();
            let _body = stream.respond.send_response(head, status == 204).unwrap();
            let _ = tell.send(taking_nothing(stream).await);
        }
    })
    .await;
    (server, told)
}

#[test]
fn dropping_the_answer_ends_an_upload_that_nobody_takes() {
    run(async {
        let served = serve_raw("stuck-dropped").await;
        let (server, mut told) = stuck(200).await;
        let gate = Gate::new().await;
        let begin = format!("stream:{}", server.url("/"));
        let pass = format!("pass:{}", gate.url());
        let list = [&*begin, "fill", "wait:0", "drop-incoming:0", &pass];
        let test = async {
            // While the guest is still there.
            let error = told.recv().await.unwrap();
            assert!(error.is_some_and(|error| error.is_reset()));
            gate.open();
        };
        let (report, ()) = tokio::join!(take(&served, &list, ""), test);
        assert_eq!(report.line("fill: "), "full");
    });
}

#[test]
fn an_upload_that_nobody_takes_ends_soon_after_its_request() {
    run(async {
        let served = serve_with("stuck-over", limited(impatient())).await;
        let (server, mut told) = stuck(204).await;
        let begin = format!("stream:{}", server.url("/"));
        let report = take(&served, &[&begin, "fill", "wait:0", "finish"], "").await;
        assert_eq!(report.line("wait: "), "status 204");
        assert_eq!(report.line("finish: "), "Ok(())");
        let error = told.recv().await.unwrap();
        assert!(error.is_some_and(|error| error.is_reset()));
    });
}

/// Waits until this machine's end of a connection, at `port`, is open no more.
#[cfg(target_os = "linux")]
async fn closed_at(port: u16) {
    let local = format!("0100007F:{port:04X}");
    let is_open = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let (at, _, state) = (words.next(), words.next(), words.next());
        at == Some(&*local) && state == Some("01")
    };
    while std::fs::read_to_string("/proc/net/tcp")
        .unwrap()
        .lines()
        .any(is_open)
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_connection_of_http_1_whose_server_takes_nothing_is_closed() {
    run(async {
        let mut settings = limited(impatient());
        let localhost = ["http://localhost:*", "https://localhost:*"];
        settings.grants.fetch = localhost.map(|origin| origin.parse().unwrap()).to_vec();
        let served = serve_with("stuck-http1", settings).await;
        let acceptor = TlsAcceptor::from(tls(&TRUSTED));
        for scheme in ["http", "https"] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let begin = format!("stream:{scheme}://localhost:{port}/");
            let list = [&*begin, "fill", "wait:0", "drop-incoming:0"];
            let test = async {
                let (stream, peer) = listener.accept().await.unwrap();
                let mut wire = match scheme {
                    "http" => Wire::new(stream),
                    _ => Wire::new(acceptor.accept(stream).await.unwrap()),
                };
                wire.head().await.unwrap();
                wire.send("HTTP/1.1 200 X\r\ncontent-length: 5\r\n\r\nabc")
                    .await;
                closed_at(peer.port()).await;
            };
            let (report, ()) = tokio::join!(take(&served, &list, ""), test);
            assert_eq!(report.line("fill: "), "full");
        }
    });
}

#[test]
fn the_time_for_all_of_an_exchange_ends_its_upload_too() {
    run(async {
        let served = serve_raw("total-upload").await;
        let both = "BodyError::Timeout, then Err(BodyError::Timeout)";
        let reading = Upstream::script(|mut wire| async move {
            wire.head().await;
            wire.send("HTTP/1.1 200 X\r\ncontent-length: 5\r\n\r\nabc")
                .await;
            while wire.chunk().await.is_some_and(|chunk| !chunk.is_empty()) {}
        })
        .await;
        let reading2 = Server::script(|mut stream| async move {
            let _body = stream.begin();
            while piece(&mut stream.body).await.is_some_and(|it| it.is_ok()) {}
        })
        .await;
        for url in [reading.url("/"), reading2.url("/")] {
            let begin = format!("stream:{url}");
            let list = [&*begin, "wait:0", "write-on"];
            let report = take(&served, &list, "&total-ms=3000").await;
            assert_eq!(report.line("wait: "), "status 200");
            assert_eq!(report.line("write-on: "), both);
        }
    });
}

#[test]
fn the_time_for_all_of_an_exchange_resets_a_stream_that_waits_for_its_guest() {
    run(async {
        let served = serve_raw("total-waits").await;
        let (server, mut told) = stuck(200).await;
        let gate = Gate::new().await;
        let begin = format!("stream:{}", server.url("/"));
        let pass = format!("pass:{}", gate.url());
        let list = [&*begin, "write:3", "wait:0", &pass, "write:3", "finish"];
        let test = async {
            let error = told.recv().await.unwrap();
            assert!(error.is_some_and(|error| error.is_reset()));
            gate.open();
        };
        let more = "&total-ms=3000";
        // The gate is fetched without a limit of its own.
        let (report, ()) = tokio::join!(take(&served, &list, more), test);
        assert_eq!(
            report.lines("write: "),
            ["Ok(3)", "Err(BodyError::Timeout)"]
        );
        assert_eq!(report.line("finish: "), "Err(BodyError::Timeout)");
    });
}

#[test]
fn bodies_that_no_guest_reads_do_not_hold_up_others() {
    run(async {
        let server = Server::script(|mut stream| async move {
            let mut body = stream.begin();
            body.send_data(vec![b'b'; 3_000_000].into(), true).unwrap();
            // Its body waits for its windows with the connection.
            drop(body);
        })
        .await;
        let served = serve_raw("unread-fetches").await;
        let send = format!("send:{}", server.url("/"));
        let mut list = Vec::new();
        let waits: Vec<String> = (0..15).map(|n| format!("wait:{n}")).collect();
        for wait in &waits {
            list.extend([&*send, wait]);
        }
        list.push("read:14");
        let report = take(&served, &list, "").await;
        assert_eq!(report.line("read: "), "3000000 bytes end ");
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn a_connection_has_so_many_unread_bodies_and_others_get_another() {
    run(async {
        let server = Server::script(|mut stream| async move {
            let mut body = stream.begin();
            body.send_data(Bytes::from("b"), false).unwrap();
            std::future::pending().await
        })
        .await;
        let served = serve_raw("many-streams").await;
        let send = format!("send:{}", server.url("/"));
        let waits: Vec<String> = (0..101).map(|n| format!("wait:{n}")).collect();
        let mut list = Vec::new();
        for wait in &waits {
            list.extend([&*send, wait]);
        }
        // What is dropped makes room on its connection.
        list.extend(["drop-incoming:0", &*send, "wait:101", &*send, "wait:102"]);
        let report = take(&served, &list, "").await;
        assert_eq!(report.lines("wait: "), ["status 200"; 103]);
        assert_eq!(server.connections(), 2);
    });
}
