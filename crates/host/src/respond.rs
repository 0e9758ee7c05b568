//! A reply on its way from a guest to its client, and how it ended.

use std::time::Duration;

use http::{Response, StatusCode};
use tokio::sync::mpsc;
use tokio::time::timeout;
use wasmtime::Store;
use wasmtime::component::ResourceAny;

use crate::bindings::{self, BodyError, Chunk, Reply};
use crate::body::Origin;
use crate::delivery::{Delivered, Progress, ReplyClient};
use crate::fields;
use crate::handle::Handle;
use crate::imports::cut;
use crate::reply::{self, Piece, ReplyBody};
use crate::run::{HeadSender, Run, Sent};
use crate::state::State;

impl Run {
    /// A handler that failed: an empty 500, and what it said in the log alone.
    pub(crate) async fn fail(&self, reason: &str, client: ReplyClient, head: HeadSender) -> Sent {
        self.error(&format!("handler failed: {}", cut(reason)));
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        let (response, delivered) = reply::Head::empty(status, client).none(false);
        self.send_head(head, response, &delivered);
        let sent = self.delivered(delivered).await;
        self.line(status, 0, &sent);
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
        Some(self.fail(reason, store.data().client(), head).await)
    }

    /// Sends a reply. `None` once a trap has ended the instance.
    pub(crate) async fn deliver(
        &self,
        store: &mut Store<State>,
        guest: &bindings::App,
        reply: Reply,
        head: HeadSender,
    ) -> Option<Sent> {
        self.replied(&reply);
        let has_body = match &reply.body {
            bindings::ReplyBody::None => false,
            bindings::ReplyBody::Bytes(bytes) => !bytes.is_empty(),
            bindings::ReplyBody::Incoming(_) | bindings::ReplyBody::Source(_) => true,
        };
        let checked = reply::check(
            store.data(),
            reply.status,
            reply.headers,
            &reply.hints,
            has_body,
        );
        let checked = match checked {
            Ok(checked) => checked,
            Err(reason) => return self.refuse_reply(store, reply.body, &reason, head).await,
        };
        let status = checked.status;
        let mut forwarded = None;
        let (response, delivered) = match reply.body {
            bindings::ReplyBody::None => checked.none(self.is_head),
            bindings::ReplyBody::Bytes(bytes) => checked.bytes(bytes, self.is_head),
            bindings::ReplyBody::Incoming(handle) => {
                let incoming = store.data_mut().table.delete(handle);
                match incoming.map(Handle::into_inner) {
                    Ok(incoming) => {
                        forwarded = Some(incoming.origin());
                        checked.forward(incoming, self.is_head)
                    }
                    Err(_) => {
                        let client = store.data().client();
                        let reason = "invalid reply: no such body";
                        return Some(self.fail(reason, client, head).await);
                    }
                }
            }
            bindings::ReplyBody::Source(source) => {
                return self
                    .deliver_source(store, guest, checked, source, head)
                    .await;
            }
        };
        let progress = delivered.progress.clone();
        self.send_head(head, response, &delivered);
        let mut sent = self.delivered(delivered).await;
        if let Some((error, origin)) = progress.broken().zip(forwarded) {
            sent = self.cut_forwarded(error, origin);
        }
        self.line(status, progress.bytes(), &sent);
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
            self.send_head(head, response, &delivered);
            let sent = self.delivered(delivered).await;
            self.line(status, 0, &sent);
            return Some(sent);
        }
        let (response, delivered, pieces) = checked.source(promised);
        let progress = delivered.progress.clone();
        self.send_head(head, response, &delivered);
        let (sent, is_alive) = self
            .pump(store, guest, source, pieces, promised, delivered)
            .await;
        self.line(status, progress.bytes(), &sent);
        is_alive.then_some(sent)
    }

    fn send_head(&self, head: HeadSender, response: Response<ReplyBody>, delivered: &Delivered) {
        self.meter.head_sent();
        self.has_begun(response.status(), &delivered.progress);
        if let Err(response) = head.send(response) {
            response.into_body().lost();
        }
    }

    /// Waits until the reply was handed to the connection, or the client took nothing for too long.
    async fn delivered(&self, mut delivered: Delivered) -> Sent {
        let told = self.told(&mut delivered).await;
        told.unwrap_or_else(|| self.cut_idle())
    }

    /// The same, without a word: `None` for a client that took nothing.
    async fn told(&self, delivered: &mut Delivered) -> Option<Sent> {
        let progress = delivered.progress.clone();
        let told = progress.while_taken(self.idle(), &mut delivered.told).await;
        let told = told.filter(|_| !delivered.is_late())?;
        Some(told.unwrap_or(Err(BodyError::Closed)))
    }

    /// How long a client may take nothing.
    fn idle(&self) -> Duration {
        Duration::from_millis(self.app.shared.limits.idle_ms)
    }

    /// Pulls a source as the connection takes its pieces. Comes to how the reply went, and whether no trap has ended
    /// the instance.
    async fn pump(
        &self,
        store: &mut Store<State>,
        guest: &bindings::App,
        source: ResourceAny,
        pieces: mpsc::Sender<Piece>,
        promised: Option<u64>,
        mut delivered: Delivered,
    ) -> (Sent, bool) {
        let progress = delivered.progress.clone();
        let pulled = self.pull(store, guest, source, pieces, promised, &progress);
        let (pulled, is_alive) = match pulled.await {
            Ok(pulled) => {
                let dropped = source.resource_drop_async(&mut *store).await;
                if let Err(trap) = &dropped {
                    self.trapped("", trap, store.data());
                }
                (pulled, dropped.is_ok())
            }
            Err(trap) => {
                self.trapped("the reply was cut: ", &trap, store.data());
                (Some(Err(BodyError::Incomplete)), false)
            }
        };
        let sent = match pulled {
            Some(Ok(())) => self.delivered(delivered).await,
            // Why it let go, the connection knows better.
            None => {
                let sent = self.delivered(delivered).await;
                sent.and(Err(BodyError::Closed))
            }
            // Why has its line; what is left to wait for is the connection's end.
            Some(Err(error)) => {
                if self.told(&mut delivered).await.is_none() {
                    self.reset();
                }
                Err(error)
            }
        };
        (sent, is_alive)
    }

    /// `None` if the connection let go of the body.
    async fn pull(
        &self,
        store: &mut Store<State>,
        guest: &bindings::App,
        source: ResourceAny,
        pieces: mpsc::Sender<Piece>,
        promised: Option<u64>,
        progress: &Progress,
    ) -> wasmtime::Result<Option<Sent>> {
        let wait = Duration::from_millis(self.app.shared.limits.source_import_ms);
        let mut produced = 0;
        loop {
            let room = match progress.while_taken(self.idle(), pieces.reserve()).await {
                Some(Ok(room)) => room,
                // A connection that has all that was announced lets go of the body.
                Some(Err(_)) if promised == Some(produced) => return Ok(Some(Ok(()))),
                Some(Err(_)) => return Ok(None),
                None => return Ok(Some(self.cut_idle())),
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
                    let reason = error.text() + &store.data().memory_refused();
                    return Ok(Some(self.cut(error, &reason)));
                }
                Ok(Ok(Ok(Chunk::Bytes(bytes)))) => {
                    produced += bytes.len() as u64;
                    self.meter.moved(bytes.len());
                    if let Some(promised) = promised.filter(|promised| produced > *promised) {
                        return Ok(Some(self.cut_promise(promised, produced)));
                    }
                    // An empty list is not the end, and would be one in a chunked body.
                    if !bytes.is_empty() {
                        room.send(Piece::Bytes(bytes.into()));
                    }
                }
                Ok(Ok(Ok(Chunk::End(trailers)))) => {
                    if let Some(promised) = promised.filter(|promised| produced < *promised) {
                        return Ok(Some(self.cut_promise(promised, produced)));
                    }
                    return Ok(Some(match fields::trailers_to_send(trailers) {
                        Ok(trailers) => {
                            room.send(Piece::End(trailers));
                            Ok(())
                        }
                        Err(reason) => self.cut(BodyError::Other(reason.clone()), &reason),
                    }));
                }
            }
        }
    }

    fn cut(&self, error: BodyError, reason: &str) -> Sent {
        self.error(&format!("the reply was cut: {}", cut(reason)));
        Err(error)
    }

    /// A body that was handed on and broke off, which nobody else looks at.
    fn cut_forwarded(&self, error: BodyError, origin: Origin) -> Sent {
        match origin.passed(&error, &self.app.shared.limits) {
            Some(line) => self.cut(error, &line),
            None if origin == Origin::Server => {
                let reason = format!("the fetched body: {}", error.text());
                self.cut(error, &reason)
            }
            // A client that goes is no error of the application.
            None => Err(error),
        }
    }

    /// Ends a stream whose client takes nothing.
    fn reset(&self) {
        if let Some(stream) = &self.stream {
            stream.cancel();
        }
    }

    fn cut_idle(&self) -> Sent {
        self.reset();
        let limit = self.idle().as_millis();
        let reason = format!("the client took nothing for {limit} ms (idle-ms)");
        self.cut(BodyError::Timeout, &reason)
    }

    fn cut_promise(&self, promised: u64, produced: u64) -> Sent {
        let reason = format!("content-length {promised} was promised, {produced} bytes produced");
        self.cut(BodyError::Incomplete, &reason)
    }
}
