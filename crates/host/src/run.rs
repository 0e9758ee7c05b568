//! One request from its arrival to `after-reply`, in an instance of its own.

use std::any::Any;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Request, Response, StatusCode};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use wasmtime::{Store, UpdateDeadline};

use crate::app::App;
use crate::bindings::{self, Body, BodyError, Reply};
use crate::body::BoxError;
use crate::delivery::Progress;
use crate::end::{End, Ended};
use crate::handle::Handle;
use crate::imports::{cut, flush_part_lines};
use crate::inbound::{self, Inbound, InboundBody, Refused};
use crate::meter::{Meter, Metered};
use crate::reply::{self, ReplyBody};
use crate::seam::Hook;
use crate::state::State;
use crate::stream;

/// The id of the request that a response answers, in the response's extensions: the one that its log
/// lines carry.
#[derive(Clone, Debug)]
pub struct RequestId(pub Arc<str>);

/// Unique over all requests of all hosts, without asking the system each time.
fn next_request_id() -> Arc<str> {
    static SEED: OnceLock<u64> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    // Without the system's randomness ids are unique in this process alone, which is no reason to fail.
    let seed = SEED.get_or_init(|| getrandom::u64().unwrap_or_default());
    format!("{seed:016x}{:08x}", COUNT.fetch_add(1, Relaxed)).into()
}

/// What is known of a request throughout, and said in its line.
pub(crate) struct Run {
    pub(crate) app: App,
    id: Arc<str>,
    pub(crate) meter: Arc<Meter>,
    method: http::Method,
    path: String,
    pub(crate) is_head: bool,
    /// Cancelled once the client is known to be gone.
    gone: CancellationToken,
    /// What resets its stream, if it came by one.
    pub(crate) stream: Option<CancellationToken>,
    /// The status that was sent, and how far its body has come.
    begun: OnceLock<(StatusCode, Arc<Progress>)>,
    has_line: AtomicBool,
}

impl Drop for Run {
    /// What ends its task, as the end of the runtime does, and a client that goes before there is one, leave a line too.
    fn drop(&mut self) {
        if self.has_line.load(Relaxed) {
            return;
        }
        let begun = self.begun.get();
        let (status, bytes) = begun.map_or(
            (StatusCode::SERVICE_UNAVAILABLE, 0),
            |(status, progress)| (*status, progress.bytes()),
        );
        self.line(status, bytes, &Err(BodyError::Closed));
    }
}

pub(crate) type HeadSender = oneshot::Sender<Response<ReplyBody>>;
pub(crate) type Sent = Result<(), BodyError>;

impl App {
    /// Answers one request, in an instance of its own that lives in a task of its own: dropping the
    /// response, or this future, does not end the guest but tells it that the client is gone.
    ///
    /// It never fails: what goes wrong is a status and a line in the log. Must be called within a
    /// Tokio runtime.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<ReplyBody>
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let run = Run {
            app: self.clone(),
            id: next_request_id(),
            meter: Meter::new(Duration::from_millis(self.shared.limits.guest_ms)),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            is_head: request.method() == http::Method::HEAD,
            gone: CancellationToken::new(),
            stream: stream::cut(),
            begun: OnceLock::new(),
            has_line: AtomicBool::new(false),
        };
        // Whoever drops this future has a client that is gone.
        let gone = run.gone.clone().drop_guard();
        let id = run.id.clone();
        let mut response = run.start(request).await;
        gone.disarm();
        response.extensions_mut().insert(RequestId(id));
        response
    }
}

/// Lets go first what is ready to. A connection is often given its next request while it writes a reply, in one poll, and
/// the runtime goes on with what was woken last: instances whose reply is gone would pile up behind those of new
/// requests. Tokio's own yield waits until nothing else is ready, new connections included.
async fn step_back() {
    let mut has_stepped = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_stepped, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// What a panic said.
fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("without a word").to_owned()
}

impl Run {
    async fn start<B>(self, request: Request<B>) -> Response<ReplyBody>
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let shared = self.app.shared.clone();
        let inbound = match inbound::receive(&shared, &self.meter, &self.id, request).await {
            Ok(inbound) => inbound,
            Err(refused) => return self.refuse(&refused),
        };
        step_back().await;
        let place = match shared.instances.place().await {
            Ok(place) => place,
            Err(full) => {
                return self.refuse(&Refused {
                    status: StatusCode::SERVICE_UNAVAILABLE,
                    reason: full.to_string(),
                });
            }
        };
        let (head, wait_for_head) = oneshot::channel();
        let meter = self.meter.clone();
        let own = self;
        // Boxed: a task is moved and overwritten whole several times, and this one is large.
        let task = Box::pin(async move {
            // Nothing that a panic may have left half done is used again but the log and the hook.
            let ran = AssertUnwindSafe(own.run(inbound, head)).catch_unwind();
            if let Err(panic) = ran.await {
                own.panicked(&*panic);
            }
            drop(place);
            own.tell(|hook, id| hook.ended(id));
        });
        tokio::spawn(Metered::new(meter, task));
        // It is lost in a panic, which has its lines, or where the runtime itself is going down.
        wait_for_head
            .await
            .unwrap_or_else(|_| reply::bare(StatusCode::INTERNAL_SERVER_ERROR))
    }

    fn panicked(&self, panic: &(dyn Any + Send)) {
        self.error(&format!(
            "the host itself panicked: {}",
            cut(&text_of(panic))
        ));
        if self.has_line.load(Relaxed) {
            return;
        }
        match self.begun.get() {
            None => self.line(StatusCode::INTERNAL_SERVER_ERROR, 0, &Ok(())),
            Some((status, progress)) => {
                self.line(*status, progress.bytes(), &Err(BodyError::Incomplete));
            }
        }
    }

    /// What is sent from here on is the reply's body.
    pub(crate) fn has_begun(&self, status: StatusCode, progress: &Arc<Progress>) {
        let _ = self.begun.set((status, progress.clone()));
    }

    fn refuse(&self, refused: &Refused) -> Response<ReplyBody> {
        tracing::warn!(
            target: "edgewit::host", request = &*self.id, app = self.app.name(), "refused: {}", refused.reason
        );
        self.line(refused.status, 0, &Ok(()));
        reply::bare(refused.status)
    }

    /// The one line of this request. How its reply ended is in it where that is not well.
    pub(crate) fn line(&self, status: StatusCode, bytes: u64, sent: &Sent) {
        self.has_line.store(true, Relaxed);
        let ended = sent.as_ref().err().map(BodyError::name);
        let how = ended.map_or_else(String::new, |ended| format!(", {ended}"));
        tracing::info!(
            target: "edgewit::request",
            request = &*self.id,
            app = self.app.name(),
            method = self.method.as_str(),
            path = self.path,
            status = status.as_u16(),
            bytes,
            ended,
            guest_us = self.meter.guest_time().as_micros() as u64,
            wall_us = self.meter.wall_time().as_micros() as u64,
            "{} {} {}{how}", self.method, self.path, status.as_u16()
        );
    }

    pub(crate) fn error(&self, reason: &str) {
        tracing::error!(target: "edgewit::host", request = &*self.id, app = self.app.name(), "{reason}");
        self.tell(|hook, id| hook.failed(id, reason));
    }

    pub(crate) fn replied(&self, reply: &Reply) {
        let handed_on = match &reply.body {
            bindings::ReplyBody::Incoming(handle) => Some(handle.rep()),
            _ => None,
        };
        self.tell(|hook, id| hook.replied(id, &reply.hints, handed_on));
    }

    /// The error of a guest that did not return.
    pub(crate) fn trapped(&self, when: &str, trap: &wasmtime::Error, state: &State) -> Ended {
        let ended = Ended::of(trap, state);
        self.error(&format!("{when}{ended}"));
        self.tell(|hook, id| hook.trapped(id));
        ended
    }

    fn store(&self, inbound: &mut Inbound) -> Store<State> {
        let state = State::new(
            self.app.shared.clone(),
            self.id.clone(),
            self.meter.clone(),
            self.gone.clone(),
            inbound,
        );
        let mut store = Store::new(self.app.pre.engine(), state);
        store.limiter(|state| state);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|context| {
            context.data().check_time()?;
            // The runtime looks at its sockets before it goes on here, also with one thread.
            Ok(UpdateDeadline::YieldCustom(
                1,
                Box::pin(tokio::task::yield_now()),
            ))
        });
        store
    }

    async fn run(&self, mut inbound: Inbound, head: HeadSender) {
        self.tell(|hook, id| hook.began(id));
        let mut store = self.store(&mut inbound);
        self.answer(&mut store, inbound, head).await;
        flush_part_lines(store.data_mut());
        self.tell(|hook, id| hook.returned(id));
    }

    fn tell(&self, what: impl FnOnce(&dyn Hook, &str)) {
        if let Some(hook) = &self.app.shared.hook {
            what(&**hook, &self.id);
        }
    }

    /// All that the guest does for its request.
    async fn answer(&self, store: &mut Store<State>, inbound: Inbound, head: HeadSender) {
        let limit = Duration::from_millis(self.app.shared.limits.head_ms);
        let called = self.within(limit, self.call(store, inbound)).await;
        let (guest, result) = match called {
            Ok(called) => called,
            Err(trap) => return self.end_before_head(store, &trap, head),
        };
        let sent = match result {
            Ok(reply) => self.deliver(store, &guest, reply, head).await,
            Err(mut text) => {
                text.push_str(&store.data().memory_refused());
                if let Some(failed) = &store.data().kv_failed {
                    failed.add_to(&mut text);
                }
                Some(self.fail(&text, store.data().client(), head).await)
            }
        };
        if let Some(sent) = sent {
            self.after_reply(store, &guest, sent).await;
        }
    }

    /// Brings the instance up and calls `handle`.
    async fn call(
        &self,
        store: &mut Store<State>,
        inbound: Inbound,
    ) -> wasmtime::Result<(bindings::App, Result<Reply, String>)> {
        let body = match inbound.body {
            InboundBody::None => Body::None,
            InboundBody::Bytes(bytes) => Body::Bytes(bytes),
            InboundBody::Incoming(incoming) => {
                Body::Incoming(store.data_mut().table.push(Handle::new(*incoming))?)
            }
        };
        let request = bindings::Request {
            method: inbound.method,
            uri: inbound.uri,
            headers: inbound.headers,
            body,
        };
        let guest = self.app.pre.instantiate_async(&mut *store).await?;
        self.tell(|hook, id| hook.instantiated(id));
        let result = guest
            .edge_sdk_handler()
            .call_handle(store, &request, &inbound.context)
            .await?;
        Ok((guest, result))
    }

    /// The wall time to the head, what waiting for the client's body takes left out.
    async fn within<T>(
        &self,
        limit: Duration,
        call: impl Future<Output = wasmtime::Result<T>>,
    ) -> wasmtime::Result<T> {
        let mut call = std::pin::pin!(call);
        let start = Instant::now();
        let mut deadline = start + limit;
        loop {
            if let Ok(called) = timeout_at(deadline, &mut call).await {
                return called;
            }
            let moved = start + limit + self.meter.client_wait();
            // A wait under way moves the deadline with every look; one step is not to be a busy loop.
            if moved <= deadline + Duration::from_millis(1) {
                return Err(End::Wall(limit).into());
            }
            deadline = moved;
        }
    }

    pub(crate) fn end_before_head(
        &self,
        store: &Store<State>,
        trap: &wasmtime::Error,
        head: HeadSender,
    ) {
        let ended = self.trapped("", trap, store.data());
        self.line(ended.status, 0, &Ok(()));
        // A client that is gone needs no reply.
        let _ = head.send(reply::bare(ended.status));
    }

    async fn after_reply(&self, store: &mut Store<State>, guest: &bindings::App, sent: Sent) {
        let limits = &self.app.shared.limits;
        self.meter
            .next_phase(Duration::from_millis(limits.guest_ms));
        // A tick that passed while the reply was taken is no reason to stand behind others at once.
        store.set_epoch_deadline(1);
        let wait = Duration::from_millis(limits.after_reply_ms);
        let called = timeout(
            wait,
            guest
                .edge_sdk_handler()
                .call_after_reply(&mut *store, sent.as_ref().copied()),
        )
        .await;
        if let Err(trap) = called.unwrap_or_else(|_| Err(End::AfterReply(wait).into())) {
            self.trapped("after-reply: ", &trap, store.data());
        }
    }
}
