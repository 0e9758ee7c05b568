//! Requests to other servers. Source: `edge:sdk/fetch`.

use std::cell::RefCell;
use std::time::Duration;
use std::{fmt, io, mem};

use bytes::{Buf, Bytes};
use http::{HeaderMap, Uri};

use crate::body::Outgoing;
use crate::host::Chunk;
use crate::poll::Pollable;
use crate::stream::Stream;
use crate::waiting::{Source, Waiting};
use crate::{Body, BodyError, Request, Response, host, waiting};

/// Why there is no response. Source: `edge:sdk/fetch#fetch-error`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The application has not been granted this origin, or not the address its name resolves to; redirects included.
    #[error("denied: the application has not been granted this origin")]
    Denied,
    /// The request can't be sent; the text says why.
    #[error("invalid request: {0}")]
    InvalidRequest(String),
    /// The name has no address.
    #[error("dns: {0}")]
    Dns(String),
    /// Nothing listens there.
    #[error("connection refused: {0}")]
    ConnectionRefused(String),
    /// The connection was not there in time.
    #[error("connecting timed out")]
    ConnectTimeout,
    /// The server's certificate is not trusted.
    #[error("tls certificate: {0}")]
    TlsCertificate(String),
    /// The server does not speak TLS as it should.
    #[error("tls protocol: {0}")]
    TlsProtocol(String),
    /// The peer closed the connection before it answered.
    #[error("the connection was closed before an answer")]
    ConnectionClosed,
    /// The response head was not there in time.
    #[error("waiting for the response head timed out")]
    FirstByteTimeout,
    /// [`Timeouts::total`] passed.
    #[error("the deadline passed")]
    Deadline,
    /// The request's own body did not reach its end.
    #[error("request body: {0}")]
    RequestBody(BodyError),
    /// The peer's answer is not HTTP, has a status outside 200 to 599, or a head larger than the host takes.
    #[error("protocol: {0}")]
    Protocol(String),
    /// A redirect that the options forbid or that can't be followed.
    #[error("redirect: {0}")]
    Redirect(String),
    /// More redirects than the host follows.
    #[error("too many redirects")]
    TooManyRedirects,
    /// Too many requests and unread bodies under way, or a loop through this host.
    #[error("limit: {0}")]
    Limit(String),
    /// Anything else, for a log.
    #[error("{0}")]
    Other(String),
}

/// What happens to a response that redirects. Source: `edge:sdk/fetch#redirect`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redirect {
    /// It is followed.
    #[default]
    Follow,
    /// It is the response.
    Manual,
    /// It is [`Error::Redirect`].
    Error,
}

/// In whole milliseconds, rounded up; `None` is the host's own. Source: `edge:sdk/fetch#timeouts`.
///
/// Of Edgewit's host those are 10 s to connect, 20 s to the response head, `idle-ms` (30 s unless `edge.toml` says
/// otherwise) between two pieces, and no end for everything. A handler has `head-ms`, 30 s as well, to its own reply, and
/// ends with a 504 past it: whoever asks several servers in turn, or wants to answer without one, sets shorter times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// Until there is a connection.
    pub connect: Option<Duration>,
    /// From the end of the request to the response head.
    pub first_byte: Option<Duration>,
    /// Between two pieces of the response body.
    pub between_bytes: Option<Duration>,
    /// For everything, the body and any wait for a free place included.
    pub total: Option<Duration>,
}

/// How a request is sent. The default follows redirects, with the host's timeouts. Source: `edge:sdk/fetch#options`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// What happens to a response that redirects.
    pub redirect: Redirect,
    /// How long it may take.
    pub timeouts: Timeouts,
    /// For what one platform alone offers, by name and value. A host leaves out the names it does not know, unless they
    /// begin with `!`.
    pub hints: Vec<(String, String)>,
}

/// Where a response came from: an extension of every response of [`fetch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The URI, after redirects.
    pub uri: Uri,
    /// How many redirects were followed.
    pub redirects: u8,
    /// What else the host knows of it, by OpenTelemetry's names.
    pub attributes: Vec<(String, String)>,
}

/// Sends a request and waits for the response head. The URI is absolute, http or https; redirects are followed. The
/// response's extensions hold its [`Origin`].
///
/// A body that is made while it is sent goes on while it is wanted: to its end, or until there is an answer. Where the
/// server answers while it reads, the rest is sent as the response's body is read, and dropping that gives it up. An
/// iterator that blocks holds the answer up; [`Body::map`] of a body that arrives does not.
/// Errors: `Fetch` if there is no response, with `RequestBody` if the request's own body broke off; `Consumed` if it was
/// read before.
/// Source: `edge:sdk/fetch#send`, `#send-streaming` and `#wait`.
pub fn fetch(request: Request) -> Result<Response, crate::Error> {
    send(request)?.wait()
}

/// Sends a request as `options` say, otherwise like [`fetch`].
pub fn with_options(request: Request, options: &Options) -> Result<Response, crate::Error> {
    send_with(request, options)?.wait()
}

/// Sends a request and returns at once. Several may be under way: [`select`](crate::poll::select) tells which has an answer.
/// A body that is made while it is sent moves on whenever the request is waited for.
/// Errors: `Fetch` with `Denied` of the origin, `InvalidRequest` or `Limit`; all else shows at [`Pending::wait`].
/// `Consumed` if the request's body was read before.
/// Source: `edge:sdk/fetch#send`.
///
/// A request that was sent is gone.
///
/// ```compile_fail,E0382
/// fn twice(request: edgewit::Request) -> Result<(), edgewit::Error> {
///     edgewit::fetch::send(request)?;
///     edgewit::fetch::send(request).map(drop)
/// }
/// ```
///
/// ```
/// use edgewit::{App, Body, Error, MessageExt, Request, fetch};
///
/// fn get(uri: &str) -> Result<Request, Error> {
///     Ok(edgewit::http::Request::get(uri).body(Body::empty())?)
/// }
///
/// let app = App::new().get("/", |c| {
///     let first = fetch::send(get("https://a.example.com/")?)?;
///     let second = fetch::send(get("https://b.example.com/")?)?;
///     Ok(c.text(first.wait()?.text()? + &second.wait()?.text()?))
/// });
/// # edgewit::test::on_fetch(|request| {
/// #     Ok(edgewit::Response::new(request.uri().host().unwrap()[..1].to_owned().into()))
/// # });
/// # assert_eq!(app.request("/").text().unwrap(), "ab");
/// ```
pub fn send(request: Request) -> Result<Pending, crate::Error> {
    send_with(request, &Options::default())
}

/// Sends a request as `options` say, otherwise like [`send`].
pub fn send_with(request: Request, options: &Options) -> Result<Pending, crate::Error> {
    request.body().check()?;
    let (head, body) = request.into_parts();
    match body.into_outgoing() {
        Outgoing::Stream(stream) => {
            let (inner, upload) = host::send_streaming(head, options)?;
            let pump = RefCell::new(Some(Pump::new(stream, upload)));
            Ok(Pending { inner, pump })
        }
        body => {
            let (inner, pump) = (host::send(head, body, options)?, RefCell::new(None));
            Ok(Pending { inner, pump })
        }
    }
}

/// Starts a request whose body is written afterwards; the request's own body is none. A `content-length` it has is a promise.
///
/// A server may answer while it reads: [`select`](crate::poll::select) over both tells when there is room to write, and when
/// there is an answer. Where the body is known to the code that fetches, [`Body::stream`] takes care of that.
/// Errors: as [`send`], with `InvalidRequest` if the request has a body.
/// Source: `edge:sdk/fetch#send-streaming`.
///
/// ```
/// use edgewit::{App, Body, MessageExt, fetch, http::Request};
///
/// let app = App::new().get("/", |c| {
///     let request = Request::post("https://example.com/").body(Body::empty())?;
///     let (mut upload, pending) = fetch::upload(request)?;
///     for line in ["one\n", "two\n"] {
///         upload.write_all(line.as_bytes())?;
///     }
///     upload.finish()?;
///     Ok(c.text(pending.wait()?.text()?))
/// });
/// # edgewit::test::on_fetch(|request| Ok(edgewit::Response::new(request.into_body())));
/// # assert_eq!(app.request("/").text().unwrap(), "one\ntwo\n");
/// ```
pub fn upload(request: Request) -> Result<(Upload, Pending), crate::Error> {
    upload_with(request, &Options::default())
}

/// Starts a request as `options` say, otherwise like [`upload`].
pub fn upload_with(request: Request, options: &Options) -> Result<(Upload, Pending), crate::Error> {
    request.body().check()?;
    let (head, body) = request.into_parts();
    let Outgoing::None = body.into_outgoing() else {
        let reason = "a request whose body is written afterwards has none before";
        return Err(Error::InvalidRequest(reason.into()).into());
    };
    let (inner, upload) = host::send_streaming(head, options)?;
    let pump = RefCell::new(None);
    Ok((Upload(upload), Pending { inner, pump }))
}

/// A request on its way, until [`wait`](Pending::wait). Dropping it cancels it, its upload included.
/// It is [ready](Pollable) once `wait` does not block.
/// Source: `edge:sdk/fetch#pending`.
///
/// It is waited for once: waiting takes it, so that a second time does not compile.
///
/// ```compile_fail,E0382
/// fn twice(pending: edgewit::fetch::Pending) -> Result<(), edgewit::Error> {
///     pending.wait()?;
///     pending.wait().map(drop)
/// }
/// ```
///
/// Nor can one be waited for that was cancelled.
///
/// ```compile_fail,E0382
/// fn cancelled(pending: edgewit::fetch::Pending) -> Result<(), edgewit::Error> {
///     drop(pending);
///     pending.wait().map(drop)
/// }
/// ```
pub struct Pending {
    inner: host::Pending,
    /// What sends the body, if that is made meanwhile.
    pump: RefCell<Option<Pump>>,
}

impl Pending {
    /// Waits for the response head. An upload goes on; dropping the response's body before its end ends it.
    /// Errors: `Fetch` if there is no response.
    /// Source: `edge:sdk/fetch#wait`.
    pub fn wait(self) -> Result<Response, crate::Error> {
        if self.pump.borrow().is_some() {
            waiting::wait(&self);
        }
        let Some(mut pump) = self.pump.into_inner() else {
            return self.inner.wait();
        };
        pump.check().map_err(Error::RequestBody)?;
        let (head, body) = self.inner.wait()?.into_parts();
        if !pump.moves() {
            return Ok(Response::from_parts(head, body));
        }
        // Who refuses reads no further, whatever becomes of the connection.
        let wanted = head.status.as_u16() < 400;
        if body.length() == Some(0) {
            if wanted {
                pump.run();
                pump.check().map_err(Error::RequestBody)?;
            }
            return Ok(Response::from_parts(head, body));
        }
        let body = Body::made(Duplex { body, pump, wanted });
        Ok(Response::from_parts(head, body))
    }
}

impl Pollable for Pending {}

impl Source for Pending {
    fn poll(&self, waiting: &mut Waiting) -> bool {
        if waiting.on(self.inner.pollable()) {
            return true;
        }
        match &mut *self.pump.borrow_mut() {
            Some(pump) => {
                pump.poll(waiting);
                pump.check().is_err()
            }
            None => false,
        }
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").finish_non_exhaustive()
    }
}

/// The far end of a request body being written. Dropping it before [`finish`](Upload::finish) aborts the request.
/// It is [ready](Pollable) once `write` does not block: there is room, or the upload is over.
///
/// [`io::Write`] is there for what writes to that: a [`BodyError`] is the source of its errors.
/// Source: `edge:sdk/fetch#outgoing-body`.
///
/// What is finished can't be written to.
///
/// ```compile_fail,E0382
/// fn late(mut upload: edgewit::fetch::Upload) -> Result<(), edgewit::BodyError> {
///     upload.finish()?;
///     upload.write_all(b"more")
/// }
/// ```
pub struct Upload(host::Upload);

impl Upload {
    /// Takes at least one byte (none of no bytes), at most 64 KiB, and returns how many. Blocks while there is no room.
    /// Errors: `Unwanted` if the server has answered and reads no further; the others if it can't be sent. The reason
    /// that there is no response is [`Pending::wait`]'s to tell.
    /// Source: `edge:sdk/fetch#outgoing-body.write`.
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize, BodyError> {
        self.0.write(bytes)
    }

    /// Writes all of `bytes`.
    /// Errors: as [`write`](Upload::write).
    pub fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), BodyError> {
        while !bytes.is_empty() {
            bytes = &bytes[self.write(bytes)?..];
        }
        Ok(())
    }

    /// Ends the body. Does not wait for the network: a later failure shows at [`Pending::wait`].
    /// Errors: `Incomplete` if less was written than promised; those of [`write`](Upload::write).
    /// Source: `edge:sdk/fetch#finish`.
    pub fn finish(self) -> Result<(), BodyError> {
        self.finish_with(HeaderMap::new())
    }

    /// Ends the body with trailer fields. Over HTTP/1.1 those get through whose names the request's field `trailer`
    /// announces.
    /// Errors: as [`finish`](Upload::finish).
    pub fn finish_with(self, trailers: HeaderMap) -> Result<(), BodyError> {
        self.0.finish(trailers)
    }
}

impl io::Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Upload::write(self, bytes).map_err(|error| {
            let kind = match error {
                BodyError::Closed | BodyError::Unwanted => io::ErrorKind::BrokenPipe,
                BodyError::Timeout => io::ErrorKind::TimedOut,
                _ => io::ErrorKind::Other,
            };
            io::Error::new(kind, error)
        })
    }

    /// What was written is on its way.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Pollable for Upload {}

impl Source for Upload {
    fn poll(&self, waiting: &mut Waiting) -> bool {
        waiting.on(self.0.pollable())
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Upload").finish_non_exhaustive()
    }
}

/// Sends a body that is made meanwhile, a piece for each time that there is room.
struct Pump {
    stream: Box<dyn Stream>,
    /// What was made and did not fit yet.
    left: Bytes,
    upload: Progress,
}

enum Progress {
    Moves(host::Upload),
    /// The body is whole.
    Finished,
    /// Nobody takes it; the answer says why. Letting go of it would abort the request.
    Refused {
        _upload: host::Upload,
    },
    /// It can't be made.
    Failed(BodyError),
}

impl Pump {
    fn new(stream: Box<dyn Stream>, upload: host::Upload) -> Pump {
        Pump {
            stream,
            left: Bytes::new(),
            upload: Progress::Moves(upload),
        }
    }

    fn moves(&self) -> bool {
        matches!(self.upload, Progress::Moves(_))
    }

    /// Errors: what the body could not be made for.
    fn check(&self) -> Result<(), BodyError> {
        match &self.upload {
            Progress::Failed(error) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Sends one piece if there is room; else `waiting` is for that.
    fn poll(&mut self, waiting: &mut Waiting) {
        let Progress::Moves(upload) = &self.upload else {
            return;
        };
        if !waiting.on(upload.pollable()) || self.left.is_empty() && !self.stream.poll(waiting) {
            return;
        }
        // There may be room for more at once; the others come first.
        waiting.at_most(Duration::ZERO);
        let Progress::Moves(mut upload) = mem::replace(&mut self.upload, Progress::Finished) else {
            return;
        };
        if self.left.is_empty() {
            match self.stream.next() {
                Ok(Chunk::Bytes(bytes)) => self.left = bytes,
                Ok(Chunk::End(trailers)) => {
                    // What is wrong with it is the answer's to tell.
                    let _ = upload.finish(trailers);
                    return;
                }
                Err(error) => {
                    self.upload = Progress::Failed(error);
                    return;
                }
            }
        }
        self.upload = match upload.write(&self.left) {
            Ok(written) => {
                self.left.advance(written);
                Progress::Moves(upload)
            }
            Err(_) => Progress::Refused { _upload: upload },
        };
    }

    /// Sends the rest.
    fn run(&mut self) {
        while self.moves() {
            let mut waiting = Waiting::default();
            self.poll(&mut waiting);
            waiting.block();
        }
    }
}

/// The body of a response that came before the request was whole: the rest is sent as this is read, so that neither side
/// waits for the other.
struct Duplex {
    body: Body,
    pump: Pump,
    /// The rest is sent also after the response has ended.
    wanted: bool,
}

impl Stream for Duplex {
    fn next(&mut self) -> Result<Chunk, BodyError> {
        loop {
            let mut waiting = Waiting::default();
            if self.poll(&mut waiting) {
                break;
            }
            waiting.block();
        }
        self.pump.check()?;
        if let Some(bytes) = self.body.read()? {
            return Ok(Chunk::Bytes(bytes));
        }
        if self.wanted {
            self.pump.run();
            self.pump.check()?;
        }
        Ok(Chunk::End(self.body.trailers().unwrap_or_default()))
    }

    fn poll(&mut self, waiting: &mut Waiting) -> bool {
        if self.body.poll(waiting) {
            return true;
        }
        self.pump.poll(waiting);
        self.pump.check().is_err()
    }

    fn length(&self) -> Option<u64> {
        self.body.length()
    }
}
