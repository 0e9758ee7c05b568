//! Bodies: none, bytes, bytes still arriving, or bytes made while they are sent.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::mem;

use bytes::Bytes;
use http::HeaderMap;
use serde::de::{DeserializeOwned, Error as _};

use crate::Error;
use crate::host::{Chunk, Incoming};
use crate::poll::Pollable;
use crate::stream::{Begun, Items, Mapped, Stream, Trailed, split};
use crate::waiting::{Source, Waiting};

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
    Stream(Begun),
    Ended(HeaderMap),
    Failed(BodyError),
    /// It was read whole, to these trailers, or belongs to someone else.
    Consumed(Option<HeaderMap>),
}

/// What a body is when it comes to the application or leaves it.
pub(crate) enum Outgoing {
    None,
    Bytes(Bytes),
    Incoming(Incoming),
    Stream(Box<dyn Stream>),
}

impl Body {
    /// No body.
    pub fn empty() -> Body {
        Body::default()
    }

    /// A body that is made while it is sent: an item is asked for when there is room for it, so memory does not grow with
    /// the length. An error cuts the connection, so that the other side can tell. In a reply an item may be made of what is
    /// fetched meanwhile; the body is dropped once nobody wants the rest.
    /// Source: `edge:sdk/handler#body-source`, `edge:sdk/fetch#outgoing-body`.
    ///
    /// ```
    /// use edgewit::{App, Body, Response};
    ///
    /// let app = App::new().get("/", |c| {
    ///     let store = c.kv("parts")?;
    ///     let parts = (0..).map_while(move |n| store.get(&format!("part:{n}")).transpose());
    ///     let chunks = parts.map(|part| Ok(part.map_err(edgewit::Error::from)?.value));
    ///     Ok(Response::new(Body::stream(chunks)))
    /// });
    /// # assert_eq!(app.request("/").status(), 200);
    /// ```
    pub fn stream<T: Into<Bytes> + 'static>(
        chunks: impl IntoIterator<Item = Result<T, BodyError>, IntoIter: 'static>,
    ) -> Body {
        Body::made(Items(chunks.into_iter()))
    }

    /// The body with each chunk changed, as it passes; its trailers stay. An error cuts the connection.
    ///
    /// What arrives is waited for beside everything else then: where it is sent on, an answer that comes in the meantime is
    /// taken. An iterator that reads a body by itself, by contrast, holds everything up until there is more of it.
    ///
    /// ```
    /// use edgewit::{App, Response};
    ///
    /// let app = App::new().post("/shout", |c| {
    ///     let shouted = c.take_body().map(|chunk| Ok(chunk.to_ascii_uppercase()));
    ///     Ok(Response::new(shouted))
    /// });
    /// # let request = edgewit::http::Request::post("/shout").body("hello".into()).unwrap();
    /// # assert_eq!(edgewit::MessageExt::text(&app.handle(request)).unwrap(), "HELLO");
    /// ```
    pub fn map<T: Into<Bytes> + 'static>(
        self,
        change: impl FnMut(Bytes) -> Result<T, BodyError> + 'static,
    ) -> Body {
        Body::made(Mapped { body: self, change })
    }

    pub(crate) fn made(stream: impl Stream + 'static) -> Body {
        State::Stream(Begun::new(Box::new(stream))).into()
    }

    /// Adds trailer fields, asked for once the last byte was taken; those that the body has itself come first. An error cuts
    /// the connection.
    ///
    /// The length is not announced then, as no trailers go with one. Over HTTP/1.1 only those get through whose names the
    /// field `trailer` of the head announces, and to a client only if it sent `te: trailers`; over HTTP/2 all do.
    /// Source: `edge:sdk/http#chunk`, RFC 9110, section 6.5.
    ///
    /// ```
    /// use std::cell::Cell;
    /// use std::rc::Rc;
    ///
    /// use edgewit::{App, Body, Response, http::HeaderMap};
    ///
    /// let app = App::new().get("/", |_| {
    ///     let sum = Rc::new(Cell::new(0));
    ///     let adding = sum.clone();
    ///     let chunks = ["some", "text"].into_iter().map(move |chunk| {
    ///         adding.set(adding.get() + chunk.len());
    ///         Ok(chunk)
    ///     });
    ///     let body = Body::stream(chunks).with_trailers(move || {
    ///         Ok(HeaderMap::from_iter([("x-bytes".parse().unwrap(), sum.get().into())]))
    ///     });
    ///     Ok(edgewit::http::Response::builder().header("trailer", "x-bytes").body(body)?)
    /// });
    /// # let body = app.request("/").into_body();
    /// # while body.read().unwrap().is_some() {}
    /// # assert_eq!(body.trailers().unwrap()["x-bytes"], "8");
    /// ```
    pub fn with_trailers(
        self,
        trailers: impl FnOnce() -> Result<HeaderMap, BodyError> + 'static,
    ) -> Body {
        Body::made(Trailed {
            body: self,
            trailers: Some(trailers),
        })
    }

    /// The length in bytes: exact for a body that is whole, 0 for none, as announced by the peer for one that is arriving
    /// and unread, else `None`.
    pub fn length(&self) -> Option<u64> {
        match &*self.state.borrow() {
            State::None => Some(0),
            State::Bytes(bytes) if !self.touched.get() => Some(bytes.len() as u64),
            State::Incoming(incoming) if !self.touched.get() => incoming.length(),
            State::Stream(stream) if !self.touched.get() => stream.length(),
            _ => None,
        }
    }

    /// Reads the whole body; none is empty.
    /// Errors: `Consumed` if any of it was read before, `Body` if it breaks off or there is no memory for it.
    pub fn bytes(&self) -> Result<Bytes, Error> {
        let whole = match &mut *self.state.borrow_mut() {
            State::None => return Ok(Bytes::new()),
            _ if self.touched.get() => return Err(Error::Consumed),
            State::Bytes(bytes) => Some(mem::take(bytes)),
            State::Incoming(_) | State::Stream(_) => None,
            State::Ended(_) | State::Failed(_) | State::Consumed(_) => {
                return Err(Error::Consumed);
            }
        };
        let whole = match whole {
            Some(bytes) => {
                self.state.replace(State::Ended(HeaderMap::new()));
                bytes
            }
            None => self.collect()?,
        };
        let trailers = self.trailers();
        self.state.replace(State::Consumed(trailers));
        Ok(whole)
    }

    fn collect(&self) -> Result<Bytes, Error> {
        let announced = self
            .length()
            .and_then(|length| usize::try_from(length).ok());
        let mut whole = Vec::new();
        while let Some(chunk) = self.read()? {
            let needed = whole.len() + chunk.len();
            if needed > whole.capacity() {
                reserve(&mut whole, needed, announced)?;
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.into())
    }

    /// Reads the whole body as UTF-8; a byte order mark is removed, and what is not UTF-8 replaced by U+FFFD.
    /// Errors: as [`bytes`](Body::bytes).
    pub fn text(&self) -> Result<String, Error> {
        // Without a mark and with nothing to replace, the text is the bytes themselves: no second copy of a long body.
        match String::from_utf8(self.bytes()?.into()) {
            Ok(text) if !text.starts_with('\u{feff}') => Ok(text),
            Ok(text) => Ok(text['\u{feff}'.len_utf8()..].to_owned()),
            Err(error) => {
                let bytes = without_mark(error.as_bytes());
                Ok(String::from_utf8_lossy(bytes).into_owned())
            }
        }
    }

    /// Reads the whole body as JSON; a byte order mark is removed.
    /// Errors: `Json` if it is empty, not UTF-8, not JSON, not a `T`, or goes on after the value; those of
    /// [`bytes`](Body::bytes).
    ///
    /// Any error that leaves a handler is a 500. That the mistake was the client's, only the handler knows, and can answer:
    ///
    /// ```
    /// use edgewit::{App, Error, http::Response};
    ///
    /// let app = App::new().post("/sum", |c| {
    ///     let numbers: Vec<i64> = match c.body().json() {
    ///         Ok(numbers) => numbers,
    ///         Err(Error::Json(error)) => {
    ///             return Ok(Response::builder().status(400).body(error.to_string().into())?);
    ///         }
    ///         Err(other) => return Err(other),
    ///     };
    ///     c.json(&numbers.iter().sum::<i64>())
    /// });
    /// # let post = |body: &'static str| {
    /// #     app.handle(edgewit::http::Request::post("/sum").body(body.into()).unwrap()).status()
    /// # };
    /// # assert_eq!((post("[1, 2]").as_u16(), post("[1, ").as_u16()), (200, 400));
    /// ```
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        from_json(&self.bytes()?)
    }

    /// Reads the next bytes, never none of them; `None` at the end and ever after. Blocks until there are some.
    /// Errors: `Body` if it breaks off, the same ever after; `Consumed` if it was read whole before.
    /// Source: `edge:sdk/http#incoming-body.read`.
    pub fn read(&self) -> Result<Option<Bytes>, Error> {
        self.next(None)
    }

    /// Reads on until there are `length` bytes or the end has come, and leaves the rest: what is told by its beginning can
    /// be handed on from there. Fewer bytes than asked for mean the end.
    /// Errors: as [`read`](Body::read), and the bytes before are lost then; `Body` if there is no memory for them.
    /// Source: `edge:sdk/http#incoming-body.read`.
    ///
    /// ```
    /// use edgewit::{App, http::Response};
    ///
    /// let app = App::new().post("/", |c| {
    ///     let media_type = match &*c.body().read_exactly(4)? {
    ///         b"%PDF" => "application/pdf",
    ///         _ => "application/octet-stream",
    ///     };
    ///     Ok(Response::builder().header("content-type", media_type).body(().into())?)
    /// });
    /// # let request = edgewit::http::Request::post("/").body("%PDF-1.7".into()).unwrap();
    /// # assert_eq!(app.handle(request).headers()["content-type"], "application/pdf");
    /// ```
    pub fn read_exactly(&self, length: usize) -> Result<Bytes, Error> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let Some(chunk) = self.next(Some(length - bytes.len()))? else {
                break;
            };
            let needed = bytes.len() + chunk.len();
            if needed > bytes.capacity() {
                reserve(&mut bytes, needed, None)?;
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.into())
    }

    /// The next bytes, `most` at most.
    fn next(&self, most: Option<usize>) -> Result<Option<Bytes>, Error> {
        let state = &mut *self.state.borrow_mut();
        loop {
            let next = match state {
                State::None | State::Ended(_) => return Ok(None),
                State::Consumed(_) => return Err(Error::Consumed),
                State::Failed(error) => return Err(error.clone().into()),
                State::Bytes(bytes) if bytes.is_empty() => Ok(Chunk::End(HeaderMap::new())),
                State::Bytes(bytes) => Ok(Chunk::Bytes(split(bytes, most))),
                State::Incoming(incoming) => incoming.read(most),
                State::Stream(begun) => begun.next_of(most),
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

    /// The trailer fields; `None` before [`read`](Body::read) came to the end, or the whole was read.
    pub fn trailers(&self) -> Option<HeaderMap> {
        match &*self.state.borrow() {
            State::None => Some(HeaderMap::new()),
            State::Ended(trailers) => Some(trailers.clone()),
            State::Consumed(trailers) => trailers.clone(),
            _ => None,
        }
    }

    /// Takes the body out, to hand it on. Reading what stays behind is `Consumed`, unless there was no body.
    pub fn take(&self) -> Body {
        let left = match &*self.state.borrow() {
            State::None => State::None,
            _ => State::Consumed(None),
        };
        Body {
            state: RefCell::new(self.state.replace(left)),
            touched: self.touched.clone(),
        }
    }

    /// Whether it can be sent. What is left of a body that arrives can; one that was read to its end can't.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match &*self.state.borrow() {
            State::Bytes(left) if self.touched.get() && left.is_empty() => Err(Error::Consumed),
            State::Ended(_) | State::Consumed(_) => Err(Error::Consumed),
            State::Failed(error) => Err(error.clone().into()),
            _ => Ok(()),
        }
    }

    /// What is to be sent, of a body that was checked.
    pub(crate) fn into_outgoing(self) -> Outgoing {
        match self.state.into_inner() {
            State::Bytes(bytes) => Outgoing::Bytes(bytes),
            State::Incoming(incoming) => Outgoing::Incoming(incoming),
            State::Stream(begun) if begun.left.is_empty() => Outgoing::Stream(begun.stream),
            State::Stream(begun) => Outgoing::Stream(Box::new(begun)),
            _ => Outgoing::None,
        }
    }
}

/// Makes room for `needed` bytes of a body that announced so many. The memory may hold a long body, but not twice, so what
/// was announced is set aside in one piece as soon as a good part of it is there: an announcement alone exhausts nothing.
fn reserve(whole: &mut Vec<u8>, needed: usize, announced: Option<usize>) -> Result<(), BodyError> {
    const FIRST: usize = 64 * 1024;
    const TRUST: usize = 16;
    let wanted = match announced.filter(|all| needed <= *all) {
        // The last step is the long one; the ones before it end where it may begin.
        Some(all) => {
            let trusted = TRUST * needed.max(FIRST);
            if all <= trusted {
                all
            } else {
                trusted.min(all / TRUST)
            }
        }
        None => needed.max(2 * whole.capacity()),
    };
    let more = |to: usize| to - whole.len();
    let (wanted, least) = (more(wanted), more(needed));
    whole
        .try_reserve_exact(wanted)
        .or_else(|_| whole.try_reserve_exact(least))
        .map_err(|_| BodyError::Other(format!("no memory for {needed} bytes of it")))
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

impl Pollable for Body {}

/// Ready while [`Body::read`] would not block.
impl Source for Body {
    fn poll(&self, waiting: &mut Waiting) -> bool {
        match &mut *self.state.borrow_mut() {
            State::Incoming(incoming) => waiting.on(incoming.pollable()),
            State::Stream(stream) => stream.poll(waiting),
            _ => true,
        }
    }
}

/// The chunks of a body, as [`Body::read`] gives them; an error is the last.
#[derive(Debug)]
pub struct Chunks(Option<Body>);

impl IntoIterator for Body {
    type Item = Result<Bytes, BodyError>;
    type IntoIter = Chunks;

    /// The chunks of what is left. For trailers, [`read`](Body::read) the body instead.
    fn into_iter(self) -> Chunks {
        Chunks(Some(self))
    }
}

impl Iterator for Chunks {
    type Item = Result<Bytes, BodyError>;

    fn next(&mut self) -> Option<Result<Bytes, BodyError>> {
        let chunk = self.0.as_ref()?.read().transpose();
        if !matches!(chunk, Some(Ok(_))) {
            self.0 = None;
        }
        Some(chunk?.map_err(BodyError::from))
    }
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
            Outgoing::Stream(stream) => State::Stream(Begun::new(stream)),
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
            State::Consumed(_) => "Body(consumed)",
        })
    }
}
