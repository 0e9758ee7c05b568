//! Requests to other servers.

use serde_json::json;
use tokio::sync::watch;

use crate::events;
use crate::serving::{app, chunk, json, q, run};
use crate::upstream::{Gate, Upstream, bare, ok, refusing};

#[test]
fn a_response_has_where_it_came_from() {
    run(async {
        let upstream = Upstream::answering(|request| match request.head.start.as_str() {
            "GET /old HTTP/1.1" => bare(302, "location: /new\r\n"),
            _ => ok("abc"),
        })
        .await;
        let served = app("js-fetch").await;
        let (old, new) = (upstream.url("/old"), upstream.url("/new"));
        for (target, redirects) in [(&old, 1), (&new, 0)] {
            let reply = served.get(&format!("/fetch?url={}", q(target))).await;
            let expected = json!({
                "status": 200, "url": new, "redirected": redirects > 0, "type": "default",
                "redirects": redirects, "text": "abc",
            });
            assert_eq!(json(&reply), expected);
        }
        assert_eq!(upstream.requests()[0].head.one("x-from"), "guest");
        let target = format!("/fetch?redirect=manual&url={}", q(&old));
        assert_eq!(
            json(&served.get(&target).await),
            json!({
                "status": 302, "url": old, "redirected": false, "type": "default",
                "redirects": 0, "text": "",
            })
        );
        let target = format!("/fetch?redirect=error&url={}", q(&old));
        assert_eq!(json(&served.get(&target).await)["code"], "redirect");
    });
}

#[test]
fn a_failure_is_a_type_error_with_its_case_as_cause() {
    run(async {
        let served = app("js-fetch-errors").await;
        let silent = Upstream::script(|_| async {}).await;
        let (_socket, port) = refusing();
        // A label of 64 letters is no name's, so that no server is asked.
        let nowhere = format!("http://{}.invalid", "a".repeat(64));
        for (origin, code) in [
            ("http://127.0.0.2".to_owned(), "denied: this origin, or "),
            (format!("http://127.0.0.1:{port}"), "connection-refused: "),
            (silent.url(""), "connection-closed"),
            (nowhere, "dns: aaaa"),
        ] {
            let target = q(&format!("{origin}/secret?key=secret"));
            let told = json(&served.get(&format!("/fetch?url={target}")).await);
            assert_eq!(told["code"], code.split(':').next().unwrap(), "{told}");
            assert_eq!(told["name"], "TypeError");
            assert_eq!(told["cause"], "FetchError");
            let message = told["message"].as_str().unwrap();
            let expected = format!("fetch of {origin} failed: {code}");
            assert!(message.starts_with(&expected), "{message}");
            assert!(!message.contains("secret"), "{message}");
        }
        for target in ["/relative", "ftp://a/"] {
            let told = json(&served.get(&format!("/fetch?url={}", q(target))).await);
            assert_eq!(told["name"], "TypeError", "{target}: {told}");
        }
        // A method that can't be sent, and a body where none may be.
        let told = json(
            &served
                .get("/fetch?method=TRACE&url=http://127.0.0.1/")
                .await,
        );
        assert_eq!(told["message"], "the method \"TRACE\" can't be sent");
        let told = json(&served.get("/fetch?body=x&url=http://127.0.0.1/").await);
        assert_eq!(told["name"], "TypeError", "{told}");
    });
}

#[test]
fn a_request_is_made_of_another() {
    run(async {
        let upstream = Upstream::answering(|request| {
            let names = [
                "x-one",
                "x-two",
                "x-three",
                "content-type",
                "content-length",
            ];
            let fields = names.map(|name| request.head.one(name)).join("|");
            ok(&format!(
                "{} {fields} {}",
                request.head.start,
                request.text()
            ))
        })
        .await;
        let served = app("js-made").await;
        let reply = served
            .get(&format!("/made?url={}", q(&upstream.url("/x"))))
            .await;
        assert_eq!(
            json(&reply),
            json!({
                "first": "POST /x HTTP/1.1 |2|||12 of the first",
                "second": "PATCH /x HTTP/1.1 ||3||5 a=b+c",
            })
        );
    });
}

#[test]
fn several_are_answered_in_any_order() {
    run(async {
        let gates = [Gate::new().await, Gate::new().await, Gate::new().await];
        let served = app("js-several").await;
        let urls = gates.iter().map(|gate| format!("&url={}", q(&gate.url())));
        let mut wire = served
            .ask(&format!("/several?x{}", urls.collect::<String>()))
            .await;
        for gate in &gates {
            gate.arrived(1).await;
        }
        for n in [2, 0, 1] {
            gates[n].open();
            events::message("js-several", &format!("done {n}")).await;
        }
        assert_eq!(json(&wire.response().await), json!(["2 ", "0 ", "1 "]));
    });
}

#[test]
fn a_download_is_handed_out_as_it_arrives() {
    run(async {
        let (open, opened) = watch::channel(0);
        let upstream = Upstream::script(move |mut wire| {
            let mut opened = opened.clone();
            async move {
                wire.request().await;
                wire.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                    .await;
                for (n, text) in ["first", "second"].into_iter().enumerate() {
                    wire.send(chunk(text)).await;
                    opened.wait_for(|opened| *opened > n).await.unwrap();
                }
                wire.send("0\r\n\r\n").await;
            }
        })
        .await;
        let served = app("js-download").await;
        let mut wire = served
            .ask(&format!("/download?url={}", q(&upstream.url("/"))))
            .await;
        assert_eq!(wire.head().await.unwrap().one("x-length"), "null");
        assert_eq!(wire.chunk().await.unwrap(), b"FIRST");
        open.send(1).unwrap();
        assert_eq!(wire.chunk().await.unwrap(), b"SECOND");
        open.send(2).unwrap();
        assert_eq!(wire.chunk().await.unwrap(), b"");
    });
}

#[test]
fn a_fetch_goes_on_while_a_reply_streams() {
    run(async {
        let gate = Gate::new().await;
        let served = app("js-busy").await;
        let mut wire = served.ask(&format!("/busy?gate={}", q(&gate.url()))).await;
        assert_eq!(wire.head().await.unwrap().status(), 200);
        // The one beside, and that of the first piece.
        gate.arrived(2).await;
        for _ in 0..4 {
            gate.open();
        }
        for _ in 0..3 {
            assert_eq!(wire.chunk().await.unwrap(), b"200 ");
        }
        assert_eq!(wire.chunk().await.unwrap(), b"");
        events::message("js-busy", "beside").await;
        assert!(events::errors("js-busy").is_empty());
    });
}

#[test]
fn the_fields_of_a_fetched_response_are_immutable() {
    run(async {
        let upstream = Upstream::answering(|_| ok("abc")).await;
        let served = app("js-immutable").await;
        let target = format!("/immutable?url={}", q(&upstream.url("/")));
        assert_eq!(
            json(&served.get(&target).await),
            json!({
                "all": ["TypeError", "TypeError", "TypeError", "TypeError"], "length": "3",
                "is": true, "copied": "3", "copy": "b", "made": ["", false], "text": "abc",
            })
        );
    });
}

#[test]
fn middleware_changes_the_fields_of_a_fetched_response() {
    run(async {
        let upstream = Upstream::answering(|_| ok("abc")).await;
        let served = app("js-changed").await;
        let target = format!("/changed?url={}", q(&upstream.url("/")));
        let reply = served.get(&target).await;
        assert_eq!(reply.head.one("x-by"), upstream.url("/"));
        assert_eq!(reply.head.one("content-length"), "3");
        assert_eq!(reply.text(), "abc");
    });
}

#[test]
fn a_copy_of_a_response_has_its_trailers() {
    run(async {
        let upstream = Upstream::answering(|_| {
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-end\r\n\r\n";
            format!("{head}{}0\r\nx-end: yes\r\n\r\n", chunk("abc")).into_bytes()
        })
        .await;
        let served = app("js-cloned-trailers").await;
        let target = format!("/clonedTrailers?url={}", q(&upstream.url("/")));
        assert_eq!(
            json(&served.get(&target).await),
            json!([null, "yes", "yes"])
        );
    });
}
