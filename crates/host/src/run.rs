//! One request from its arrival to `after-reply`, in an instance of its own.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use wasmtime::component::ResourceAny;
use wasmtime::{Store, UpdateDeadline};

use crate::app::App;
use crate::bindings::{self, Body, BodyError, Chunk, Reply};
use crate::body::BoxError;
use crate::end::{End, Ended};
use crate::fields;
use crate::handle::Handle;
use crate::imports::{cut, flush_part_lines};
use crate::inbound::{self, Inbound, InboundBody, Refused};
use crate::meter::{Meter, Metered};
use crate::reply::{self, Delivered, Piece, ReplyBody};
use crate::state::State;

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
struct Run {
    app: App,
    id: Arc<str>,
    meter: Arc<Meter>,
    method: http::Method,
    path: String,
    is_head: bool,
    /// Cancelled once the client is known to be gone.
    gone: CancellationToken,
}

type HeadSender = oneshot::Sender<Response<ReplyBody>>;
type Sent = Result<(), BodyError>;

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

impl Run {
    async fn start<B>(self, request: Request<B>) -> Response<ReplyBody>
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let shared = &self.app.shared;
        let inbound = match inbound::receive(shared, &self.meter, &self.id, request).await {
            Ok(inbound) => inbound,
            Err(refused) => return self.refuse(&refused),
        };
        let Some(place) = shared.instances.place().await else {
            let reason = format!("instances: limit {}", shared.instances.limit());
            return self.refuse(&Refused {
                status: StatusCode::SERVICE_UNAVAILABLE,
                reason,
            });
        };
        let (head, wait_for_head) = oneshot::channel();
        let meter = self.meter.clone();
        // Boxed: a task is moved and overwritten whole several times, and this one is large.
        let task = Box::pin(async move {
            self.run(inbound, head).await;
            drop(place);
        });
        tokio::spawn(Metered::new(meter, task));
        // The task sends a head unless the runtime itself is going down.
        wait_for_head
            .await
            .unwrap_or_else(|_| reply::bare(StatusCode::INTERNAL_SERVER_ERROR))
    }

    fn refuse(&self, refused: &Refused) -> Response<ReplyBody> {
        tracing::warn!(
            target: "edgewit::host", request = &*self.id, app = self.app.name(), "refused: {}", refused.reason
        );
        self.line(refused.status, 0);
        reply::bare(refused.status)
    }

    /// The one line of this request.
    fn line(&self, status: StatusCode, bytes: u64) {
        tracing::info!(
            target: "edgewit::request",
            request = &*self.id,
            app = self.app.name(),
            method = self.method.as_str(),
            path = self.path,
            status = status.as_u16(),
            bytes,
            guest_us = self.meter.guest_time().as_micros() as u64,
            wall_us = self.meter.wall_time().as_micros() as u64,
            "{} {} {}", self.method, self.path, status.as_u16()
        );
    }

    fn error(&self, reason: &str) {
        tracing::error!(target: "edgewit::host", request = &*self.id, app = self.app.name(), "{reason}");
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

    async fn run(self, mut inbound: Inbound, head: HeadSender) {
        let mut store = self.store(&mut inbound);
        let limit = Duration::from_millis(self.app.shared.limits.head_ms);
        let called = self.within(limit, self.call(&mut store, inbound)).await;
        let (guest, result) = match called {
            Ok(called) => called,
            Err(trap) => return self.end_before_head(&mut store, &trap, head),
        };
        let sent = match result {
            Ok(reply) => self.deliver(&mut store, &guest, reply, head).await,
            Err(text) => Some(self.fail(&text, head).await),
        };
        if let Some(sent) = sent {
            self.after_reply(&mut store, &guest, sent).await;
        }
        flush_part_lines(store.data_mut());
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

    fn end_before_head(&self, store: &mut Store<State>, trap: &wasmtime::Error, head: HeadSender) {
        let ended = Ended::of(trap, store.data());
        self.error(&ended.to_string());
        flush_part_lines(store.data_mut());
        self.line(ended.status, 0);
        // A client that is gone needs no reply.
        let _ = head.send(reply::bare(ended.status));
    }

    /// A handler that failed: an empty 500, and what it said in the log alone.
    async fn fail(&self, reason: &str, head: HeadSender) -> Sent {
        self.error(&format!("handler failed: {}", cut(reason)));
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        let (response, delivered) = reply::Head::empty(status).none(false);
        let _ = head.send(response);
        let sent = self.delivered(delivered).await;
        self.line(status, 0);
        sent
    }

    /// A reply that can't be sent: its source goes before anything else happens. `None` once a trap has
    /// ended the instance.
    async fn refuse_reply(
        &self,
        store: &mut Store<State>,
        body: bindings::ReplyBody,
        reason: &str,
        head: HeadSender,
    ) -> Option<Sent> {
        if let bindings::ReplyBody::Source(source) = body
            && let Err(trap) = source.resource_drop_async(&mut *store).await
        {
            self.end_before_head(store, &trap, head);
            return None;
        }
        Some(self.fail(reason, head).await)
    }

    /// Sends a reply. `None` once a trap has ended the instance.
    async fn deliver(
        &self,
        store: &mut Store<State>,
        guest: &bindings::App,
        reply: Reply,
        head: HeadSender,
    ) -> Option<Sent> {
        let has_body = match &reply.body {
            bindings::ReplyBody::None => false,
            bindings::ReplyBody::Bytes(bytes) => !bytes.is_empty(),
            bindings::ReplyBody::Incoming(_) | bindings::ReplyBody::Source(_) => true,
        };
        let checked = reply::check(store.data(), reply.status, reply.headers, has_body);
        let checked = match checked {
            Ok(checked) => checked,
            Err(reason) => return self.refuse_reply(store, reply.body, &reason, head).await,
        };
        let status = checked.status;
        let (response, delivered) = match reply.body {
            bindings::ReplyBody::None => checked.none(self.is_head),
            bindings::ReplyBody::Bytes(bytes) => {
                self.meter.moved(bytes.len());
                checked.bytes(bytes, self.is_head)
            }
            bindings::ReplyBody::Incoming(handle) => {
                let incoming = store.data_mut().table.delete(handle);
                match incoming.ok().and_then(Handle::into_inner) {
                    Some(incoming) => checked.forward(incoming, self.is_head),
                    None => return Some(self.fail("invalid reply: no such body", head).await),
                }
            }
            bindings::ReplyBody::Source(source) => {
                return self
                    .deliver_source(store, guest, checked, source, head)
                    .await;
            }
        };
        let progress = delivered.progress.clone();
        self.send_head(head, response);
        let sent = self.delivered(delivered).await;
        self.line(status, progress.bytes());
        Some(sent)
    }

    /// Sends a reply whose body the guest produces meanwhile.
    async fn deliver_source(
        &self,
        store: &mut Store<State>,
        guest: &bindings::App,
        checked: reply::Head,
        source: ResourceAny,
        head: HeadSender,
    ) -> Option<Sent> {
        let status = checked.status;
        let promised = match fields::promised_length(&checked.headers) {
            Ok(promised) => promised,
            Err(reason) => {
                let reason = format!("invalid reply: {reason}");
                let body = bindings::ReplyBody::Source(source);
                return self.refuse_reply(store, body, &reason, head).await;
            }
        };
        if self.is_head {
            if let Err(trap) = source.resource_drop_async(&mut *store).await {
                self.end_before_head(store, &trap, head);
                return None;
            }
            let (response, delivered) = checked.none(true);
            self.send_head(head, response);
            let sent = self.delivered(delivered).await;
            self.line(status, 0);
            return Some(sent);
        }
        let (response, delivered, pieces) = checked.source(promised);
        let progress = delivered.progress.clone();
        self.send_head(head, response);
        let sent = self
            .pump(store, guest, source, pieces, promised, delivered)
            .await;
        self.line(status, progress.bytes());
        sent
    }

    fn send_head(&self, head: HeadSender, response: Response<ReplyBody>) {
        self.meter.head_sent();
        // Dropping the response tells the delivery that the client is gone.
        let _ = head.send(response);
    }

    /// Waits until the reply was handed to the connection, or the client took nothing for too long.
    async fn delivered(&self, mut delivered: Delivered) -> Sent {
        let idle = Duration::from_millis(self.app.shared.limits.idle_ms);
        loop {
            let since = delivered.progress.idle_since();
            let told = timeout_at(
                since.unwrap_or_else(Instant::now) + idle,
                &mut delivered.told,
            );
            match told.await {
                Ok(_) if delivered.is_late() => return self.cut_idle(idle),
                Ok(told) => return told.unwrap_or(Err(BodyError::Closed)),
                Err(_) if since.is_some() && since == delivered.progress.idle_since() => {
                    return self.cut_idle(idle);
                }
                Err(_) => {}
            }
        }
    }

    /// Pulls a source as the connection takes its pieces. `None` once a trap has ended the instance.
    async fn pump(
        &self,
        store: &mut Store<State>,
        guest: &bindings::App,
        source: ResourceAny,
        pieces: mpsc::Sender<Piece>,
        promised: Option<u64>,
        delivered: Delivered,
    ) -> Option<Sent> {
        let pulled = match self.pull(store, guest, source, pieces, promised).await {
            Ok(pulled) => pulled,
            Err(trap) => {
                let ended = Ended::of(&trap, store.data());
                self.error(&format!("the reply was cut: {ended}"));
                return None;
            }
        };
        if let Err(trap) = source.resource_drop_async(&mut *store).await {
            self.error(&Ended::of(&trap, store.data()).to_string());
            return None;
        }
        let sent = self.delivered(delivered).await;
        Some(match (pulled, sent) {
            // Why it let go, the connection knows better.
            (Err(BodyError::Closed), Err(sent)) => Err(sent),
            (pulled, sent) => pulled.and(sent),
        })
    }

    async fn pull(
        &self,
        store: &mut Store<State>,
        guest: &bindings::App,
        source: ResourceAny,
        pieces: mpsc::Sender<Piece>,
        promised: Option<u64>,
    ) -> wasmtime::Result<Sent> {
        let limits = self.app.shared.limits.clone();
        let idle = Duration::from_millis(limits.idle_ms);
        let wait = Duration::from_millis(limits.source_import_ms);
        let mut produced = 0;
        loop {
            let room = match timeout(idle, pieces.reserve()).await {
                Ok(Ok(room)) => room,
                // A connection that has all that was announced lets go of the body.
                Ok(Err(_)) if promised == Some(produced) => return Ok(Ok(())),
                Ok(Err(_)) => return Ok(Err(BodyError::Closed)),
                Err(_) => return Ok(self.cut_idle(idle)),
            };
            let handler = guest.edge_sdk_handler();
            let read = timeout(wait, handler.body_source().call_read(&mut *store, source)).await;
            match read {
                Err(_) => {
                    return Err(wasmtime::format_err!(
                        "source-import-ms: limit {} ms",
                        wait.as_millis()
                    ));
                }
                Ok(Err(trap)) => return Err(trap),
                Ok(Ok(Err(error))) => {
                    let reason = error.to_string();
                    return Ok(self.cut(error, &reason));
                }
                Ok(Ok(Ok(Chunk::Bytes(bytes)))) => {
                    produced += bytes.len() as u64;
                    self.meter.moved(bytes.len());
                    if let Some(promised) = promised.filter(|promised| produced > *promised) {
                        return Ok(self.cut_promise(promised, produced));
                    }
                    // An empty list is not the end, and would be one in a chunked body.
                    if !bytes.is_empty() {
                        room.send(Piece::Bytes(bytes.into()));
                    }
                }
                Ok(Ok(Ok(Chunk::End(trailers)))) => {
                    if let Some(promised) = promised.filter(|promised| produced < *promised) {
                        return Ok(self.cut_promise(promised, produced));
                    }
                    return Ok(match fields::trailers_to_send(trailers) {
                        Ok(trailers) => {
                            room.send(Piece::End(trailers));
                            Ok(())
                        }
                        Err(reason) => self.cut(BodyError::Other(reason.clone()), &reason),
                    });
                }
            }
        }
    }

    fn cut(&self, error: BodyError, reason: &str) -> Sent {
        self.error(&format!("the reply was cut: {reason}"));
        Err(error)
    }

    fn cut_idle(&self, idle: Duration) -> Sent {
        let limit = idle.as_millis();
        let reason = format!("the client took nothing for {limit} ms (idle-ms)");
        self.cut(BodyError::Timeout, &reason)
    }

    fn cut_promise(&self, promised: u64, produced: u64) -> Sent {
        let reason = format!("content-length {promised} was promised, {produced} bytes produced");
        self.cut(BodyError::Incomplete, &reason)
    }

    async fn after_reply(&self, store: &mut Store<State>, guest: &bindings::App, sent: Sent) {
        let limits = &self.app.shared.limits;
        self.meter
            .next_phase(Duration::from_millis(limits.guest_ms));
        let wait = Duration::from_millis(limits.after_reply_ms);
        let called = timeout(
            wait,
            guest
                .edge_sdk_handler()
                .call_after_reply(&mut *store, sent.as_ref().copied()),
        )
        .await;
        if let Err(trap) = called.unwrap_or_else(|_| Err(End::AfterReply(wait).into())) {
            let ended = Ended::of(&trap, store.data());
            self.error(&format!("after-reply: {ended}"));
        }
    }
}
