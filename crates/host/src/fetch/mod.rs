//! Requests of a guest to other servers.

mod connect;
mod exchange;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Uri};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use url::Url;

use crate::app::Shared;
use crate::bindings::{Body, FetchError, Field, Options, Redirect, Request};
use crate::body::Incoming;
use crate::fields;
use crate::inbound;
use crate::state::State;

pub(crate) use connect::{Client, trust};

/// This host's name in `cdn-loop` (RFC 8586).
const CDN_ID: &str = "edgewit";

const CONNECT: Duration = Duration::from_secs(10);
const FIRST_BYTE: Duration = Duration::from_secs(30);

/// The resource `pending`: a request on its way, in a task of its own.
pub struct Pending {
    task: JoinHandle<Result<Fetched, FetchError>>,
}

impl Pending {
    pub(crate) async fn response(mut self) -> Result<Fetched, FetchError> {
        match (&mut self.task).await {
            Ok(response) => response,
            Err(error) => Err(FetchError::Other(error.to_string())),
        }
    }
}

/// Dropping it cancels the request.
impl Drop for Pending {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The resource `outgoing-body`, which nothing makes before `send-streaming` is offered.
pub struct Outgoing;

/// A response head, and its body if there is one.
pub(crate) struct Fetched {
    pub(crate) status: u16,
    pub(crate) headers: Vec<Field>,
    pub(crate) body: Option<Incoming>,
    pub(crate) uri: String,
    pub(crate) redirects: u8,
    pub(crate) attributes: Vec<(String, String)>,
}

/// What may be under way for one request at a time.
pub(crate) struct Slots {
    /// Waiting for a head.
    waiting: Arc<Semaphore>,
    /// Requests and unread bodies together.
    open: Arc<Semaphore>,
}

impl Slots {
    pub(crate) fn new(limits: &edgewit_manifest::Limits) -> Self {
        let permits =
            |n: u64| Arc::new(Semaphore::new(n.min(Semaphore::MAX_PERMITS as u64) as usize));
        Self {
            waiting: permits(limits.fetches_waiting),
            open: permits(limits.fetches_open),
        }
    }
}

/// A request that was checked, and all that its task needs.
struct Outbound {
    app: Arc<Shared>,
    request_id: Arc<str>,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: OutboundBody,
    redirect: Redirect,
    times: Times,
    waiting: Arc<Semaphore>,
    open: OwnedSemaphorePermit,
}

enum OutboundBody {
    None,
    Bytes(Bytes),
    /// Can be sent once.
    Incoming(Box<Incoming>),
}

#[derive(Clone, Copy)]
struct Times {
    connect: Duration,
    first_byte: Duration,
    between_bytes: Duration,
    deadline: Option<Instant>,
}

/// Starts a request. Fails only with `denied`, `invalid-request` and `limit`.
pub(crate) fn send(
    state: &mut State,
    request: Request,
    incoming: Option<Incoming>,
    options: Options,
) -> Result<Pending, FetchError> {
    let url = target(&request.uri)?;
    let method = method(&request.method)?;
    let body = match (request.body, incoming) {
        (_, Some(incoming)) => OutboundBody::Incoming(Box::new(incoming)),
        (Body::Bytes(bytes), None) if !bytes.is_empty() => OutboundBody::Bytes(bytes.into()),
        _ => OutboundBody::None,
    };
    if matches!(method, Method::GET | Method::HEAD) && !matches!(body, OutboundBody::None) {
        return Err(FetchError::InvalidRequest(format!(
            "a {method} request has no body"
        )));
    }
    let headers = head(state, request.headers, &method, &body)?;
    check_hints(&options)?;
    check_grant(&state.app, &state.request_id(), &url)?;
    state.usage.fetches += 1;
    let slots = state
        .slots
        .get_or_insert_with(|| Slots::new(&state.app.limits));
    let limits = &state.app.limits;
    if u64::from(state.usage.fetches) > limits.fetches {
        return Err(FetchError::Limit(format!(
            "fetches: limit {} in a request",
            limits.fetches
        )));
    }
    let Ok(open) = slots.open.clone().try_acquire_owned() else {
        let reason = format!(
            "fetches-open: limit {} requests and unread bodies",
            limits.fetches_open
        );
        return Err(FetchError::Limit(reason));
    };
    let outbound = Outbound {
        waiting: slots.waiting.clone(),
        app: state.app.clone(),
        request_id: state.request_id(),
        method,
        url,
        headers,
        body,
        redirect: options.redirect,
        times: times(&options, limits),
        open,
    };
    Ok(Pending {
        task: tokio::spawn(exchange::run(outbound)),
    })
}

/// Grants are checked on every hop.
fn check_grant(app: &Shared, request_id: &str, url: &Url) -> Result<(), FetchError> {
    if app.grants.fetch.iter().any(|origin| origin.allows(url)) {
        return Ok(());
    }
    let line = edgewit_manifest::Origin::line(url).unwrap_or_default();
    tracing::warn!(
        target: "edgewit::host", request = request_id, app = &*app.name,
        "denied: {} is not granted; to grant it, add this to {}: fetch = [{line}]",
        url.origin().ascii_serialization(), app.grants_file
    );
    Err(FetchError::Denied)
}

/// An absolute http or https URI, without user information or fragment.
fn target(uri: &str) -> Result<Url, FetchError> {
    let invalid = |reason: &str| FetchError::InvalidRequest(format!("uri {uri:?}: {reason}"));
    let url = Url::parse(uri).map_err(|error| invalid(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid("the scheme is neither http nor https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("user information"));
    }
    if url.fragment().is_some() {
        return Err(invalid("a fragment"));
    }
    Ok(url)
}

fn method(method: &str) -> Result<Method, FetchError> {
    let invalid = |reason: &str| FetchError::InvalidRequest(format!("method {method:?}: {reason}"));
    if inbound::is_not_offered(method) {
        return Err(invalid("not offered"));
    }
    if let Some(meant) = inbound::meant(method) {
        return Err(invalid(&format!("{meant} is the method")));
    }
    Method::from_bytes(method.as_bytes()).map_err(|error| invalid(&error.to_string()))
}

/// The fields that leave: the guest's, framing and `cdn-loop`.
fn head(
    state: &State,
    guest: Vec<Field>,
    method: &Method,
    body: &OutboundBody,
) -> Result<HeaderMap, FetchError> {
    let id = state.request_id();
    let mut headers = fields::to_send(guest, |name| {
        tracing::debug!(target: "edgewit::host", request = &*id, app = &*state.app.name, "fetch: {name} is the host's and left out");
    })
    .map_err(FetchError::InvalidRequest)?;
    let limits = &state.app.limits;
    if fields::size(&headers) > limits.request_head_bytes {
        let reason = format!(
            "the head is larger than {} bytes",
            limits.request_head_bytes
        );
        return Err(FetchError::InvalidRequest(reason));
    }
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("te"));
    headers.remove(header::CONTENT_LENGTH);
    if matches!(body, OutboundBody::None) && matches!(*method, Method::POST | Method::PUT) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    let before = state.cdn_loop.as_deref().unwrap_or_default();
    let hops = before
        .split(',')
        .filter(|id| id.trim().split(';').next() == Some(CDN_ID))
        .count();
    if hops as u64 >= limits.hops {
        return Err(FetchError::Limit(format!(
            "hops: limit {} through this host",
            limits.hops
        )));
    }
    let cdn_loop = if before.is_empty() {
        CDN_ID.to_owned()
    } else {
        format!("{before}, {CDN_ID}")
    };
    if let Ok(value) = HeaderValue::from_str(&cdn_loop) {
        headers.insert("cdn-loop", value);
    }
    Ok(headers)
}

/// `connect-to` comes with the rest of the interface: until then it is refused, not ignored.
fn check_hints(options: &Options) -> Result<(), FetchError> {
    for (name, _) in &options.hints {
        if name.starts_with('!') || name == "connect-to" {
            return Err(FetchError::InvalidRequest(format!(
                "hint {name:?} is not known to this host"
            )));
        }
    }
    Ok(())
}

fn times(options: &Options, limits: &edgewit_manifest::Limits) -> Times {
    let millis = |ms: Option<u32>| ms.map(|ms| Duration::from_millis(ms.into()));
    let given = &options.timeouts;
    Times {
        connect: millis(given.connect_ms).unwrap_or(CONNECT),
        first_byte: millis(given.first_byte_ms).unwrap_or(FIRST_BYTE),
        between_bytes: millis(given.between_bytes_ms)
            .unwrap_or(Duration::from_millis(limits.idle_ms)),
        deadline: millis(given.total_ms).map(|total| Instant::now() + total),
    }
}

/// The request target and authority of a URL, as HTTP/1.1 sends them.
fn origin_form(url: &Url) -> Result<(Uri, HeaderValue), FetchError> {
    let invalid = |reason: String| FetchError::InvalidRequest(format!("uri {url}: {reason}"));
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let uri = path
        .parse()
        .map_err(|error: http::uri::InvalidUri| invalid(error.to_string()))?;
    let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let host = HeaderValue::from_str(authority).map_err(|error| invalid(error.to_string()))?;
    Ok((uri, host))
}
