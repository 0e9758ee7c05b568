//! Calling an application in process, in a plain `cargo test`, with stores and a log in memory.
//!
//! Every thread, and so every test, has stores, a log, a server and a clock of its own. [`Router::request`] and
//! [`Router::handle`] make the call. Missing in a component.
//!
//! Every store is there and nothing is denied: what `edge.toml` grants is first asked where the application is served.
//!
//! The server answers each request when it is whole, so an upload is finished before its answer is waited for. Waiting
//! turns the clock on and takes no time: a test of a timeout is as fast as any other, and one that waits for what never
//! comes panics. A body that is made while it is sent is made as the test reads it, and what was handed to
//! [`Context::wait_until`](crate::Context::wait_until) runs at its end, or where it is dropped; for any other reply it has run when the call returns.
//!
//! ```
//! use std::time::Duration;
//!
//! use edgewit::fetch::{Options, Timeouts};
//! use edgewit::{App, Body, Response, fetch, http::Request, test};
//!
//! let app = App::new().get("/", |_| {
//!     let request = Request::get("https://example.com/").body(Body::empty())?;
//!     let total = Some(Duration::from_secs(5));
//!     let timeouts = Timeouts { total, ..Timeouts::default() };
//!     fetch::with_options(request, &Options { timeouts, ..Options::default() })
//! });
//! test::on_fetch(|_| Ok(test::late(Response::default(), Duration::from_secs(60))));
//! assert_eq!(app.request("/").status(), 500);
//! assert_eq!(test::take_log()[0].message, "fetch: the deadline passed");
//! ```

use std::cell::Cell;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::response::Parts;
use http::{StatusCode, Uri};
use log::Level;

use crate::after::{self, Task};
use crate::body::Outgoing;
use crate::context::Info;
use crate::host::native::fields::{received, sent};
use crate::host::{self, Chunk, native};
use crate::stream::Stream;
use crate::{
    Body, BodyError, Error, FetchError, Hints, Request, Response, Router, logger, reply, wire,
};

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How important it is.
    pub level: Level,
    /// Where it comes from, a module's path by default.
    pub target: String,
    /// The text.
    pub message: String,
    /// Its fields, in order.
    pub fields: Vec<(String, String)>,
}

/// Takes what this thread has logged since the last call, oldest first.
pub fn take_log() -> Vec<LogLine> {
    native::LOG.take()
}

/// Answers every fetch of this thread by `server`. Without one every fetch is [`FetchError::Denied`].
pub fn on_fetch(server: impl FnMut(Request) -> Result<Response, FetchError> + 'static) {
    native::SERVER.set(Some(Box::new(server)));
}

/// A response that comes only after that time, [`Duration::MAX`] for one that never does. For [`on_fetch`].
pub fn late(mut response: Response, after: Duration) -> Response {
    response.extensions_mut().insert(host::Late(after));
    response
}

/// Has the client of this thread's next request go, that long after it was sent.
pub fn hang_up_after(time: Duration) {
    HANG_UP.set(Some(time));
}

thread_local! {
    static HANG_UP: Cell<Option<Duration>> = const { Cell::new(None) };
}

impl Router {
    /// Sends a GET request to this application, as a host would; `uri` is absolute, or a path on `http://localhost`.
    /// Panics: if `uri` is not a URI.
    pub fn request(&self, uri: &str) -> Response {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = match uri.parse() {
            Ok(uri) => uri,
            Err(error) => panic!("`{uri}`: {error}"),
        };
        self.handle(request)
    }

    /// Sends a request to this application, as a host would: a handler that fails is an empty 500, and a line of the log.
    /// A URI that is a path is one on `http://localhost`. What crosses to a host and back does so here: of the request and
    /// the reply fields that belong to the connection are left out, and extensions but [`Hints`].
    pub fn handle(&self, mut request: Request) -> Response {
        static REQUESTS: AtomicU64 = AtomicU64::new(1);

        logger::install();
        if request.uri().authority().is_none() {
            let mut parts = request.uri().clone().into_parts();
            parts.scheme = Some(http::uri::Scheme::HTTP);
            parts.authority = Some(http::uri::Authority::from_static("localhost"));
            // A path is all that was missing of an absolute URI.
            *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
        }
        let (parts, body) = request.into_parts();
        let protocol = format!("{:?}", parts.version).replace("HTTP/", "");
        let info = Info {
            request_id: format!("test-{}", REQUESTS.fetch_add(1, Ordering::Relaxed)),
            client: Some("127.0.0.1".into()),
            attributes: vec![("network.protocol.version".into(), protocol)],
        };
        let mut head = wire::Head::from(&parts);
        head.fields = received(head.fields);
        let restore_client = host::client_goes(HANG_UP.take());
        let outer = after::replace(Vec::new());
        let result = wire::handle(self, head, body, info);
        let tasks = after::replace(outer);
        restore_client();
        match result.and_then(arrived) {
            Ok((head, body)) => Response::from_parts(head, watched(body, tasks)),
            Err(error) => {
                host::log(Level::Error, "edgewit", &error.chain(), &[]);
                after::run(tasks, &Ok(()));
                reply::empty(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

/// A reply as its client gets it.
fn arrived(reply: wire::Reply) -> Result<(Parts, Outgoing), Error> {
    let (mut head, ()) = http::Response::new(()).into_parts();
    head.status = StatusCode::from_u16(reply.status)?;
    head.headers = wire::headers(sent(reply.fields))?;
    if !reply.hints.is_empty() {
        head.extensions.insert(Hints(reply.hints));
    }
    Ok((head, reply.body))
}

/// A body that runs `tasks` at its end; they have run if it is whole.
fn watched(body: Outgoing, tasks: Vec<Task>) -> Body {
    match body {
        Outgoing::Stream(stream) if !tasks.is_empty() => Body::made(Watched { stream, tasks }),
        body => {
            after::run(tasks, &Ok(()));
            body.into()
        }
    }
}

struct Watched {
    stream: Box<dyn Stream>,
    tasks: Vec<Task>,
}

impl Stream for Watched {
    fn next(&mut self) -> Result<Chunk, BodyError> {
        let next = self.stream.next();
        let sent = match &next {
            Ok(Chunk::Bytes(_)) => return next,
            Ok(Chunk::End(_)) => Ok(()),
            Err(error) => Err(error.clone()),
        };
        after::run(mem::take(&mut self.tasks), &sent);
        next
    }
}

/// Who lets go of the body is a client that goes.
impl Drop for Watched {
    fn drop(&mut self) {
        after::run(mem::take(&mut self.tasks), &Err(BodyError::Closed));
    }
}
