//! Calling an application in process, in a plain `cargo test`, with stores and a log in memory.
//!
//! Every thread, and so every test, has stores, a log and a server of its own. [`Router::request`] and
//! [`Router::handle`] make the call. Missing in a component.

use std::sync::atomic::{AtomicU64, Ordering};

use http::{StatusCode, Uri};
use log::Level;

use crate::context::Info;
use crate::host::{self, native};
use crate::{Body, Context, FetchError, Request, Response, Router, logger, reply};

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How important it is.
    pub level: Level,
    /// Where it comes from, a module's path by default.
    pub target: String,
    /// The text.
    pub message: String,
}

/// Takes what this thread has logged since the last call, oldest first.
pub fn take_log() -> Vec<LogLine> {
    let line = |(level, target, message)| LogLine {
        level,
        target,
        message,
    };
    native::LOG.take().into_iter().map(line).collect()
}

/// Answers every fetch of this thread by `server`. Without one every fetch is [`FetchError::Denied`].
pub fn on_fetch(server: impl FnMut(Request) -> Result<Response, FetchError> + 'static) {
    native::SERVER.set(Some(Box::new(server)));
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
    /// A URI that is a path is one on `http://localhost`.
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
        let info = Info {
            request_id: format!("test-{}", REQUESTS.fetch_add(1, Ordering::Relaxed)),
            client: Some("127.0.0.1".into()),
            attributes: Vec::new(),
        };
        let mut context = Context::new(request, info);
        let result = self.dispatch(&mut context).and_then(|response| {
            reply::check(&response)?;
            let (head, body) = response.into_parts();
            Ok(Response::from_parts(head, body.into_outgoing()?.into()))
        });
        result.unwrap_or_else(|error| {
            host::log(Level::Error, "edgewit", &error.chain());
            reply::empty(StatusCode::INTERNAL_SERVER_ERROR)
        })
    }
}
