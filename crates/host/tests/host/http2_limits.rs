//! What connections and streams of HTTP/2 may hold, and for how long.

use std::time::Duration;

use crate::events;
use crate::streams::{Client, answer, piece};
use crate::support::{
    builder, host, limited, listen, raw, run, serve_on, serve_raw, serve_with, settings, steps,
};
use crate::upstream::Gate;
use crate::wire::Wire;
use edgewit_host::{Routes, Target};
use edgewit_manifest::Limits;

fn impatient() -> Limits {
    Limits {
        idle_ms: 500,
        ..Limits::default()
    }
}

/// Serves an application by routes that are set up further.
async fn serve_routes(name: &str, set: impl Fn(Routes) -> Routes) -> std::net::SocketAddr {
    let app = host().load(name, raw(), settings()).await.unwrap();
    listen(set(Routes::new().add(None, "/", Target::App(app)))).await
}

#[test]
fn a_client_that_takes_nothing_has_its_stream_reset() {
    run(async {
        let served = serve_with("no-window", limited(impatient())).await;
        let client = Client::with_window(served.address, 0).await;
        for target in ["/reply?size=100", "/reply?size=300000", "/source?pieces=3"] {
            let (response, _) = client.start("GET", target, &[], true).await;
            let mut body = response.await.unwrap().into_body();
            let error = body.data().await.unwrap().unwrap_err();
            assert_eq!(error.reason(), Some(h2::Reason::CANCEL), "{target}");
        }
        // The connection is for others still.
        assert_eq!(client.get("/reply").await.status, 200);
    });
}

#[test]
fn a_stalled_source_has_one_line() {
    run(async {
        let limits = Limits {
            guest_ms: 60_000,
            ..impatient()
        };
        let served = serve_with("stalls", limited(limits)).await;
        let mut wire = served.connect().await;
        wire.send("GET /source?pieces=1000&bytes=100000 HTTP/1.1\r\nhost: a\r\n\r\n")
            .await;
        events::message("stalls", "after-reply Err(BodyError::Timeout)").await;
        let reason = "the reply was cut: the client took nothing for 500 ms (idle-ms)";
        assert_eq!(events::errors("stalls"), [reason]);
    });
}

#[test]
fn a_slow_client_is_no_idle_one_however_large_a_piece_is() {
    run(async {
        let limits = Limits {
            idle_ms: 3000,
            guest_ms: 60_000,
            ..Limits::default()
        };
        let served = serve_with("slow", limited(limits)).await;
        let client = Client::connect(served.address).await;
        let target = "/source?pieces=3&bytes=500000";
        let (response, _) = client.start("GET", target, &[], true).await;
        let mut body = response.await.unwrap().into_body();
        let mut read = 0;
        while let Some(bytes) = piece(&mut body).await {
            read += bytes.expect("no end before the end").len();
            // The first piece takes longer than a client may be idle.
            if read < 600_000 {
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
        }
        assert_eq!(read, 1_500_000);
        events::message("slow", "after-reply Ok(())").await;
    });
}

#[test]
fn bodies_that_nobody_reads_do_not_hold_up_others() {
    run(async {
        let host = builder().instances(32).build().unwrap();
        let served = serve_on(&host, "unread-bodies", settings()).await;
        let client = Client::connect(served.address).await;
        // More than a mebibyte in all.
        let target = steps(&["subscribe:client", "poll:0"]);
        let mut unread = Vec::new();
        for _ in 0..14 {
            let (response, mut body) = client.start("POST", &target, &[], false).await;
            body.send_data(vec![b'u'; 200_000].into(), false).unwrap();
            unread.push((response, body));
        }
        let (response, mut body) = client.start("POST", "/echo", &[], false).await;
        body.send_data(vec![b'b'; 300_000].into(), true).unwrap();
        assert_eq!(answer(response).await.body.len(), 300_000);
    });
}

#[test]
fn a_reset_before_an_empty_reply_is_told() {
    run(async {
        let served = serve_raw("empty-reset").await;
        let gate = Gate::new().await;
        let client = Client::connect(served.address).await;
        let pass = format!("pass:{}", gate.url());
        // A body of which nothing is named is none.
        let target = format!("{}&reply=7", steps(&[&pass, "subscribe:client", "poll:0"]));
        let (response, mut stream) = client.start("GET", &target, &[], true).await;
        gate.arrived(1).await;
        stream.send_reset(h2::Reason::CANCEL);
        assert!(response.await.is_err());
        gate.open();
        events::message("empty-reset", "after-reply Err(BodyError::Closed)").await;
    });
}

#[test]
fn an_idle_connection_is_closed() {
    run(async {
        let set = |routes: Routes| routes.idle(Duration::from_millis(300));
        let address = serve_routes("idle-closed", set).await;
        let client = Client::connect(address).await;
        assert_eq!(client.get("/reply").await.status, 200);
        client.closed().await;
        // A request that takes longer is none.
        let gate = Gate::new().await;
        let client = Client::connect(address).await;
        let target = steps(&[&format!("pass:{}", gate.url())]);
        let (response, _) = client.start("GET", &target, &[], true).await;
        gate.arrived(1).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        gate.open();
        assert_eq!(answer(response).await.status, 200);
        client.closed().await;
    });
}

#[test]
fn a_reply_that_nobody_takes_ends_with_its_idle_connection() {
    run(async {
        let set = |routes: Routes| routes.idle(Duration::from_millis(300));
        let address = serve_routes("idle-unread", set).await;
        // One byte is taken, and the piece that it is of is the connection's from then on.
        let client = Client::with_window(address, 1).await;
        let (response, _) = client.start("GET", "/reply?size=1000", &[], true).await;
        let body = response.await.unwrap().into_body();
        client.closed().await;
        drop(body);
    });
}

#[test]
fn connections_past_the_limit_wait_for_one_to_end() {
    run(async {
        let address = serve_routes("connections", |routes| routes.connections(1)).await;
        let first = Client::connect(address).await;
        assert_eq!(first.get("/reply").await.status, 200);
        let mut second = Wire::connect(address).await;
        second
            .send("GET /reply HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            .await;
        assert!(!second.within(Duration::from_millis(500)).await);
        first.close().await;
        assert_eq!(second.response().await.status(), 200);
    });
}

#[test]
fn connections_at_their_limit_are_told_and_not_each() {
    run(async {
        let address = serve_routes("connections-told", |routes| routes.connections(3)).await;
        let lines = || {
            let of_limit = |event: &events::Logged| event.message().contains("limit 3");
            events::of("").into_iter().filter(of_limit).count()
        };
        let take = async |n| {
            let mut clients = Vec::new();
            for _ in 0..n {
                let client = Client::connect(address).await;
                assert_eq!(client.get("/reply").await.status, 200);
                clients.push(client);
            }
            clients
        };
        let begun = tokio::time::Instant::now();
        for _ in 0..20 {
            for client in take(3).await {
                client.close().await;
            }
        }
        let line = "connections: limit 3, met 3: others wait until one has ended";
        assert_eq!(events::message("", line).await.level, tracing::Level::WARN);
        assert!(lines() as u64 <= 1 + begun.elapsed().as_secs());
        // Told once there is something to tell, and a second is over.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        take(2).await;
        events::message("", "connections: fewer than the limit 3 again").await;
    });
}

#[test]
fn a_stream_holds_next_to_nothing_of_a_reply_that_its_client_does_not_take() {
    run(async {
        let served = serve_with("held", limited(impatient())).await;
        let client = Client::with_window(served.address, 1).await;
        for (target, length) in [
            ("/reply?size=60000", 60_000),
            ("/source?pieces=1&bytes=60000", 60_000),
        ] {
            let (response, _) = client.start("GET", target, &[], true).await;
            let mut body = response.await.unwrap().into_body();
            assert_eq!(body.data().await.unwrap().unwrap().len(), 1);
            let error = body.data().await.unwrap().unwrap_err();
            assert_eq!(error.reason(), Some(h2::Reason::CANCEL), "{target}");
            // The connection goes on, and who takes what is sent gets all.
            assert_eq!(client.get("/reply").await.status, 200);
            let taking = Client::connect(served.address).await;
            assert_eq!(taking.get(target).await.body.len(), length, "{target}");
        }
        events::message("held", "after-reply Err(BodyError::Timeout)").await;
    });
}

#[test]
fn a_reset_in_the_last_piece_is_told() {
    run(async {
        let served = serve_raw("last-reset").await;
        let client = Client::with_window(served.address, 10).await;
        let (response, mut stream) = client.start("GET", "/reply?size=5000", &[], true).await;
        let mut body = response.await.unwrap().into_body();
        assert_eq!(body.data().await.unwrap().unwrap().len(), 10);
        stream.send_reset(h2::Reason::CANCEL);
        events::message("last-reset", "after-reply Err(BodyError::Closed)").await;
    });
}
