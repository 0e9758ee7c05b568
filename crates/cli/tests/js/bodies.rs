//! Bodies: what they are made of decides how they are sent.

use edgewit_manifest::Limits;
use serde_json::json;

use crate::events;
use crate::serving::{END, app, chunk, json, limited, run};
use crate::wire::Message;

/// What tells how a body was sent: by its length, or in chunks.
fn framing(reply: &Message) -> String {
    match reply.head.one("transfer-encoding").as_str() {
        "" => format!("length {}", reply.head.one("content-length")),
        other => other.to_owned(),
    }
}

#[test]
fn what_is_whole_is_sent_with_its_length() {
    run(async {
        let served = app("js-bodies").await;
        let plain = "text/plain;charset=UTF-8";
        let form = "application/x-www-form-urlencoded;charset=UTF-8";
        for (kind, sent, content_type, text) in [
            ("none", "length 0", "", ""),
            ("null", "length 0", "", ""),
            ("empty", "length 0", plain, ""),
            ("text", "length 5", plain, "täxt"),
            ("object", "length 9", plain, "an object"),
            ("json", "length 7", "application/json", "{\"a\":1}"),
            ("bytes", "length 5", "", "bytes"),
            ("buffer", "length 8", "", "a buffer"),
            ("view", "length 4", "", "long"),
            ("blob", "length 6", "text/y", "a blob"),
            ("params", "length 5", form, "a=b+c"),
            ("stream", "chunked", "", "one two"),
            ("blobStream", "chunked", "", "streamed"),
        ] {
            let reply = served.get(&format!("/body?kind={kind}")).await;
            assert_eq!(framing(&reply), sent, "{kind}");
            assert_eq!(reply.head.one("content-type"), content_type, "{kind}");
            assert_eq!((&*reply.text(), reply.complete), (text, true), "{kind}");
        }
        let reply = served.get("/body?kind=nothing").await;
        assert_eq!((reply.status(), &*framing(&reply)), (204, "length "));
        let reply = served.get("/body?kind=status").await;
        assert_eq!((reply.status(), &*reply.text()), (418, "teapot"));
        let reply = served.get("/body?kind=redirect").await;
        let location = reply.head.one("location");
        assert_eq!((reply.status(), &*location), (303, "http://a/b"));
        assert!(events::errors("js-bodies").is_empty());
    });
}

#[test]
fn a_form_is_sent_with_its_length() {
    run(async {
        let served = app("js-form").await;
        let reply = served.get("/body?kind=form").await;
        assert_eq!(framing(&reply), format!("length {}", reply.body.len()));
        let content_type = reply.head.one("content-type");
        let boundary = content_type.strip_prefix("multipart/form-data; boundary=");
        let text = reply.text();
        assert!(
            text.starts_with(&format!("--{}\r\n", boundary.unwrap())),
            "{text}"
        );
        let file =
            "name=\"file\"; filename=\"name.txt\"\r\nContent-Type: text/x\r\n\r\ncontent\r\n";
        assert!(text.contains(file), "{text}");
    });
}

#[test]
fn a_copy_is_sent_as_what_it_was_copied_from() {
    run(async {
        let served = app("js-clone").await;
        for (kind, sent, text) in [
            ("text", "length 5", "täxt"),
            ("json", "length 7", "{\"a\":1}"),
            ("bytes", "length 5", "bytes"),
            ("blob", "length 6", "a blob"),
            ("params", "length 5", "a=b+c"),
            ("stream", "chunked", "one two"),
            ("none", "length 0", ""),
        ] {
            for which in ["copy", "original"] {
                let reply = served
                    .get(&format!("/clone?kind={kind}&send={which}"))
                    .await;
                assert_eq!(framing(&reply), sent, "{which} of {kind}");
                let got = (&*reply.text(), reply.complete);
                assert_eq!(got, (text, true), "{which} of {kind}");
            }
        }
        assert!(events::errors("js-clone").is_empty());
    });
}

#[test]
fn what_can_not_be_sent_is_a_500() {
    run(async {
        let served = app("js-unsent").await;
        for (n, (path, expected)) in [
            ("/error", "Response.error() was returned"),
            (
                "/consumed",
                "the body of the returned Response was used already",
            ),
            (
                "/locked",
                "the body of the returned Response is held by a reader",
            ),
            (
                "/lockedText",
                "the body of the returned Response is held by a reader",
            ),
            (
                "/lockedJson",
                "the body of the returned Response is held by a reader",
            ),
        ]
        .into_iter()
        .enumerate()
        {
            let reply = served.get(path).await;
            assert_eq!((reply.status(), reply.text().as_str()), (500, ""), "{path}");
            events::line("js-unsent", n + 1).await;
            let errors = events::errors("js-unsent");
            assert_eq!(errors.len(), n + 1, "{errors:?}");
            assert!(errors[n].contains(expected), "{path}: {}", errors[n]);
        }
        assert_eq!(
            json(&served.get("/refused").await),
            json!({
                "204 with a body": "TypeError",
                "status 199": "RangeError",
                "status 600": "RangeError",
                "a bad name": "TypeError",
                "a bad value": "TypeError",
                "beyond a byte": "TypeError",
                "GET with a body": "TypeError",
            })
        );
    });
}

#[test]
fn a_request_is_read_once_in_any_way() {
    run(async {
        let served = app("js-read").await;
        for (how, value) in [
            ("arrayBuffer", json!(3)),
            ("blob", json!("application/x-www-form-urlencoded 3")),
            ("bytes", json!(3)),
            ("formData", json!(["a 1"])),
            ("text", json!("a=1")),
        ] {
            for framing in [
                "content-length: 3\r\n\r\na=1",
                "transfer-encoding: chunked\r\n\r\n1\r\na\r\n2\r\n=1\r\n0\r\n\r\n",
            ] {
                let mut wire = served.connect().await;
                wire.send(format!(
                    "POST /read?how={how} HTTP/1.1\r\nhost: a\r\n\
                     content-type: application/x-www-form-urlencoded\r\n{framing}"
                ))
                .await;
                let expected = json!({
                    "before": false, "value": value, "used": true, "again": "TypeError consumed",
                });
                assert_eq!(json(&wire.response().await), expected, "{how}");
            }
        }
        let mut wire = served.post("/read?how=json").await;
        wire.send(chunk("{\"a\":[1]}") + END).await;
        assert_eq!(json(&wire.response().await)["value"], json!({ "a": [1] }));

        let mut wire = served.post("/twice").await;
        wire.send(chunk("one ") + &chunk("two") + END).await;
        assert_eq!(json(&wire.response().await), json!(["one two", "one two"]));
    });
}

/// What came before a body broke off is there for the next call.
#[test]
fn a_request_is_read_in_parts() {
    run(async {
        let limits = Limits {
            request_body_bytes: 6,
            ..Limits::default()
        };
        let served = limited("js-parts", limits).await;
        let mut wire = served
            .post("/parts?length=4&length=1&length=2&length=1")
            .await;
        wire.send(chunk("abc") + &chunk("def") + END).await;
        assert_eq!(json(&wire.response().await), json!(["abcd", "e", "f", ""]));
        let lengths = "length=1&length=9&length=4&length=2&length=1&length=1";
        let mut wire = served.post(&format!("/parts?{lengths}")).await;
        wire.send(chunk("abcdef") + &chunk("g")).await;
        let due = json!(["a", "too-large", "bcde", "too-large", "f", "too-large"]);
        assert_eq!(json(&wire.response().await), due);
    });
}

#[test]
fn field_values_are_bytes() {
    run(async {
        let served = app("js-fields").await;
        let mut wire = served.connect().await;
        wire.send("GET /fields HTTP/1.1\r\nhost: a\r\nx-in: ł\r\n\r\n")
            .await;
        let reply = wire.response().await;
        let bytes = |name: &str| {
            let mut found = reply.head.fields.iter().filter(|(found, _)| found == name);
            found.next().unwrap().1.clone()
        };
        assert_eq!(bytes("x-latin"), b"caf\xe9");
        assert_eq!(bytes("x-utf-8"), "łódź".as_bytes());
        assert_eq!(bytes("x-text"), "ł".as_bytes());
        assert_eq!(reply.head.one("x-units"), "197,130");
        assert_eq!(reply.head.all("set-cookie"), ["a=1", "b=2, c"]);
        assert_eq!(reply.head.one("x-many"), "one, two");
        assert_eq!(reply.head.one("x-cookies"), "2");
    });
}

#[test]
fn trailers_come_and_go() {
    run(async {
        let served = app("js-trailers").await;
        let mut wire = served.post("/trailers").await;
        wire.send(chunk("text") + END).await;
        wire.head().await.unwrap();
        assert_eq!(wire.chunk().await.unwrap(), b"text true yes");
        assert_eq!(wire.chunk().await.unwrap(), b"");
        assert_eq!(wire.trailers().await.unwrap().one("x-length"), "4");
    });
}

#[test]
fn trailers_go_behind_a_body_that_is_handed_on_or_whole() {
    run(async {
        let served = app("js-own-trailers").await;
        for path in ["/ownTrailers", "/ownTrailers?whole"] {
            let mut wire = served.post(path).await;
            wire.send(chunk("text") + END).await;
            wire.head().await.unwrap();
            assert_eq!(wire.chunk().await.unwrap(), b"text");
            assert_eq!(wire.chunk().await.unwrap(), b"");
            assert_eq!(wire.trailers().await.unwrap().all("x-length"), ["own"]);
        }
    });
}
