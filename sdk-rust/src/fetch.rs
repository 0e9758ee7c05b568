//! Requests to other servers. Source: `edge:sdk/fetch`.

use std::time::Duration;

use http::Uri;

use crate::{BodyError, Request, Response, host};

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

impl Error {
    /// A body that is made while it is sent has no place in a request yet.
    pub(crate) fn streamed() -> Error {
        Error::InvalidRequest("a body made while it is sent can't be the body of a request".into())
    }
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
/// Errors: `Fetch` if there is no response, with `InvalidRequest` for a body made while it is sent; `Consumed` if the
/// request's body was read before.
/// Source: `edge:sdk/fetch#send` and `#wait`.
pub fn fetch(request: Request) -> Result<Response, crate::Error> {
    with_options(request, &Options::default())
}

/// Sends a request as `options` say, otherwise like [`fetch`].
pub fn with_options(request: Request, options: &Options) -> Result<Response, crate::Error> {
    host::fetch(request, options)
}
