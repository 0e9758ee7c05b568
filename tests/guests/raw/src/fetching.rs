use crate::edge::sdk::fetch::{self, FetchError, Options, Redirect, Timeouts};
use crate::edge::sdk::http::{Body, Chunk, Request, Response};
use crate::exports::edge::sdk::handler::{Reply, ReplyBody};
use crate::query::Query;
use crate::{lines_of, text};

/// The request that a query describes; `body` is the one of the request being handled.
fn request(body: Body, query: &Query) -> Request {
    let body = match query.bytes("bytes") {
        Some(bytes) => Body::Bytes(bytes.to_vec()),
        None => body,
    };
    request_to(query.text("url"), body, query)
}

/// A request of the method and with the fields that a query gives.
pub fn request_to(url: &str, body: Body, query: &Query) -> Request {
    let method = query.text("method");
    Request {
        method: if method.is_empty() { "GET" } else { method }.to_owned(),
        uri: url.to_owned(),
        headers: query.fields("field"),
        body,
    }
}

pub fn options(query: &Query) -> Options {
    let hints = query.fields("hint").into_iter();
    Options {
        redirect: match query.text("redirect") {
            "manual" => Redirect::Manual,
            "error" => Redirect::Error,
            _ => Redirect::Follow,
        },
        timeouts: Timeouts {
            connect_ms: query.number("connect-ms"),
            first_byte_ms: query.number("first-byte-ms"),
            between_bytes_ms: query.number("between-bytes-ms"),
            total_ms: query.number("total-ms"),
        },
        hints: hints
            .map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()))
            .collect(),
    }
}

fn fetch(body: Body, query: &Query) -> Result<Response, FetchError> {
    fetch::wait(fetch::send(request(body, query), &options(query))?)
}

/// Fetches and reports the response, its body read to the end, or the error.
pub fn report(body: Body, query: &Query) -> Reply {
    let response = match fetch(body, query) {
        Ok(response) => response,
        Err(error) => return text(format!("error {error:?}\n")),
    };
    text(format!(
        "status {}\nuri {}\nredirects {}\n{}{}{}",
        response.status,
        response.uri,
        response.redirects,
        attributes_of(&response),
        lines_of(&response.headers),
        body_of(response.body),
    ))
}

fn attributes_of(response: &Response) -> String {
    let line = |(name, value): &(String, String)| format!("attribute {name}={value}\n");
    response.attributes.iter().map(line).collect()
}

fn body_of(body: Body) -> String {
    let incoming = match body {
        Body::None => return "body none\n".to_owned(),
        Body::Bytes(bytes) => return format!("body bytes {}\n", bytes.len()),
        Body::Incoming(incoming) => incoming,
    };
    let mut read = Vec::new();
    let end = loop {
        match incoming.read(0) {
            Ok(Chunk::Bytes(bytes)) => read.extend(bytes),
            Ok(Chunk::End(trailers)) => break format!("end\n{}", lines_of(&trailers)),
            Err(error) => break format!("body error {error:?}\n"),
        }
    };
    let length = incoming.length();
    format!("body incoming {length:?} {}\n{end}", read.escape_ascii())
}

/// Fetches and hands the response on, its body unread.
pub fn proxy(body: Body, query: &Query) -> Result<Reply, String> {
    let response = fetch(body, query).map_err(|error| format!("{error:?}"))?;
    Ok(Reply {
        status: response.status,
        headers: response.headers,
        body: match response.body {
            Body::None => ReplyBody::None,
            Body::Bytes(bytes) => ReplyBody::Bytes(bytes),
            Body::Incoming(incoming) => ReplyBody::Incoming(incoming),
        },
        hints: Vec::new(),
    })
}

/// Sends one request for each `url` before it waits for any, and reports each outcome in order.
pub fn many(query: &Query) -> Reply {
    let send = |url: &[u8]| {
        let request = request_to(&String::from_utf8_lossy(url), Body::None, query);
        fetch::send(request, &options(query))
    };
    let pending: Vec<_> = query.all("url").map(send).collect();
    let wait = |sent: Result<_, _>| match sent.and_then(fetch::wait) {
        Ok(response) => format!("status {}\n", response.status),
        Err(error) => format!("error {error:?}\n"),
    };
    text(pending.into_iter().map(wait).collect::<String>())
}

/// Waits until a URL answers.
pub fn pass(gate: &str) -> Result<(), FetchError> {
    let gate = Query::parse(&format!("url={gate}"));
    fetch(Body::None, &gate).map(drop)
}
