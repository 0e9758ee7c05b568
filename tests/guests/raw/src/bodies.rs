use std::cell::RefCell;

use crate::edge::sdk::http::{Body, BodyError, Chunk, Field, IncomingBody, Request};
use crate::edge::sdk::logging::{self, Level};
use crate::edge::sdk::poll::client_gone;
use crate::exports::edge::sdk::handler::{BodySource, Reply, ReplyBody};
use crate::query::Query;
use crate::{Source, fetching, lines_of, text};

/// A response body from somewhere.
pub struct Streamed(RefCell<From>);

enum From {
    /// What a request's body yields.
    Incoming(IncomingBody),
    Made(Made),
}

/// Pieces by number, and how they end.
struct Made {
    next: u32,
    pieces: u32,
    bytes: usize,
    /// A URL to fetch before each piece.
    gate: Option<String>,
    /// An empty piece before each one.
    padded: bool,
    padding_next: bool,
    end: End,
    traps_at_drop: bool,
}

enum End {
    Regular(Vec<Field>),
    Error(BodyError),
    Trap,
    Spin,
}

impl Streamed {
    pub fn read(&self) -> Result<Chunk, BodyError> {
        match &mut *self.0.borrow_mut() {
            From::Incoming(body) => body.read(0),
            From::Made(made) => made.read(),
        }
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        logging::log(Level::Info, "raw", "source dropped", &[]);
        if matches!(&*self.0.borrow(), From::Made(made) if made.traps_at_drop) {
            crate::ends::trap()
        }
    }
}

impl Made {
    fn read(&mut self) -> Result<Chunk, BodyError> {
        if self.next == self.pieces {
            return match &self.end {
                End::Regular(trailers) => Ok(Chunk::End(trailers.clone())),
                End::Error(error) => Err(error.clone()),
                End::Trap => crate::ends::trap(),
                End::Spin => crate::ends::spin_aloud(),
            };
        }
        if self.padded {
            self.padding_next = !self.padding_next;
            if self.padding_next {
                return Ok(Chunk::Bytes(Vec::new()));
            }
        }
        if let Some(gate) = &self.gate {
            fetching::pass(gate).map_err(|error| BodyError::Other(format!("{error:?}")))?;
        }
        let digit = b'0' + (self.next % 10) as u8;
        self.next += 1;
        Ok(Chunk::Bytes(vec![digit; self.bytes]))
    }
}

fn reply(body: ReplyBody) -> Reply {
    Reply {
        status: 200,
        headers: Vec::new(),
        body,
        hints: Vec::new(),
    }
}

fn streamed(from: From) -> ReplyBody {
    let source = Source::Streamed(Streamed(RefCell::new(from)));
    ReplyBody::Source(BodySource::new(source))
}

/// The request's body, piece by piece through the guest.
pub fn echo(request: Request) -> Reply {
    reply(match request.body {
        Body::None => ReplyBody::None,
        Body::Bytes(bytes) => ReplyBody::Bytes(bytes),
        Body::Incoming(body) => streamed(From::Incoming(body)),
    })
}

/// The request's body, handed on.
pub fn forward(request: Request) -> Reply {
    reply(match request.body {
        Body::None => ReplyBody::None,
        Body::Bytes(bytes) => ReplyBody::Bytes(bytes),
        Body::Incoming(body) => ReplyBody::Incoming(body),
    })
}

/// Reads the request's body with a `max` and reports each piece, the end twice.
pub fn read(request: Request, query: &Query) -> Reply {
    let Body::Incoming(body) = request.body else {
        return text("not incoming");
    };
    let mut report = format!("length {:?}\n", body.length());
    let max = query.number("max").unwrap_or(0);
    let mut ends = 0;
    while ends < 2 {
        match body.read(max) {
            Ok(Chunk::Bytes(bytes)) => report += &format!("bytes {}\n", bytes.len()),
            Ok(Chunk::End(trailers)) => {
                ends += 1;
                report += &format!("end\n{}", lines_of(&trailers));
            }
            Err(error) => {
                ends += 1;
                report += &format!("error {error:?}\n");
            }
        }
    }
    text(report)
}

/// A source of `pieces` pieces of `bytes` bytes each. With `watch` it looks at its client as well.
pub fn source(query: &Query) -> Reply {
    if query.bytes("watch").is_some() {
        std::mem::forget(client_gone());
    }
    let end = match query.text("end") {
        "error" => End::Error(BodyError::Other(query.text("text").to_owned())),
        "trap" => End::Trap,
        "loop" => End::Spin,
        _ => End::Regular(query.fields("trailer")),
    };
    let gate = query.text("gate");
    let made = Made {
        next: 0,
        pieces: query.number("pieces").unwrap_or(0),
        bytes: query.number("bytes").unwrap_or(1) as usize,
        gate: (!gate.is_empty()).then(|| gate.to_owned()),
        padded: query.bytes("padded").is_some(),
        padding_next: false,
        end,
        traps_at_drop: query.text("drop") == "trap",
    };
    Reply {
        headers: query.fields("field"),
        status: query.number("status").map_or(200, |status| status as u16),
        ..reply(streamed(From::Made(made)))
    }
}
