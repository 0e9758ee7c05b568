//! From a guest's reply to the wire: framing, fields, HEAD, what is refused.

use crate::events;
use crate::support::{q, run, serve_raw};
use crate::wire::{Head, Message};

/// The head of the reply to HEAD, and that the next response follows at once.
async fn head_of(served: &crate::support::Served, target: &str) -> Head {
    let mut wire = served.connect().await;
    let head = format!("HEAD {target} HTTP/1.1\r\nhost: a\r\n\r\n");
    wire.send(head).await;
    let head = wire.head().await.expect("a head");
    wire.send("GET /report HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(wire.response().await.line("method "), "GET");
    head
}

#[test]
fn the_bytes_on_the_wire() {
    run(async {
        let served = serve_raw("exact").await;
        let mut wire = served.connect().await;
        wire.send(
            "GET /reply?status=404&field=X-Mixed-Case:+v+&bytes=abc HTTP/1.1\r\nhost: a\r\n\r\n",
        )
        .await;
        let reply = wire.response().await;
        assert_eq!(reply.head.start, "HTTP/1.1 404 Not Found");
        let mut names: Vec<_> = reply.head.fields.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-length", "date", "x-mixed-case"]);
        assert_eq!(reply.head.one("x-mixed-case"), "v");
        assert_eq!(reply.head.one("content-length"), "3");
        assert_eq!(reply.body, b"abc");
    });
}

#[test]
fn fields_of_one_name_stay_apart_and_bytes_stay_bytes() {
    run(async {
        let served = serve_raw("reply-fields").await;
        let reply = served
            .get("/reply?field=Set-Cookie:a=1&field=x:1&field=set-cookie:b=2&field=x:%FF&bytes=b")
            .await;
        assert_eq!(reply.head.all("set-cookie"), ["a=1", "b=2"]);
        let bytes = reply.head.fields.iter().find(|(_, v)| v == b"\xff");
        assert_eq!(bytes.map(|(name, _)| name.as_str()), Some("x"));
    });
}

#[test]
fn what_is_the_host_s_is_left_out_with_a_debug_line() {
    run(async {
        let served = serve_raw("host-owned").await;
        let reply = served
            .get("/reply?field=Connection:close&field=transfer-encoding:gzip&field=Host:x&field=proxy-x:1\
                  &field=keep-alive:1&field=upgrade:x&field=x:kept&bytes=abc")
            .await;
        let mut names: Vec<_> = reply.head.fields.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-length", "date", "x"]);
        let line = events::message("host-owned", "connection is the host's").await;
        assert_eq!(line.level, tracing::Level::DEBUG);
    });
}

#[test]
fn the_host_counts_bytes_and_nothing() {
    run(async {
        let served = serve_raw("counts").await;
        let length = |reply: &Message| (reply.head.one("content-length"), reply.body.len());
        let reply = served.get("/reply?bytes=abc&field=content-length:7").await;
        assert_eq!(length(&reply), ("3".to_owned(), 3));
        let reply = served.get("/reply?field=content-length:7").await;
        assert_eq!(length(&reply), ("0".to_owned(), 0));
        let reply = served.get("/reply?bytes=").await;
        assert_eq!(length(&reply), ("0".to_owned(), 0));
        let reply = served.get("/reply?status=204&field=content-length:7").await;
        assert_eq!(length(&reply), (String::new(), 0));
        assert!(!reply.head.has("transfer-encoding"));
        let reply = served.get("/reply?status=304&field=content-length:7").await;
        assert_eq!(length(&reply), ("7".to_owned(), 0));
        let reply = served.get("/reply?status=304").await;
        assert_eq!(length(&reply), (String::new(), 0));
        let reply = served.get("/reply?status=205").await;
        assert_eq!(length(&reply), ("0".to_owned(), 0));
    });
}

#[test]
fn a_reply_to_head_is_a_head() {
    run(async {
        let served = serve_raw("head").await;
        let head = head_of(&served, "/reply?bytes=abc").await;
        assert_eq!(head.one("content-length"), "3");
        let head = head_of(&served, "/reply?field=content-length:7").await;
        assert_eq!(head.one("content-length"), "7");
        let head = head_of(&served, "/reply").await;
        assert!(!head.has("content-length"), "{head:?}");
        let head = head_of(&served, "/source?pieces=3&field=content-length:3").await;
        assert_eq!(head.one("content-length"), "3");
        events::message("head", "source dropped").await;
        let head = head_of(&served, "/source?pieces=3").await;
        assert!(!head.has("content-length"), "{head:?}");
        events::wait("head", |event| event.message() == "after-reply Ok(())").await;
    });
}

#[test]
fn an_invalid_reply_is_a_failed_handler() {
    run(async {
        let served = serve_raw("invalid-reply").await;
        for (target, why) in [
            ("/reply?status=199", "status 199; 200 to 599 is due"),
            ("/reply?status=600", "status 600; 200 to 599 is due"),
            ("/reply?status=0", "status 0; 200 to 599 is due"),
            ("/reply?status=204&bytes=a", "a body with status 204"),
            ("/reply?status=205&bytes=a", "a body with status 205"),
            ("/reply?status=304&bytes=a", "a body with status 304"),
            ("/source?status=204&pieces=0", "a body with status 204"),
            ("/reply?field=a%20b:c", "field name \"a b\" is not a token"),
            ("/reply?field=a:b%0Ac", "field a holds a control character"),
            ("/reply?field=b:c%0A", "field b holds a control character"),
            ("/reply?field=c:%0D", "field c holds a control character"),
            (
                "/source?pieces=1&field=content-length:x",
                "content-length \"x\" is not one decimal number",
            ),
        ] {
            let reply = served.get(target).await;
            assert_eq!(
                (reply.status(), reply.text().as_str()),
                (500, ""),
                "{target}"
            );
            let line = events::message("invalid-reply", why).await;
            assert!(
                line.message()
                    .starts_with("handler failed: invalid reply: "),
                "{line:?}"
            );
        }
        // It returned, so that it hears how the reply went.
        events::message("invalid-reply", "after-reply Ok(())").await;
        let reply = served.get("/reply?status=599&bytes=end").await;
        assert_eq!((reply.status(), reply.text().as_str()), (599, "end"));
    });
}

#[test]
fn the_source_of_an_invalid_reply_goes_before_after_reply() {
    run(async {
        for (app, target) in [
            ("invalid-status", "/source?status=199&pieces=1"),
            ("invalid-length", "/source?field=content-length:x&pieces=1"),
        ] {
            let served = serve_raw(app).await;
            assert_eq!(served.get(target).await.status(), 500);
            events::message(app, "after-reply").await;
            let guest = |event: &events::Logged| event.target == "edgewit::guest";
            let said = events::of(app).into_iter().filter(guest);
            let said: Vec<String> = said.map(|event| event.message().to_owned()).collect();
            assert_eq!(said, ["source dropped", "after-reply Ok(())"]);
        }
    });
}

#[test]
fn a_handler_that_fails_is_an_empty_500_and_its_text_in_the_log() {
    run(async {
        let served = serve_raw("handler-error").await;
        let text = "outer: middle: secret cause";
        let reply = served.get(&format!("/error?text={}", q(text))).await;
        assert_eq!((reply.status(), reply.text().as_str()), (500, ""));
        assert_eq!(reply.head.one("content-length"), "0");
        events::message("handler-error", "after-reply Ok(())").await;
        let said = format!("handler failed: {text}");
        assert_eq!(events::errors("handler-error"), [said]);
        let line = events::line("handler-error", 1).await;
        assert_eq!(line.field("status"), "500");
    });
}

#[test]
fn a_request_is_one_line() {
    run(async {
        let served = serve_raw("one-line").await;
        served.get("/reply?status=201&bytes=abcde").await;
        let line = events::line("one-line", 1).await;
        assert_eq!(line.level, tracing::Level::INFO);
        assert_eq!(line.field("method"), "GET");
        assert_eq!(line.field("path"), "/reply");
        assert_eq!(line.field("status"), "201");
        assert_eq!(line.field("bytes"), "5");
        assert_eq!(line.message(), "GET /reply 201");
        assert!(!line.fields.contains_key("ended"));
        let number = |name: &str| line.field(name).parse::<u64>().unwrap();
        assert!(number("guest_us") > 0);
        assert!(number("wall_us") >= number("guest_us"));
        assert!(!line.field("request").is_empty());
        let after = events::message("one-line", "after-reply").await;
        assert_eq!(after.field("request"), line.field("request"));
    });
}

#[test]
fn after_reply_runs_behind_the_reply() {
    run(async {
        let gate = crate::upstream::Gate::new().await;
        let served = serve_raw("after").await;
        let target = format!("/reply?bytes=abc&after={}", q(&q(&gate.url())));
        assert_eq!(served.get(&target).await.text(), "abc");
        gate.arrived(1).await;
        let logged = |event: &events::Logged| event.message().contains("after-reply");
        assert!(!events::of("after").iter().any(logged));
        gate.open();
        events::message("after", "after-reply Ok(())").await;
    });
}
