//! What a user would write, by path, as far as bindings reach: no router, no JSON.

use std::cell::{Cell, RefCell};

use crate::edge::sdk::fetch::{self, Pending};
use crate::edge::sdk::http::{Chunk, Field, Request};
use crate::edge::sdk::kv;
use crate::edge::sdk::logging::{self, Level};
use crate::exports::edge::sdk::handler::{BodySource, Reply, ReplyBody};
use crate::script::bodies::Reading;
use crate::script::fetch::{options, request as request_of};
use crate::script::reply::handed_on;
use crate::script::system::log_levels;
use crate::script::words::percent_decode;
use crate::{Handled, Source, ends};

thread_local! {
    /// Whether a line is to be logged after the reply.
    static LATER: Cell<bool> = const { Cell::new(false) };
    /// How many requests this instance has seen.
    static SEEN: Cell<u32> = const { Cell::new(0) };
}

/// Answers a request for a path below `/s/`.
pub fn handle(request: Request) -> Handled {
    SEEN.set(SEEN.get() + 1);
    let path = request.uri.split('?').next().unwrap_or_default();
    // Scheme, nothing, authority and `s` come first.
    let segments: Vec<&str> = path.split('/').skip(4).collect();
    match (request.method.as_str(), segments.as_slice()) {
        ("POST", ["echo"]) => Ok(echo(request)),
        ("GET" | "HEAD", segments) => get(segments),
        _ => Ok(not_found()),
    }
}

fn get(segments: &[&str]) -> Handled {
    match segments {
        ["hello", name] if !name.is_empty() => hello(name),
        ["fields"] => Ok(fields()),
        ["stream"] => Ok(stream()),
        ["forward"] => forward(),
        ["fan-out"] => fan_out().map(text),
        ["error"] => Err("refused: the reason".to_owned()),
        ["panic"] => ends::panic("broken: the reason"),
        ["later"] => {
            LATER.set(true);
            Ok(text("now"))
        }
        ["levels"] => {
            log_levels();
            Ok(text(""))
        }
        ["global"] => Ok(text(SEEN.get().to_string())),
        ["wrapped", last] => Ok(outer(last)),
        ["pattern", "literal"] => Ok(text("literal")),
        ["pattern", parameter] if !parameter.is_empty() => {
            Ok(text(format!("parameter {}", decoded(parameter))))
        }
        ["pattern", rest @ ..] if !rest.is_empty() => {
            Ok(text(format!("rest {}", decoded(&rest.join("/")))))
        }
        _ => Ok(not_found()),
    }
}

/// What the handlers left for after the reply; whether one of them has answered.
pub fn after_reply() -> bool {
    if LATER.take() {
        logging::log(Level::Info, "guest", "later", &[]);
    }
    SEEN.get() > 0
}

fn text(text: impl Into<String>) -> Reply {
    reply(
        200,
        &[("content-type", "text/plain; charset=utf-8")],
        ReplyBody::Bytes(text.into().into_bytes()),
    )
}

fn reply(status: u16, fields: &[(&str, &str)], body: ReplyBody) -> Reply {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), value.as_bytes().to_vec());
    Reply {
        status,
        headers: fields.iter().map(owned).collect(),
        body,
        hints: Vec::new(),
    }
}

fn not_found() -> Reply {
    reply(404, &[], ReplyBody::None)
}

fn decoded(segment: &str) -> String {
    let bytes = percent_decode(segment).unwrap_or_else(|| segment.into());
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hello(name: &str) -> Handled {
    let name = decoded(name);
    let visits = kv::open("visits").and_then(|store| store.increment(&name, 1, None));
    let visits = visits.map_err(|error| format!("{error:?}"))?;
    let mut reply = text(format!("hello {name}"));
    add(&mut reply, "visits", &visits.to_string());
    Ok(reply)
}

fn add(reply: &mut Reply, name: &str, value: &str) {
    reply.headers.push((name.to_owned(), value.into()));
}

fn echo(request: Request) -> Reply {
    let fields = request.headers.into_iter();
    Reply {
        headers: fields.filter(|(name, _)| name == "content-type").collect(),
        ..reply(200, &[], handed_on(request.body))
    }
}

fn fields() -> Reply {
    let fields = [
        ("set-cookie", "a=1; expires=Mon, 01 Jan 2035 00:00:00 GMT"),
        ("set-cookie", "b=2"),
        ("x-list", "one"),
        ("x-list", "two"),
    ];
    reply(200, &fields, ReplyBody::None)
}

/// Texts, each a chunk.
pub struct Pieces(RefCell<std::vec::IntoIter<&'static str>>);

impl Pieces {
    pub fn read(&self) -> Chunk {
        match self.0.borrow_mut().next() {
            Some(piece) => Chunk::Bytes(piece.into()),
            None => Chunk::End(Vec::new()),
        }
    }
}

fn stream() -> Reply {
    let pieces = vec!["one", "two", "three"].into_iter();
    let source = Source::Pieces(Pieces(RefCell::new(pieces)));
    reply(200, &[], ReplyBody::Source(BodySource::new(source)))
}

fn send(uri: &str) -> Result<Pending, String> {
    fetch::send(request_of("GET".to_owned(), uri.to_owned()), &options())
        .map_err(|error| format!("{error:?}"))
}

fn forward() -> Handled {
    let response = fetch::wait(send("http://up.test/")?).map_err(|error| format!("{error:?}"))?;
    Ok(Reply {
        headers: response.headers,
        ..reply(response.status, &[], handed_on(response.body))
    })
}

fn fan_out() -> Result<String, String> {
    let uris = ["http://up.test/1", "http://up.test/2", "http://up.test/3"];
    let sent = uris.map(send);
    let mut bodies = Vec::new();
    for pending in sent {
        let response = fetch::wait(pending?).map_err(|error| format!("{error:?}"))?;
        let body = Reading::new(response.body).rest();
        let body = body.map_err(|error| format!("{error:?}"))?;
        bodies.push(String::from_utf8_lossy(&body).into_owned());
    }
    Ok(bodies.join(","))
}

/// How many fields of the two middlewares a reply has.
fn wrapped_by(reply: &Reply) -> String {
    let ours = |(name, _): &&Field| name == "outer" || name == "inner";
    reply.headers.iter().filter(ours).count().to_string()
}

fn outer(last: &str) -> Reply {
    let mut reply = inner(last);
    let before = wrapped_by(&reply);
    add(&mut reply, "outer", &before);
    reply
}

fn inner(last: &str) -> Reply {
    if last == "short" {
        return Reply {
            status: 403,
            ..text("short")
        };
    }
    let mut reply = match last {
        "inner" => text("inner"),
        _ => not_found(),
    };
    let before = wrapped_by(&reply);
    add(&mut reply, "inner", &before);
    reply
}
