//! Requests under way, uploads and work after the reply, against the server of a test.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;
use std::time::Duration;

use edgewit::fetch::{self, Options, Redirect, Timeouts};
use edgewit::http::{HeaderMap, Request as Builder};
use edgewit::poll::{Pollable, select};
use edgewit::test::{late, on_fetch, take_log};
use edgewit::time::{Instant, Timer};
use edgewit::{App, Body, BodyError, Error, FetchError, MessageExt, Request, Response};

const SECOND: Duration = Duration::from_secs(1);

fn get(path: &str) -> Request {
    let uri = format!("https://example.com{path}");
    Builder::get(uri).body(Body::empty()).unwrap()
}

fn post(body: impl Into<Body>) -> Request {
    Builder::post("https://example.com/")
        .body(body.into())
        .unwrap()
}

fn echo() {
    on_fetch(|request| Ok(Response::new(request.into_body())));
}

#[test]
fn the_first_of_several_answers_is_told() {
    on_fetch(|request| {
        let path = request.uri().path()[1..].to_owned();
        let after = Duration::from_secs(path.parse().unwrap());
        Ok(late(Response::new(path.into()), after))
    });
    let start = Instant::now();
    let (slow, quick) = (
        fetch::send(get("/9")).unwrap(),
        fetch::send(get("/3")).unwrap(),
    );
    let timer = Timer::after(2 * SECOND);
    assert_eq!(select(&[&slow, &quick, &timer]), [2]);
    assert_eq!(select(&[&slow, &quick]), [1]);
    assert!(quick.is_ready() && !slow.is_ready());
    assert_eq!(quick.wait().unwrap().text().unwrap(), "3");
    assert!(start.elapsed() < 9 * SECOND);
    assert_eq!(slow.wait().unwrap().text().unwrap(), "9");
    assert!(start.elapsed() >= 9 * SECOND);
}

#[test]
fn timeouts_are_met_as_a_host_would() {
    on_fetch(|_| Ok(late(Response::default(), Duration::MAX)));
    for (timeouts, expected) in [
        (
            Timeouts {
                total: Some(SECOND),
                first_byte: Some(2 * SECOND),
                ..Timeouts::default()
            },
            FetchError::Deadline,
        ),
        (
            Timeouts {
                total: Some(2 * SECOND),
                first_byte: Some(SECOND),
                ..Timeouts::default()
            },
            FetchError::FirstByteTimeout,
        ),
    ] {
        let options = Options {
            timeouts,
            redirect: Redirect::Error,
            ..Options::default()
        };
        let start = Instant::now();
        let Err(Error::Fetch(error)) = fetch::with_options(get("/"), &options) else {
            panic!();
        };
        assert_eq!(error, expected);
        assert!(start.elapsed() >= SECOND && start.elapsed() < 2 * SECOND);
    }
}

#[test]
fn without_a_server_nothing_is_sent() {
    let denied = |error| matches!(error, Error::Fetch(FetchError::Denied));
    assert!(denied(fetch::send(get("/")).unwrap_err()));
    assert!(denied(
        fetch::send(post(Body::stream([Ok("x")]))).unwrap_err()
    ));
    assert!(denied(fetch::upload(post(())).unwrap_err()));
}

#[test]
fn an_upload_is_written_piece_by_piece() {
    echo();
    let (mut upload, pending) = fetch::upload(post(())).unwrap();
    assert!(upload.is_ready() && !pending.is_ready());
    assert_eq!(upload.write(&[]), Ok(0));
    let long = vec![b'x'; 100_000];
    assert_eq!(upload.write(&long), Ok(65536));
    upload.write_all(&long[65536..]).unwrap();
    write!(upload, "end{}", 1).unwrap();
    let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), 1.into())]);
    upload.finish_with(trailers.clone()).unwrap();
    assert!(pending.is_ready());
    let body = pending.wait().unwrap().into_body();
    let mut bytes = Vec::new();
    while let Some(chunk) = body.read().unwrap() {
        bytes.extend(chunk);
    }
    assert_eq!(bytes.len(), 100_004);
    assert_eq!(body.trailers(), Some(trailers));
}

#[test]
fn an_upload_that_ends_early_is_the_request_s_error() {
    echo();
    let broken = |result: Result<Response, Error>| match result {
        Err(Error::Fetch(FetchError::RequestBody(error))) => error,
        other => panic!("{other:?}"),
    };
    let (upload, pending) = fetch::upload(post(())).unwrap();
    drop(upload);
    assert_eq!(broken(pending.wait()), BodyError::Closed);

    let mut promising = post(());
    promising.headers_mut().insert("content-length", 3.into());
    let (mut upload, pending) = fetch::upload(promising).unwrap();
    upload.write_all(b"x").unwrap();
    assert_eq!(upload.finish(), Err(BodyError::Incomplete));
    assert_eq!(broken(pending.wait()), BodyError::Incomplete);

    let (mut upload, pending) = fetch::upload(post(())).unwrap();
    drop(pending);
    assert_eq!(upload.write(b"x"), Err(BodyError::Closed));
    let error = Write::write(&mut upload, b"x").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);

    let chunks = [Ok("a"), Err(BodyError::Other("lost".into()))];
    let error = broken(edgewit::fetch(post(Body::stream(chunks))));
    assert_eq!(error, BodyError::Other("lost".into()));

    let Err(Error::Fetch(FetchError::InvalidRequest(_))) = fetch::upload(post("x")) else {
        panic!();
    };
}

#[test]
#[should_panic(expected = "finish the upload before waiting")]
fn an_answer_to_half_an_upload_is_not_to_be_had() {
    echo();
    let (_upload, pending) = fetch::upload(post(())).unwrap();
    let _ = pending.wait();
}

#[test]
fn a_streamed_body_is_sent_with_its_trailers() {
    echo();
    let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), 2.into())]);
    let sent = trailers.clone();
    let body = Body::stream(["a", "b"].map(Ok)).with_trailers(|| Ok(sent));
    let pending = fetch::send(post(body)).unwrap();
    assert_eq!(select(&[&pending]), [0]);
    let body = pending.wait().unwrap().into_body();
    assert_eq!(body.read().unwrap().unwrap(), "a");
    assert_eq!(body.read().unwrap().unwrap(), "b");
    assert!(body.read().unwrap().is_none());
    assert_eq!(body.trailers(), Some(trailers));
}

#[test]
fn work_left_over_runs_after_the_reply_in_order() {
    let done = Rc::new(RefCell::new(Vec::new()));
    let seen = done.clone();
    let app = App::new().all("/:kind", move |c| {
        let (first, second) = (seen.clone(), seen.clone());
        c.wait_until(move || {
            first.borrow_mut().push("first".to_owned());
            Err(Error::Body(BodyError::Timeout))
        });
        c.after_reply(move |sent| {
            second.borrow_mut().push(format!("{sent:?}"));
            Ok(())
        });
        assert!(seen.borrow().is_empty());
        match c.param("kind") {
            "stream" => Ok(Response::new(Body::stream(["a", "b"].map(Ok)))),
            "broken" => Ok(Response::new(Body::stream([
                Ok("a"),
                Err(BodyError::Incomplete),
            ]))),
            "error" => Err(Error::app("no")),
            _ => Ok(c.text("text")),
        }
    });
    let ended = |outcome: &str| {
        assert_eq!(*done.borrow(), ["first", outcome]);
        done.borrow_mut().clear();
        let log = take_log();
        assert_eq!(log.len(), 1, "{log:?}");
        assert_eq!(log[0].message, "after the reply: body: timed out");
        assert_eq!(log[0].level, edgewit::log::Level::Error);
    };
    app.request("/text");
    ended("Ok(())");

    let body = app.request("/stream").into_body();
    assert!(body.read().unwrap().is_some() && body.read().unwrap().is_some());
    assert!(done.borrow().is_empty());
    assert!(body.read().unwrap().is_none());
    ended("Ok(())");
    drop(body);
    assert!(done.borrow().is_empty());

    let body = app.request("/stream").into_body();
    body.read().unwrap();
    drop(body);
    ended("Err(Closed)");

    assert!(app.request("/broken").bytes().is_err());
    ended("Err(Incomplete)");

    assert_eq!(app.request("/error").status(), 500);
    assert_eq!(take_log().remove(0).message, "no");
    assert_eq!(*done.borrow(), ["first", "Ok(())"]);
}

#[test]
fn an_application_may_be_the_server_of_another() {
    let done = Rc::new(RefCell::new(Vec::new()));
    let note = |name: &'static str, done: &Rc<RefCell<Vec<&'static str>>>| {
        let done = done.clone();
        move || {
            done.borrow_mut().push(name);
            Ok(())
        }
    };
    let inner_done = done.clone();
    let inner = App::new().get("/", move |c| {
        c.wait_until(note("inner", &inner_done));
        Ok(c.text("inner"))
    });
    on_fetch(move |request| Ok(inner.handle(request)));
    let outer_done = done.clone();
    let outer = App::new().get("/", move |c| {
        c.wait_until(note("outer", &outer_done));
        let reply = edgewit::fetch(get("/"))?;
        assert_eq!(*outer_done.borrow(), ["inner"]);
        Ok(reply)
    });
    assert_eq!(outer.request("/").text().unwrap(), "inner");
    assert_eq!(*done.borrow(), ["inner", "outer"]);
}
