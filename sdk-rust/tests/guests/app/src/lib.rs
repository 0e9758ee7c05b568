//! An application on the SDK that tests serve: its path says what it does, its query how.
//! One file for each part of the SDK.

mod bodies;
mod ends;
mod fetching;
mod machine;
mod uploads;
mod waiting;

use edgewit::{App, Body, Context, Error, Request, Response, Router};

edgewit::export!(
    App::new()
        .wrap("/mounted/*path", |c, next| {
            let mut reply = next.run(c)?;
            let path = c.param("path").parse()?;
            reply.headers_mut().insert("x-wrapped", path);
            Ok(reply)
        })
        .mount(
            "/mounted/:shop",
            Router::new()
                .get("/:item", |c| {
                    Ok(c.text(format!("{} {}", c.param("shop"), c.param("item"))))
                })
                .get("/fails", |_| Err(Error::app("sorry"))),
        )
        .not_found(|c| {
            let mut reply = c.text("nothing here");
            *reply.status_mut() = edgewit::http::StatusCode::NOT_FOUND;
            Ok(reply)
        })
        .on_error(|c, error| match c.query("answered") {
            Some(_) => Ok(c.text(error.chain())),
            None => Err(error),
        })
        .post("/echo", bodies::echo)
        .post("/read", bodies::read)
        .post("/length", bodies::length)
        .get("/source", bodies::source)
        .get("/fetch", fetching::report)
        .get("/first", fetching::first)
        .post("/proxy", fetching::proxy)
        .get("/stream", uploads::stream)
        .post("/forward", uploads::forward)
        .get("/write", uploads::write)
        .get("/abort", uploads::abort)
        .get("/gone", waiting::gone)
        .get("/after", waiting::after)
        .get("/time", machine::time)
        .get("/random", machine::random)
        .get("/memory", machine::memory)
        .get("/log", ends::log)
        .get("/panic", ends::panic)
        .get("/error", ends::error)
);

/// A parameter of the query; empty where there is none.
fn text(c: &Context, name: &str) -> String {
    c.query(name).unwrap_or_default().into_owned()
}

/// A number of the query; 0 where there is none.
fn number(c: &Context, name: &str) -> usize {
    text(c, name).parse().unwrap_or(0)
}

/// A request without a body.
fn request(method: &str, uri: &str) -> Result<Request, Error> {
    let request = edgewit::http::Request::builder().method(method).uri(uri);
    Ok(request.body(Body::empty())?)
}

/// What a response says, to its end: its status, body and trailers.
fn report(response: Response) -> String {
    let status = response.status().as_u16();
    format!("status {status}\n{}", report_body(response.body()))
}

/// A body to its end: its bytes, or how many of a long one, and its trailers.
fn report_body(body: &Body) -> String {
    let mut bytes = Vec::new();
    let end = loop {
        match body.read() {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => break "end\n".to_owned(),
            Err(error) => break format!("error {}\n", error.chain()),
        }
    };
    let mut report = match bytes.len() {
        0..100 => format!("body {}\n", bytes.escape_ascii()),
        length => format!("bytes {length}\n"),
    };
    report += &end;
    for (name, value) in &body.trailers().unwrap_or_default() {
        report += &format!("{name}: {}\n", value.as_bytes().escape_ascii());
    }
    report
}

/// Waits until a URL answers, unless it is empty.
fn pass(gate: &str) -> Result<(), Error> {
    if !gate.is_empty() {
        edgewit::fetch(request("GET", gate)?)?;
    }
    Ok(())
}
