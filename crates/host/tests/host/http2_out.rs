//! Servers that speak HTTP/2.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use bytes::Bytes;
use tokio::sync::{Notify, mpsc, watch};

use crate::events;
use crate::fetching::fetch;
use crate::streams::{Server, piece, read, trailers};
use crate::support::{q, run, serve_raw};
use crate::uploads::take;
use crate::upstream::Gate;

#[test]
fn a_fetch_speaks_http_2_where_the_server_does() {
    run(async {
        let (tell, mut told) = mpsc::unbounded_channel();
        let server = Server::script(move |mut stream| {
            let tell = tell.clone();
            async move {
                let (body, error) = read(&mut stream.body).await;
                assert!(error.is_none());
                let _ = tell.send((stream.head.clone(), body));
                let mut body = stream.begin();
                body.send_data(Bytes::from("an answer"), false).unwrap();
                body.send_trailers(trailers(&[("x-sum", "9")])).unwrap();
            }
        })
        .await;
        let served = serve_raw("http2-out").await;
        let more = "&method=PUT&bytes=body&field=X-A:1&field=connection:x-a&field=host:x";
        let report = fetch(&served, &server.url("/p?q"), more).await;
        assert_eq!(report.line("status "), "200");
        assert_eq!(report.line("attribute network.protocol.version="), "2");
        assert_eq!(report.line("attribute network.peer.address="), "127.0.0.1");
        assert_eq!(report.line("body "), "incoming None an answer");
        assert_eq!(report.line("x-sum: "), "9");
        let (head, body) = told.recv().await.unwrap();
        assert_eq!(body, b"body");
        assert_eq!(
            (head.method().as_str(), head.uri().to_string()),
            ("PUT", server.url("/p?q"))
        );
        let mut names: Vec<&str> = head.headers().keys().map(|name| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["cdn-loop", "content-length", "te", "x-a"]);
        assert_eq!(head.headers()["te"], "trailers");
    });
}

#[test]
fn an_upload_goes_out_with_its_trailers() {
    run(async {
        let server = Server::script(|mut stream| async move {
            let (body, _) = read(&mut stream.body).await;
            let sent = stream.body.trailers().await.unwrap().unwrap_or_default();
            stream.answer(format!("{} {sent:?}", body.len()));
        })
        .await;
        let served = serve_raw("http2-upload").await;
        let begin = format!("stream:{}", server.url("/"));
        let more = "&trailer=X-Sum:7&trailer=host:a&trailer=te:b&field=content-length:300000";
        let list = [&*begin, "write:300000", "finish", "wait:0", "read:0"];
        let report = take(&served, &list, more).await;
        assert_eq!(report.line("read: "), r#"300000 {\"x-sum\": \"7\"} end "#);
    });
}

#[test]
fn an_upload_that_breaks_off_resets_its_stream() {
    run(async {
        let (tell, mut told) = mpsc::unbounded_channel();
        let server = Server::script(move |mut stream| {
            let tell = tell.clone();
            async move {
                assert_eq!(piece(&mut stream.body).await.unwrap().unwrap(), "uuu");
                let _ = tell.send("arrived");
                let (_, error) = read(&mut stream.body).await;
                assert!(error.is_some_and(|error| error.is_reset()));
                let _ = tell.send("reset");
            }
        })
        .await;
        let served = serve_raw("http2-breaks").await;
        let gate = Gate::new().await;
        let begin = format!("stream:{}", server.url("/"));
        let pass = format!("pass:{}", gate.url());
        for (end, more) in [
            (["drop-outgoing", "wait:0"], ""),
            (["finish", "wait:0"], "&field=content-length:5"),
            (["drop-pending:0", "write-on"], ""),
        ] {
            let list = [&*begin, "write:3", &pass, end[0], end[1], &pass];
            let test = async {
                assert_eq!(told.recv().await, Some("arrived"));
                gate.open();
                assert_eq!(told.recv().await, Some("reset"));
                gate.open();
            };
            let (report, ()) = tokio::join!(take(&served, &list, more), test);
            let outcome = report.text().lines().nth(4).unwrap_or_default().to_owned();
            let expected = match end[0] {
                "drop-outgoing" => "wait: error FetchError::RequestBody(BodyError::Closed)",
                "finish" => "wait: error FetchError::RequestBody(BodyError::Incomplete)",
                _ => "write-on: BodyError::Closed, then Err(BodyError::Closed)",
            };
            assert_eq!(outcome, expected);
        }
        // Nothing else of the connection was touched.
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn an_early_answer_ends_the_writing() {
    run(async {
        let server = Server::script(|mut stream| async move {
            let mut body = stream.begin();
            // What is unread of a stream that was answered is reset with NO_ERROR.
            body.send_data(Bytes::from("enough"), true).unwrap();
        })
        .await;
        let served = serve_raw("http2-early").await;
        let begin = format!("stream:{}", server.url("/"));
        for _ in 0..10 {
            let report = take(&served, &[&begin, "write-on", "wait:0", "read:0"], "").await;
            let both = "BodyError::Unwanted, then Err(BodyError::Unwanted)";
            assert_eq!(report.line("write-on: "), both);
            assert_eq!(report.line("wait: "), "status 200");
            assert_eq!(report.line("read: "), "enough end ");
        }
    });
}

#[test]
fn an_upload_against_a_server_that_answers_while_it_reads() {
    run(async {
        let server = Server::script(|mut stream| async move {
            let mut send = stream.begin();
            while let Some(Ok(bytes)) = piece(&mut stream.body).await {
                let mut left = bytes;
                while !left.is_empty() {
                    send.reserve_capacity(left.len());
                    let room = std::future::poll_fn(|context| send.poll_capacity(context)).await;
                    let Some(Ok(room)) = room else { return };
                    let now = left.split_to(room.min(left.len()));
                    let _ = send.send_data(now, false);
                }
            }
            let _ = send.send_data(Bytes::new(), true);
        })
        .await;
        let served = serve_raw("http2-echo").await;
        let begin = format!("stream:{}", server.url("/"));
        let report = take(&served, &[&begin, "write-all:5000000"], "").await;
        assert_eq!(report.line("write-all: "), "Ok(5000000)");
    });
}

#[test]
fn dropping_the_answer_before_its_end_resets_the_stream() {
    run(async {
        let (tell, mut told) = mpsc::unbounded_channel();
        let server = Server::script(move |mut stream| {
            let tell = tell.clone();
            async move {
                let mut body = stream.begin();
                body.send_data(Bytes::from("abc"), false).unwrap();
                let (_, error) = read(&mut stream.body).await;
                let _ = tell.send(error.is_some_and(|error| error.is_reset()));
            }
        })
        .await;
        let served = serve_raw("http2-drops").await;
        let begin = format!("stream:{}", server.url("/"));
        let list = [&*begin, "write:3", "wait:0", "drop-incoming:0", "write-on"];
        let report = take(&served, &list, "").await;
        assert!(report.line("write-on: ").starts_with("BodyError::Unwanted"));
        assert!(told.recv().await.unwrap());
    });
}

#[test]
fn parallel_fetches_share_a_connection() {
    run(async {
        let arrived = Arc::new(watch::channel(0).0);
        let count = arrived.clone();
        let server = Server::script(move |stream| {
            let arrived = count.clone();
            async move {
                // Answers none of them before all are there.
                if stream.head.uri().path() == "/together" {
                    arrived.send_modify(|n| *n += 1);
                    let mut all = arrived.subscribe();
                    all.wait_for(|n| *n == 10).await.unwrap();
                }
                stream.answer("");
            }
        })
        .await;
        let served = serve_raw("http2-shared").await;
        assert_eq!(
            fetch(&served, &server.url("/"), "").await.line("status "),
            "200"
        );
        let url = format!("url={}&", q(&server.url("/together")));
        let report = served.get(&format!("/many?{}", url.repeat(10))).await;
        assert_eq!(report.text(), "status 200\n".repeat(10));
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn a_connection_that_goes_away_is_followed_by_another() {
    run(async {
        let server = Server::closing(2, |stream| async move {
            stream.answer("");
        })
        .await;
        let served = serve_raw("http2-goaway").await;
        // Which requests a connection still takes while it goes is the server's to say.
        for _ in 0..6 {
            let report = fetch(&served, &server.url("/"), "&method=POST&bytes=b").await;
            assert_eq!(report.line("status "), "200", "{}", report.text());
        }
        assert!(server.connections() > 1);
    });
}

#[test]
fn a_request_that_a_server_refuses_unseen_is_sent_again() {
    run(async {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        let server = Server::script(move |mut stream| {
            let n = counted.fetch_add(1, SeqCst);
            async move {
                if n.is_multiple_of(2) {
                    stream.respond.send_reset(h2::Reason::REFUSED_STREAM);
                } else {
                    let (body, _) = read(&mut stream.body).await;
                    stream.answer(body);
                }
            }
        })
        .await;
        let served = serve_raw("http2-refused").await;
        for _ in 0..3 {
            let report = fetch(&served, &server.url("/"), "&method=POST&bytes=b").await;
            assert_eq!(report.line("body "), "incoming None b");
        }
        assert_eq!(count.load(SeqCst), 6);
        // A body that is streamed is gone.
        let begin = format!("stream:{}", server.url("/"));
        let report = take(&served, &[&begin, "finish", "wait:0"], "").await;
        assert_eq!(report.line("wait: "), "error FetchError::ConnectionClosed");
    });
}

/// A server that fails each stream in the way that its path says; `/cut` once it is let.
async fn failing(cut: Arc<Notify>) -> Server {
    Server::script(move |mut stream| {
        let cut = cut.clone();
        async move {
            let head = http::Response::builder();
            match stream.head.uri().path() {
                "/reset" => stream.respond.send_reset(h2::Reason::INTERNAL_ERROR),
                "/cut" => {
                    let mut body = stream.begin();
                    body.send_data(Bytes::from("abc"), false).unwrap();
                    cut.notified().await;
                    body.send_reset(h2::Reason::INTERNAL_ERROR);
                }
                "/short" => {
                    let head = head.header("content-length", "5").body(()).unwrap();
                    let mut body = stream.respond.send_response(head, false).unwrap();
                    body.send_data(Bytes::from("abc"), true).unwrap();
                }
                _ => {
                    let head = head.header("x", "y".repeat(600_000)).body(()).unwrap();
                    let _ = stream.respond.send_response(head, true);
                }
            }
        }
    })
    .await
}

#[test]
fn what_a_server_does_to_a_stream_is_told_apart() {
    run(async {
        let cut = Arc::new(Notify::new());
        let server = failing(cut.clone()).await;
        let served = serve_raw("http2-failures").await;
        let report = fetch(&served, &server.url("/reset"), "").await;
        assert_eq!(report.line("error "), "FetchError::ConnectionClosed");
        let report = fetch(&served, &server.url("/short"), "").await;
        assert_eq!(report.line("body error "), "BodyError::Incomplete");
        let report = fetch(&served, &server.url("/large"), "").await;
        let failed = report.line("error ");
        assert!(failed.starts_with("FetchError::Protocol("), "{failed}");
        let send = format!("send:{}", server.url("/cut"));
        let list = [&*send, "wait:0", "read-once:0", "read:0"];
        let test = async {
            events::message("http2-failures", "read-once: abc").await;
            cut.notify_one();
        };
        let (report, ()) = tokio::join!(take(&served, &list, ""), test);
        assert_eq!(report.line("read: "), " error BodyError::Closed");
    });
}

#[test]
fn a_connection_takes_no_more_requests_than_its_server_does() {
    run(async {
        let end = Arc::new(Notify::new());
        let ended = end.clone();
        let server = Server::taking(1, move |mut stream| {
            let end = end.clone();
            async move {
                if stream.head.uri().path() != "/held" {
                    return stream.answer("b");
                }
                let mut body = stream.begin();
                body.send_data(Bytes::from("a"), false).unwrap();
                end.notified().await;
                body.send_data(Bytes::from("c"), true).unwrap();
            }
        })
        .await;
        let served = serve_raw("http2-one-stream").await;
        let held = format!("send:{}", server.url("/held"));
        let next = format!("send:{}", server.url("/next"));
        let list = [
            &*held,
            "wait:0",
            &next,
            "wait:1",
            "read:1",
            "read-once:0",
            "read:0",
            &next,
            "wait:2",
        ];
        let test = async {
            events::message("http2-one-stream", "read-once: a").await;
            ended.notify_one();
        };
        let (report, ()) = tokio::join!(take(&served, &list, ""), test);
        assert_eq!(report.lines("wait: "), ["status 200"; 3]);
        assert_eq!(report.lines("read: "), ["b end ", "c end "]);
        // The second while the first was taken, and one of the two again.
        assert_eq!(server.connections(), 2);
    });
}

#[test]
fn an_upload_that_goes_on_keeps_its_stream() {
    run(async {
        let server = Server::taking(1, |mut stream| async move {
            let is_early = stream.head.uri().path() == "/early";
            let mut answer = stream.begin();
            answer.send_data(Bytes::from("enough"), true).unwrap();
            if is_early {
                // Held, so that it is not told to stop.
                read(&mut stream.body).await;
            }
        })
        .await;
        let served = serve_raw("http2-goes-on").await;
        let early = format!("stream:{}", server.url("/early"));
        let next = format!("send:{}", server.url("/next"));
        let list = [
            &*early, "write:3", "wait:0", "read:0", &next, "wait:1", "write:3", "finish",
        ];
        let report = take(&served, &list, "").await;
        assert_eq!(report.lines("wait: "), ["status 200"; 2]);
        assert_eq!(report.lines("write: "), ["Ok(3)"; 2]);
        assert_eq!(server.connections(), 2);
    });
}
