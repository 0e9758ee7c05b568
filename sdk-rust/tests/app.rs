//! What an application can do, called in process.

use std::fmt;
use std::time::Duration;

use edgewit::http::header::SET_COOKIE;
use edgewit::http::{HeaderMap, StatusCode};
use edgewit::kv::{Condition, SetOptions};
use edgewit::test::{on_fetch, take_log};
use edgewit::{
    App, Body, BodyError, Error, FetchError, HeadersExt, MessageExt, Request, Response, fetch, kv,
};
use serde::Deserialize;

fn post(path: &str, body: impl Into<Body>) -> Request {
    let mut request = Request::new(body.into());
    *request.method_mut() = edgewit::http::Method::POST;
    *request.uri_mut() = path.parse().unwrap();
    request
}

/// A body of which each piece is a chunk.
fn pieces(pieces: &[&'static str]) -> Body {
    let pieces: Vec<_> = pieces.iter().map(|piece| Ok(*piece)).collect();
    Body::stream(pieces)
}

#[test]
fn a_body_is_read_once() {
    for body in [Body::from("text"), pieces(&["te", "", "xt"])] {
        assert_eq!(body.text().unwrap(), "text");
        assert!(matches!(body.bytes(), Err(Error::Consumed)));
        assert!(matches!(body.read(), Err(Error::Consumed)));
    }
    let body = pieces(&["te", "", "xt"]);
    assert_eq!(body.read().unwrap().unwrap(), "te");
    assert!(matches!(body.text(), Err(Error::Consumed)));
    assert_eq!(body.read().unwrap().unwrap(), "xt");
    assert!(body.trailers().is_none());
    assert!(body.read().unwrap().is_none());
    assert!(body.read().unwrap().is_none());
    assert_eq!(body.trailers(), Some(HeaderMap::new()));

    let taken = Body::from("text");
    assert_eq!(taken.take().text().unwrap(), "text");
    assert!(matches!(taken.text(), Err(Error::Consumed)));

    let none = Body::empty();
    assert_eq!(none.text().unwrap(), "");
    assert_eq!(none.text().unwrap(), "");
}

#[test]
fn a_body_is_told_by_its_beginning_and_handed_on_from_there() {
    let made = || pieces(&["ab", "", "cdef", "gh"]);
    for body in [Body::from("abcdefgh"), made()] {
        assert_eq!(body.read_exactly(0).unwrap(), "");
        assert_eq!(body.read_exactly(3).unwrap(), "abc");
        assert_eq!(body.length(), None);
        assert_eq!(body.read_exactly(1).unwrap(), "d");
        assert!(matches!(body.bytes(), Err(Error::Consumed)));
        assert!(body.trailers().is_none());
        let app = App::new().post("/", |c| Ok(Response::new(c.take_body())));
        assert_eq!(app.handle(post("/", body)).text().unwrap(), "efgh");
    }
    let body = made();
    assert_eq!(body.read_exactly(5).unwrap(), "abcde");
    assert_eq!(body.read().unwrap().unwrap(), "f");
    assert_eq!(body.read_exactly(9).unwrap(), "gh");
    assert_eq!(body.read_exactly(9).unwrap(), "");
    assert_eq!(body.trailers(), Some(HeaderMap::new()));
    let failing = Body::stream([Ok("ab"), Err(BodyError::Closed)]);
    for _ in 0..2 {
        let error = failing.read_exactly(3);
        assert!(matches!(error, Err(Error::Body(BodyError::Closed))));
    }
}

#[test]
fn a_body_that_breaks_off_says_so_ever_after() {
    let chunks = [Ok("a"), Err(BodyError::Incomplete)];
    let body = Body::stream(chunks.clone());
    assert_eq!(body.read().unwrap().unwrap(), "a");
    for _ in 0..2 {
        let error = body.read().unwrap_err();
        assert!(matches!(error, Error::Body(BodyError::Incomplete)));
    }
    let error = Body::stream(chunks).bytes().unwrap_err();
    assert_eq!(error.chain(), "body: incomplete");
}

#[test]
fn text_is_decoded_as_the_encoding_standard_says() {
    let text = |bytes: &'static [u8]| Body::from(bytes).text().unwrap();
    assert_eq!(text(b"\xef\xbb\xbfa"), "a");
    assert_eq!(text(b"\xef\xbb\xbf\xef\xbb\xbfa"), "\u{feff}a");
    assert_eq!(text(b"a\xf0\x9f\x98b\xff"), "a\u{fffd}b\u{fffd}");
}

#[test]
fn json_is_strict_but_for_the_mark() {
    #[derive(Deserialize, Debug, PartialEq)]
    struct Point {
        x: u64,
    }
    let json = |bytes: &'static [u8]| Body::from(bytes).json::<Point>();
    assert_eq!(
        json(b"\xef\xbb\xbf{\"x\":9007199254740993}").unwrap(),
        Point {
            x: 9_007_199_254_740_993
        }
    );
    for bad in [&b""[..], b"{\"x\":1} 2", b"{\"x\":\xff}", b"[]"] {
        assert!(matches!(json(bad), Err(Error::Json(_))), "{bad:?}");
    }
}

#[test]
fn replies_carry_their_type() {
    let app = App::new()
        .get("/text", |c| Ok(c.text("é")))
        .post("/echo", |c| Ok(c.text(c.body().text()?)))
        .get("/json", |c| c.json(&[f64::NAN, 1.5]));
    let reply = app.request("/text");
    assert_eq!(reply.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(reply.text().unwrap(), "é");
    assert_eq!(app.handle(post("/echo", "a")).text().unwrap(), "a");
    let reply = app.request("/json");
    assert_eq!(reply.headers()["content-type"], "application/json");
    assert_eq!(reply.text().unwrap(), "[null,1.5]");
}

#[test]
fn a_handler_that_fails_is_an_empty_500_and_one_line() {
    #[derive(Debug)]
    struct Layer(&'static str, Option<Box<Layer>>);
    impl fmt::Display for Layer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }
    impl std::error::Error for Layer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(self.1.as_deref()?)
        }
    }
    let app = App::new()
        .get("/own", |_| {
            let layers = ["disk", "file", "page"].into_iter();
            let outer = layers.fold(None, |inner, name| Some(Box::new(Layer(name, inner))));
            Err(Error::app(outer.unwrap()))
        })
        .get("/status", |_| {
            let mut reply = Response::new(Body::empty());
            *reply.status_mut() = StatusCode::from_u16(199)?;
            Ok(reply)
        })
        .get("/body", |_| {
            let mut reply = Response::new(Body::from("x"));
            *reply.status_mut() = StatusCode::NO_CONTENT;
            Ok(reply)
        })
        .get("/consumed", |_| {
            let body = Body::from("x");
            body.bytes()?;
            Ok(Response::new(body))
        })
        .get("/field", |_| {
            Ok(edgewit::http::Response::builder()
                .header("x", "a\nb")
                .body(Body::empty())?)
        });
    for (path, line) in [
        ("/own", "page: file: disk"),
        ("/status", "invalid status: 199 is not 200 to 599"),
        ("/body", "invalid status: 204 has no body"),
        ("/consumed", "the body was read already"),
        (
            "/field",
            "invalid field value: failed to parse header value",
        ),
    ] {
        let reply = app.request(path);
        assert_eq!(reply.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(reply.text().unwrap(), "");
        let log = take_log();
        assert_eq!(log.len(), 1, "{log:?}");
        assert_eq!(log[0].message, line);
        assert_eq!(log[0].level, edgewit::log::Level::Error);
    }
}

#[test]
fn a_line_has_its_fields_in_order() {
    take_log();
    edgewit::log::info!(target: "shop", user = "ada", items = 2; "bought {}", "tea");
    edgewit::log::info!("plain");
    let log = take_log();
    assert_eq!((&*log[0].target, &*log[0].message), ("shop", "bought tea"));
    let fields = [("user", "ada"), ("items", "2")].map(|(name, value)| (name.into(), value.into()));
    assert_eq!(log[0].fields, fields);
    assert_eq!(log[1].fields, []);
}

#[test]
#[should_panic(expected = "out of tea")]
fn an_abort_ends_the_request() {
    App::new()
        .get("/", |_| edgewit::abort("out of tea"))
        .request("/");
}

#[test]
fn the_context_knows_the_request() {
    let app = App::new().post("/q", |c| {
        let pairs: Vec<_> = c.query_pairs().collect();
        assert_eq!(
            pairs,
            [("a".into(), "1 2".into()), ("a".into(), "é".into())]
        );
        assert_eq!(c.query("a").as_deref(), Some("1 2"));
        assert_eq!(c.query("b"), None);
        assert_eq!(c.client(), Some([127, 0, 0, 1].into()));
        assert!(!c.request_id().is_empty());
        assert_eq!(c.uri(), "http://localhost/q?a=1+2&a=%C3%A9");
        let request = c.take_request();
        assert_eq!(c.uri(), request.uri());
        assert_eq!(c.request().method(), "POST");
        assert!(matches!(c.body().text(), Err(Error::Consumed)));
        Ok(Response::new(request.into_body()))
    });
    let reply = app.handle(post("/q?a=1+2&a=%C3%A9", "in and out"));
    assert_eq!(reply.text().unwrap(), "in and out");
}

#[test]
fn fields_of_one_name_stay_apart_and_in_order() {
    let mut headers = HeaderMap::new();
    headers.append(SET_COOKIE, "a=1".parse().unwrap());
    headers.append(SET_COOKIE, "b=2".parse().unwrap());
    let bytes = edgewit::http::HeaderValue::from_bytes(b"\xc3\xa9\xff").unwrap();
    headers.insert("x-bytes", bytes);
    assert_eq!(headers.get_all(SET_COOKIE).iter().count(), 2);
    assert_eq!(headers.text("Set-Cookie").as_deref(), Some("a=1"));
    assert_eq!(headers.text("x-bytes").as_deref(), Some("é\u{fffd}"));
    assert_eq!(headers.text("x-none"), None);
}

/// What crosses to a host and back as in a component: fields that belong to the connection and extensions do not.
#[test]
fn messages_cross_as_in_a_component() {
    #[derive(Clone)]
    struct Mark;

    on_fetch(|request| {
        let names: Vec<_> = request.headers().keys().map(|name| name.as_str()).collect();
        let built = edgewit::http::Response::builder().header("connection", "close");
        let mut response = built.body(names.join(" ").into()).unwrap();
        response.extensions_mut().insert(Mark);
        Ok(response)
    });
    let app = App::new().get("/", |c| {
        let fields: Vec<_> = c.request().headers().iter().collect();
        let seen: Vec<_> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        assert_eq!(seen, [("cookie", "a=1; b=2"), ("x-stays", "1")]);
        assert!(c.request().extensions().get::<Mark>().is_none());
        assert_eq!(c.attributes()[0].1, "1.1");
        let request = edgewit::http::Request::get("https://example.com/a")
            .header("x-asked", "1")
            .header("te", "trailers");
        let fetched = fetch(request.body(Body::empty())?)?;
        let origin: &fetch::Origin = fetched.extensions().get().unwrap();
        assert_eq!(origin.uri, "https://example.com/a");
        assert!(fetched.headers().is_empty() && fetched.extensions().get::<Mark>().is_none());
        assert_eq!(fetched.text()?, "x-asked");
        let mut reply = edgewit::http::Response::builder()
            .header("keep-alive", "5")
            .header("x-replied", "1")
            .body(Body::empty())?;
        reply.extensions_mut().insert(Mark);
        Ok(reply)
    });
    let request = edgewit::http::Request::get("/")
        .header("host", "example.com")
        .header("connection", "x-hop, close")
        .header("x-hop", "1")
        .header("proxy-authorization", "x")
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .header("x-stays", "1")
        .extension(Mark);
    let reply = app.handle(request.body(Body::empty()).unwrap());
    assert_eq!((reply.status().as_u16(), take_log()), (200, vec![]));
    let names: Vec<_> = reply.headers().keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["x-replied"]);
    assert!(reply.extensions().get::<Mark>().is_none());
}

#[test]
fn fetch_is_denied_until_a_test_answers_it() {
    let get = |uri: &str| {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = uri.parse().unwrap();
        request
    };
    let denied = fetch(get("https://example.com/")).unwrap_err();
    assert!(matches!(denied, Error::Fetch(FetchError::Denied)));

    on_fetch(|request| {
        let text = format!("{} {}", request.method(), request.uri());
        Ok(Response::new(text.into()))
    });
    let reply = fetch(get("https://example.com/a?b")).unwrap();
    assert_eq!(reply.text().unwrap(), "GET https://example.com/a?b");

    let read = post("https://example.com/", "x");
    read.bytes().unwrap();
    assert!(matches!(fetch(read), Err(Error::Consumed)));
    let streamed = fetch(post("https://example.com/", pieces(&["x"])));
    assert_eq!(streamed.unwrap().status(), StatusCode::OK);
}

#[test]
fn a_store_does_as_a_host_does() {
    let store = kv::open("things").unwrap();
    assert_eq!(store.get("a").unwrap(), None);
    let first = store.set("a", "1").unwrap();
    let entry = store.get("a").unwrap().unwrap();
    assert_eq!((entry.text().as_ref(), entry.version), ("1", first));
    assert_eq!(entry.json::<u8>().unwrap(), 1);
    assert_eq!(entry.expires_in, None);

    let absent = SetOptions {
        condition: Condition::IfAbsent,
        ..SetOptions::default()
    };
    assert_eq!(store.set_with("a", "2", absent), Err(kv::Error::Conflict));
    let versioned = SetOptions {
        condition: Condition::IfVersion(first),
        ttl: Some(Duration::from_secs(60)),
        metadata: b"m".to_vec(),
    };
    assert!(store.set_with("a", "2", versioned.clone()).unwrap() > first);
    assert_eq!(
        store.set_with("a", "3", versioned),
        Err(kv::Error::Conflict)
    );
    let entry = store.get("a").unwrap().unwrap();
    assert_eq!(entry.metadata, b"m");
    assert!(entry.expires_in.unwrap() > Duration::from_secs(50));

    assert_eq!(store.increment("n", 5).unwrap(), 5);
    assert_eq!(store.increment("n", i64::MAX), Err(kv::Error::Overflow));
    assert_eq!(store.increment("n", -6).unwrap(), -1);
    for not in ["", "+1", "01", "-0", "1.0", "9223372036854775808"] {
        store.set("x", not).unwrap();
        assert_eq!(store.increment("x", 1), Err(kv::Error::NotANumber), "{not}");
    }

    let many = store.get_many(&["n", "none", "a"]).unwrap();
    let values = many.iter().map(|entry| entry.as_ref().map(kv::Entry::text));
    assert!(values.eq([Some("-1".into()), None, Some("2".into())]));
    assert!(store.exists("a").unwrap());
    assert!(store.delete("a").unwrap());
    assert!(!store.delete("a").unwrap());
    assert!(!store.exists("a").unwrap());
    assert!(matches!(store.get(""), Err(kv::Error::InvalidKey(_))));
    assert!(matches!(store.get("\n"), Err(kv::Error::InvalidKey(_))));
}

#[test]
fn keys_come_in_pages_in_the_order_of_their_bytes() {
    let store = kv::open("things").unwrap();
    for key in ["a:é", "a:b", "b:a", "a:z", "a:a"] {
        store.set(key, "").unwrap();
    }
    let page = store.keys("a:", None, 3).unwrap();
    assert_eq!(page.keys, ["a:a", "a:b", "a:z"]);
    let cursor = page.cursor.unwrap();
    store.delete("a:z").unwrap();
    let page = store.keys("a:", Some(&cursor), 3).unwrap();
    assert_eq!((page.keys, page.cursor), (vec!["a:é".to_owned()], None));
    assert!(matches!(
        store.keys("", None, 0),
        Err(kv::Error::InvalidArgument(_))
    ));
}

#[test]
fn a_lifetime_ends() {
    let store = kv::open("things").unwrap();
    let moment = Duration::from_nanos(1);
    store.increment_with_ttl("short", 1, moment).unwrap();
    edgewit::time::sleep(Duration::from_millis(1));
    assert_eq!(store.get("short").unwrap(), None);
    assert!(matches!(
        store.increment_with_ttl("short", 1, Duration::ZERO),
        Err(kv::Error::InvalidArgument(_))
    ));
}

#[test]
fn random_bytes() {
    let mut long = vec![0; 100_000];
    edgewit::random::fill(&mut long);
    assert!(long[99_000..].iter().any(|byte| *byte != 0));
    assert_ne!(edgewit::random::bytes::<16>(), edgewit::random::bytes());
}

#[test]
fn trailers_follow_the_last_byte() {
    let trailers = |name: &str| {
        let name: edgewit::http::HeaderName = name.parse().unwrap();
        HeaderMap::from_iter([(name, "end".parse().unwrap())])
    };
    for body in [Body::from("text"), pieces(&["te", "", "xt"])] {
        let inner = body.with_trailers(move || Ok(trailers("x-inner")));
        let body = inner.with_trailers(move || Ok(trailers("x-outer")));
        assert_eq!(body.length(), None);
        let mut text = Vec::new();
        while let Some(chunk) = body.read().unwrap() {
            assert!(body.trailers().is_none());
            text.extend(chunk);
        }
        assert_eq!(text, b"text");
        let all = body.trailers().unwrap();
        assert_eq!(
            (&all["x-inner"], &all["x-outer"]),
            (&all["x-outer"], &all["x-inner"])
        );
    }
    let none = Body::empty().with_trailers(move || Ok(trailers("x")));
    assert!(none.read().unwrap().is_none());
    assert_eq!(none.trailers().unwrap().len(), 1);
    let whole = Body::from("text").with_trailers(move || Ok(trailers("x")));
    assert_eq!(whole.text().unwrap(), "text");
    assert_eq!(whole.trailers().unwrap().len(), 1);
    assert!(whole.take().trailers().is_some());
    assert!(whole.trailers().is_none());
    assert_eq!(Body::empty().trailers(), Some(HeaderMap::new()));
    let failing = Body::from("text").with_trailers(|| Err(BodyError::Incomplete));
    assert!(matches!(
        failing.bytes(),
        Err(Error::Body(BodyError::Incomplete))
    ));
}

#[test]
fn a_body_is_an_iterator_of_chunks_up_to_its_error() {
    let chunks: Vec<_> = pieces(&["a", "", "b"]).into_iter().collect();
    assert_eq!(chunks, [Ok("a".into()), Ok("b".into())]);
    let broken = Body::stream([Ok("a"), Err(BodyError::Closed)]);
    let chunks: Vec<_> = broken.into_iter().collect();
    assert_eq!(chunks, [Ok("a".into()), Err(BodyError::Closed)]);
    let read = Body::from("a");
    read.bytes().unwrap();
    let text = "the body was read already".to_owned();
    assert!(read.into_iter().eq([Err(BodyError::Other(text))]));
}
