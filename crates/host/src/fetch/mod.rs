//! Requests of a guest to other servers.

mod client;
mod connect;
mod exchange;
mod outgoing;
mod route;
mod socket;
mod tasks;
mod tcp;
mod upload;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::Method;
use http::header::{self, HeaderMap, HeaderValue};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::app::Shared;
use crate::bindings::{Body, FetchError, Field, Options, Redirect, Request};
use crate::body::Incoming;
use crate::fields;
use crate::handle::{Handle, Ready};
use crate::inbound;
use crate::state::State;

use outgoing::Outcome;
use upload::Source;

pub(crate) use client::Client;
pub(crate) use connect::trust;
pub use outgoing::Outgoing;

/// This host's name in `cdn-loop` (RFC 8586).
const CDN_ID: &str = "edgewit";

const CONNECT: Duration = Duration::from_secs(10);
const FIRST_BYTE: Duration = Duration::from_secs(30);

/// The resource `pending`.
pub type PendingHandle = Handle<Pending>;

/// The resource `outgoing-body`.
pub type OutgoingHandle = Handle<Outgoing>;

/// A request on its way, in a task of its own.
pub struct Pending {
    task: JoinHandle<Result<Fetched, FetchError>>,
    done: Option<Result<Fetched, FetchError>>,
}

impl Pending {
    pub(crate) async fn response(mut self) -> Result<Fetched, FetchError> {
        std::future::poll_fn(|context| self.poll_ready(context)).await;
        let ended = || FetchError::Other("the request has no end".to_owned());
        self.done.take().unwrap_or_else(|| Err(ended()))
    }
}

impl Ready for Pending {
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.done.is_none() {
            let ended = ready!(Pin::new(&mut self.task).poll(context));
            self.done =
                Some(ended.unwrap_or_else(|error| Err(FetchError::Other(error.to_string()))));
        }
        Poll::Ready(())
    }
}

/// Dropping it cancels the request.
impl Drop for Pending {
    fn drop(&mut self) {
        self.task.abort();
    }
}

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
    /// Cancelled with the request itself.
    over: CancellationToken,
}

impl Drop for Slots {
    fn drop(&mut self) {
        self.over.cancel();
    }
}

impl Slots {
    pub(crate) fn new(limits: &edgewit_manifest::Limits) -> Self {
        let permits =
            |n: u64| Arc::new(Semaphore::new(n.min(Semaphore::MAX_PERMITS as u64) as usize));
        Self {
            waiting: permits(limits.fetches_waiting),
            open: permits(limits.fetches_open),
            over: CancellationToken::new(),
        }
    }
}

/// A request that was checked, and all that its task needs beside the body.
struct Outbound {
    app: Arc<Shared>,
    request_id: Arc<str>,
    method: Method,
    url: Url,
    headers: HeaderMap,
    redirect: Redirect,
    /// The peer to connect to instead of the URL's.
    connect_to: Option<Url>,
    times: Times,
    outcome: Arc<Outcome>,
    waiting: Arc<Semaphore>,
    /// Its place among those that wait for a head, from when it was asked to be sent to its first hop.
    queued: Option<Queued>,
    open: OwnedSemaphorePermit,
    over: CancellationToken,
}

type Queued =
    Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send + Sync>>;

/// A place in the queue, in the order of the calls: which of two tasks runs first says nothing.
fn queue(waiting: &Arc<Semaphore>) -> Queued {
    let mut queued: Queued = Box::pin(waiting.clone().acquire_owned());
    match (&mut queued).now_or_never() {
        Some(taken) => Box::pin(std::future::ready(taken)),
        None => queued,
    }
}

enum OutboundBody {
    None,
    Bytes(Bytes),
    /// Can be sent once, and is gone then.
    Once(Option<Source>),
}

impl OutboundBody {
    /// Whether it can be sent again.
    fn is_lasting(&self) -> bool {
        matches!(self, Self::None | Self::Bytes(_))
    }

    fn source(&mut self) -> Source {
        let source = match self {
            Self::None => None,
            Self::Bytes(bytes) => Some(Source::Whole(bytes.clone())),
            Self::Once(source) => source.take(),
        };
        source.unwrap_or_else(|| Source::Whole(Bytes::new()))
    }
}

#[derive(Clone, Copy)]
struct Times {
    connect: Duration,
    first_byte: Duration,
    between_bytes: Duration,
    deadline: Option<Instant>,
}

/// What a guest asked for: the request, its body taken out of the guest's table if it has a handle.
pub(crate) struct Asked {
    pub(crate) request: Request,
    pub(crate) incoming: Option<Incoming>,
    pub(crate) options: Options,
}

/// Starts a request. Fails only with `denied`, `invalid-request` and `limit`.
pub(crate) fn send(state: &mut State, mut asked: Asked) -> Result<Pending, FetchError> {
    let body = match (asked.incoming.take(), &mut asked.request.body) {
        (Some(incoming), _) => OutboundBody::Once(Some(Source::Forwarded(Box::new(incoming)))),
        (None, Body::Bytes(bytes)) if !bytes.is_empty() => {
            OutboundBody::Bytes(std::mem::take(bytes).into())
        }
        _ => OutboundBody::None,
    };
    start(state, asked, body, Arc::default())
}

/// Starts a request whose body the guest writes.
pub(crate) fn send_streaming(
    state: &mut State,
    asked: Asked,
) -> Result<(Pending, Outgoing), FetchError> {
    if !matches!(asked.request.body, Body::None) {
        let reason = "a request whose body is written afterwards has none before";
        return Err(FetchError::InvalidRequest(reason.to_owned()));
    }
    let promised = promise(&asked.request.headers)?;
    let idle = Duration::from_millis(state.app.limits.idle_ms);
    // Before the connection's own, which is taken later: here a guest learns why.
    let deadline = times(&asked.options, &state.app.limits).deadline;
    let outcome = Arc::<Outcome>::default();
    let (outgoing, written) = outgoing::pipe(promised, idle, deadline, outcome.clone());
    let body = OutboundBody::Once(Some(Source::Written(written)));
    Ok((start(state, asked, body, outcome)?, outgoing))
}

/// The length that a guest promises for what it writes.
fn promise(guest: &[Field]) -> Result<Option<u64>, FetchError> {
    let lengths = guest
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .cloned()
        .collect();
    let headers = fields::to_send(lengths, |_| ()).map_err(FetchError::InvalidRequest)?;
    fields::promised_length(&headers).map_err(FetchError::InvalidRequest)
}

fn start(
    state: &mut State,
    asked: Asked,
    body: OutboundBody,
    outcome: Arc<Outcome>,
) -> Result<Pending, FetchError> {
    state.usage.fetches += 1;
    let (limit, met) = (state.app.limits.fetches, state.usage.fetches);
    if u64::from(met) > limit {
        let reason = format!("fetches: limit {limit}, met {met} in a request");
        return Err(FetchError::Limit(reason));
    }
    let Asked {
        request, options, ..
    } = asked;
    let url = target(&request.uri)?;
    let method = method(&request.method)?;
    if matches!(method, Method::GET | Method::HEAD) && !matches!(body, OutboundBody::None) {
        let reason = format!("a {method} request has no body");
        return Err(FetchError::InvalidRequest(reason));
    }
    let headers = head(state, request.headers, &method, &body)?;
    let connect_to = hinted(&options, &url)?;
    let id = state.request_id();
    for granted in [Some(&url), connect_to.as_ref()].into_iter().flatten() {
        check_grant(&state.app, &id, granted)?;
    }
    let slots = state
        .slots
        .get_or_insert_with(|| Slots::new(&state.app.limits));
    let limits = &state.app.limits;
    let Ok(open) = slots.open.clone().try_acquire_owned() else {
        let limit = limits.fetches_open;
        let met = limit + 1;
        let reason = format!("fetches-open: limit {limit}, met {met} requests and unread bodies");
        return Err(FetchError::Limit(reason));
    };
    let outbound = Outbound {
        waiting: slots.waiting.clone(),
        queued: Some(queue(&slots.waiting)),
        over: slots.over.clone(),
        app: state.app.clone(),
        request_id: id,
        method,
        url,
        headers,
        redirect: options.redirect,
        connect_to,
        times: times(&options, limits),
        outcome,
        open,
    };
    Ok(Pending {
        task: tokio::spawn(exchange::run(outbound, body)),
        done: None,
    })
}

/// Grants are checked on every hop.
fn check_grant(app: &Shared, request_id: &str, url: &Url) -> Result<(), FetchError> {
    if app.grants.fetch.iter().any(|origin| origin.allows(url)) {
        return Ok(());
    }
    Err(deny(app, request_id, url, ""))
}

/// The address that a granted name has is not granted.
fn denied(outbound: &Outbound, address: &Url, name: &str) -> FetchError {
    let of = format!(", where {name} leads,");
    deny(&outbound.app, &outbound.request_id, address, &of)
}

fn deny(app: &Shared, request_id: &str, url: &Url, what: &str) -> FetchError {
    let line = edgewit_manifest::Origin::line(url).unwrap_or_default();
    tracing::warn!(
        target: "edgewit::host", request = request_id, app = &*app.name,
        "denied: {}{what} is not granted; to grant it, add {line} to fetch in {}",
        url.origin().ascii_serialization(), app.grants_file
    );
    FetchError::Denied
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
    headers.remove(header::CONTENT_LENGTH);
    if matches!(body, OutboundBody::None) && matches!(*method, Method::POST | Method::PUT) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    let before = state.cdn_loop.as_deref().unwrap_or_default();
    let hops = before
        .split(',')
        .filter(|id| id.trim().split(';').next() == Some(CDN_ID))
        .count();
    let (limit, met) = (limits.hops, hops as u64 + 1);
    if met > limit {
        let reason = format!("hops: limit {limit}, met {met} through this host");
        return Err(FetchError::Limit(reason));
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

/// The peer that the hint `connect-to` names, as a URL of the request's scheme. A hint that must be known
/// and is not is an error.
fn hinted(options: &Options, url: &Url) -> Result<Option<Url>, FetchError> {
    let mut connect_to = None;
    for (name, value) in &options.hints {
        match name.strip_prefix('!').unwrap_or(name) {
            "connect-to" => connect_to = Some(peer(value, url)?),
            _ if name.starts_with('!') => {
                let reason = format!("hint {name:?} is not known to this host");
                return Err(FetchError::InvalidRequest(reason));
            }
            _ => {}
        }
    }
    Ok(connect_to)
}

fn peer(value: &str, url: &Url) -> Result<Url, FetchError> {
    let invalid = || {
        let reason = format!("hint connect-to {value:?}: host:port is due");
        FetchError::InvalidRequest(reason)
    };
    let (host, port) = value.rsplit_once(':').ok_or_else(invalid)?;
    let is_plain = !host.contains(['/', '\\', '?', '#', '@']) && !port.starts_with('+');
    let port: u16 = port.parse().map_err(|_| invalid())?;
    let peer = Url::parse(&format!("{}://{host}:{port}/", url.scheme())).map_err(|_| invalid())?;
    is_plain.then_some(peer).ok_or_else(invalid)
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
