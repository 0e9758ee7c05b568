//! Requests of a guest to other servers.

mod client;
mod connect;
mod exchange;
mod outgoing;
mod request;
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
use http::header::HeaderMap;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::app::Shared;
use crate::bindings::{Body, FetchError, Field, Options, Redirect, Request};
use crate::body::Incoming;
use crate::handle::{Handle, Ready};
use crate::state::State;

use outgoing::Abort;
use request::{check_grant, head, hinted, method, promise, target};
use upload::Source;

pub(crate) use client::Client;
pub(crate) use connect::trust;
pub use outgoing::Outgoing;

const CONNECT: Duration = Duration::from_secs(10);
/// Shorter than `head-ms` is unless it is set: a guest has time left to answer without.
const FIRST_BYTE: Duration = Duration::from_secs(20);

/// The resource `pending`.
pub type PendingHandle = Handle<Pending>;

/// The resource `outgoing-body`.
pub type OutgoingHandle = Handle<Outgoing>;

/// A request on its way, in a task of its own.
pub struct Pending {
    task: JoinHandle<Result<Fetched, FetchError>>,
    done: Option<Result<Fetched, FetchError>>,
    abort: Arc<Abort>,
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
        // An upload is not to find that out by how long the task takes to end.
        if self.done.is_none() && !self.task.is_finished() {
            self.abort.cancel();
        }
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
    abort: Arc<Abort>,
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
    let abort = Arc::<Abort>::default();
    let (outgoing, written) = outgoing::pipe(promised, idle, deadline, abort.clone());
    let body = OutboundBody::Once(Some(Source::Written(written)));
    Ok((start(state, asked, body, abort)?, outgoing))
}

fn start(
    state: &mut State,
    asked: Asked,
    body: OutboundBody,
    abort: Arc<Abort>,
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
        abort: abort.clone(),
        open,
    };
    Ok(Pending {
        task: tokio::spawn(exchange::run(outbound, body)),
        done: None,
        abort,
    })
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
