//! Bodies: none, bytes, bytes still arriving, or bytes made while they are sent.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::mem;

use bytes::Bytes;
use http::HeaderMap;
use serde::de::{DeserializeOwned, Error as _};

use crate::Error;
use crate::host::{Chunk, Incoming};

/// Why reading or writing a body stopped. Source: `edge:sdk/http#body-error`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The peer went away before the end.
    #[error("closed before its end")]
    Closed,
    /// The peer announced more bytes than it sent, or broke the framing.
    #[error("incomplete")]
    Incomplete,
    /// The peer has answered already and wants no more of it.
    #[error("unwanted")]
    Unwanted,
    /// No byte arrived within the time allowed, or the whole took too long.
    #[error("timed out")]
    Timeout,
    /// The host's limit on body size, in bytes.
    #[error("larger than {0} bytes")]
    TooLarge(u64),
    /// Anything else, for a log.
    #[error("{0}")]
    Other(String),
}

type Stream = Box<dyn Iterator<Item = Result<Bytes, BodyError>>>;

/// The body of a request or response.
///
/// It is read once: whole, by [`bytes`](Body::bytes), [`text`](Body::text) or [`json`](Body::json), or chunk by chunk,
/// by [`read`](Body::read). What arrives is not read before it is asked for, and what is handed on unread, in a reply or
/// a request, passes by without a copy through the application. The default is no body.
#[derive(Default)]
pub struct Body {
    /// Reading takes a shared reference, so that a reply can be made of what is read.
    state: RefCell<State>,
    /// A chunk was taken: what is left is not the whole.
    touched: Cell<bool>,
}

#[derive(Default)]
enum State {
    #[default]
    None,
    Bytes(Bytes),
    Incoming(Incoming),
    Stream(Stream),
    Ended(HeaderMap),
    Failed(BodyError),
    Consumed,
}

/// What a body is when it comes to the application or leaves it.
pub(crate) enum Outgoing {
    None,
    Bytes(Bytes),
    Incoming(Incoming),
    Stream(Stream),
}

impl Body {
    /// No body.
    pub fn empty() -> Body {
        Body::default()
    }

    /// A body that is made while it is sent: an item is asked for when there is room for it, so memory does not grow with
    /// the length. An error cuts the connection, so that the client can tell.
    /// Source: `edge:sdk/handler#body-source`.
    pub fn stream<T: Into<Bytes>>(
        chunks: impl IntoIterator<Item = Result<T, BodyError>, IntoIter: 'static>,
    ) -> Body {
        let chunks = chunks.into_iter().map(|chunk| chunk.map(Into::into));
        State::Stream(Box::new(chunks)).into()
    }

    /// The length in bytes: exact for a body that is whole, 0 for none, as announced by the peer for one that is arriving
    /// and unread, else `None`.
    pub fn length(&self) -> Option<u64> {
        match &*self.state.borrow() {
            State::None => Some(0),
            State::Bytes(bytes) => Some(bytes.len() as u64),
            State::Incoming(incoming) if !self.touched.get() => incoming.length(),
            _ => None,
        }
    }

    /// Reads the whole body; none is empty.
    /// Errors: `Consumed` if any of it was read before, `Body` if it breaks off.
    pub fn bytes(&self) -> Result<Bytes, Error> {
        let whole = match &mut *self.state.borrow_mut() {
            State::None => return Ok(Bytes::new()),
            _ if self.touched.get() => return Err(Error::Consumed),
            State::Bytes(bytes) => Some(mem::take(bytes)),
            State::Incoming(_) | State::Stream(_) => None,
            State::Ended(_) | State::Failed(_) | State::Consumed => return Err(Error::Consumed),
        };
        let whole = match whole {
            Some(bytes) => bytes,
            None => self.collect()?,
        };
        self.state.replace(State::Consumed);
        Ok(whole)
    }

    fn collect(&self) -> Result<Bytes, Error> {
        // What was announced is set aside at once, unless it is so much that an announcement alone would exhaust the
        // memory.
        const MOST: u64 = 1024 * 1024;
        let mut whole = Vec::with_capacity(self.length().unwrap_or(0).min(MOST) as usize);
        while let Some(chunk) = self.read()? {
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.into())
    }

    /// Reads the whole body as UTF-8; a byte order mark is removed, and what is not UTF-8 replaced by U+FFFD.
    /// Errors: as [`bytes`](Body::bytes).
    pub fn text(&self) -> Result<String, Error> {
        let bytes = self.bytes()?;
        Ok(String::from_utf8_lossy(without_mark(&bytes)).into_owned())
    }

    /// Reads the whole body as JSON; a byte order mark is removed.
    /// Errors: `Json` if it is empty, not UTF-8, not JSON, not a `T`, or goes on after the value; those of
    /// [`bytes`](Body::bytes).
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        from_json(&self.bytes()?)
    }

    /// Reads the next bytes, never none of them; `None` at the end and ever after. Blocks until there are some.
    /// Errors: `Body` if it breaks off, the same ever after; `Consumed` if it was read whole before.
    /// Source: `edge:sdk/http#incoming-body.read`.
    pub fn read(&self) -> Result<Option<Bytes>, Error> {
        let state = &mut *self.state.borrow_mut();
        loop {
            let next = match state {
                State::None | State::Ended(_) => return Ok(None),
                State::Consumed => return Err(Error::Consumed),
                State::Failed(error) => return Err(error.clone().into()),
                State::Bytes(bytes) if bytes.is_empty() => Ok(Chunk::End(HeaderMap::new())),
                State::Bytes(bytes) => Ok(Chunk::Bytes(mem::take(bytes))),
                State::Incoming(incoming) => incoming.read(),
                State::Stream(stream) => match stream.next() {
                    Some(chunk) => chunk.map(Chunk::Bytes),
                    None => Ok(Chunk::End(HeaderMap::new())),
                },
            };
            self.touched.set(true);
            match next {
                Ok(Chunk::Bytes(bytes)) if bytes.is_empty() => {}
                Ok(Chunk::Bytes(bytes)) => return Ok(Some(bytes)),
                Ok(Chunk::End(trailers)) => *state = State::Ended(trailers),
                Err(error) => *state = State::Failed(error),
            }
        }
    }

    /// The trailer fields; `None` before [`read`](Body::read) came to the end.
    pub fn trailers(&self) -> Option<HeaderMap> {
        match &*self.state.borrow() {
            State::Ended(trailers) => Some(trailers.clone()),
            _ => None,
        }
    }

    /// Takes the body out, to hand it on. Reading what stays behind is `Consumed`, unless there was no body.
    pub fn take(&self) -> Body {
        let left = match &*self.state.borrow() {
            State::None => State::None,
            _ => State::Consumed,
        };
        Body {
            state: RefCell::new(self.state.replace(left)),
            touched: self.touched.clone(),
        }
    }

    /// What is to be sent. What is left of a body that arrives goes on; one that was read to its end can't.
    pub(crate) fn into_outgoing(self) -> Result<Outgoing, Error> {
        match self.state.into_inner() {
            State::None => Ok(Outgoing::None),
            State::Bytes(_) if self.touched.get() => Err(Error::Consumed),
            State::Bytes(bytes) => Ok(Outgoing::Bytes(bytes)),
            State::Incoming(incoming) => Ok(Outgoing::Incoming(incoming)),
            State::Stream(stream) => Ok(Outgoing::Stream(stream)),
            State::Ended(_) | State::Consumed => Err(Error::Consumed),
            State::Failed(error) => Err(error.into()),
        }
    }
}

/// Removes a byte order mark.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// JSON as every SDK reads it: UTF-8 is checked and a byte order mark removed before the decoder sees anything.
pub(crate) fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let text = str::from_utf8(without_mark(bytes)).map_err(serde_json::Error::custom)?;
    Ok(serde_json::from_str(text)?)
}

impl From<State> for Body {
    fn from(state: State) -> Body {
        Body {
            state: RefCell::new(state),
            touched: Cell::new(false),
        }
    }
}

impl From<Outgoing> for Body {
    fn from(outgoing: Outgoing) -> Body {
        match outgoing {
            Outgoing::None => State::None,
            Outgoing::Bytes(bytes) => State::Bytes(bytes),
            Outgoing::Incoming(incoming) => State::Incoming(incoming),
            Outgoing::Stream(stream) => State::Stream(stream),
        }
        .into()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Body {
        State::Bytes(bytes).into()
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Body {
        Bytes::from(bytes).into()
    }
}

impl From<&'static [u8]> for Body {
    fn from(bytes: &'static [u8]) -> Body {
        Bytes::from_static(bytes).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Body {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Body {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl From<()> for Body {
    fn from((): ()) -> Body {
        Body::empty()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.state.borrow() {
            State::None => "Body(none)",
            State::Bytes(_) => "Body(bytes)",
            State::Incoming(_) => "Body(incoming)",
            State::Stream(_) => "Body(stream)",
            State::Ended(_) => "Body(ended)",
            State::Failed(_) => "Body(failed)",
            State::Consumed => "Body(consumed)",
        })
    }
}
