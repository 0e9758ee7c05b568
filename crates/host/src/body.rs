//! A body that the host is still receiving, from a client or from a server it fetched from.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use edgewit_manifest::Limits;
use http::HeaderMap;
use http_body::{Body as _, Frame};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;

use crate::bindings::{BodyError, Chunk};
use crate::fields;
use crate::handle::{Handle, Ready};
use crate::meter::{ClientWait, Meter};
use crate::stream::StreamPlace;

/// What a sender of bytes may fail with.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// At most so many bytes are handed out by one `read`.
const CHUNK_BYTES: usize = 64 * 1024;

/// The resource `incoming-body`.
pub type IncomingHandle = Handle<Incoming>;

/// What is received of a body, and what was not yet taken of it.
pub struct Incoming {
    source: UnsyncBoxBody<Bytes, BoxError>,
    announced: Option<u64>,
    /// What has arrived and was not taken.
    rest: Bytes,
    received: u64,
    limit: u64,
    idle: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    /// Only a client's: the deadline of the head leaves out what waiting for it takes.
    client: Option<Arc<Meter>>,
    /// Such a wait, while the body is forwarded: whoever forwards it polls until there is something.
    forwarding_waits: Option<ClientWait>,
    end: Option<Result<HeaderMap, BodyError>>,
    untouched: bool,
    deadline: Option<Instant>,
    /// Counts this body among those of its request that are unread.
    place: Option<OwnedSemaphorePermit>,
    /// And this its stream among those of its connection.
    stream: Option<StreamPlace>,
    upload: Option<CancellationToken>,
}

/// Who sends a body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Client,
    Server,
}

impl Origin {
    /// The line of the limit that a body went past which ended by `error`, if it did.
    pub(crate) fn passed(self, error: &BodyError, limits: &Limits) -> Option<String> {
        let name = match self {
            Self::Client => "request-body-bytes",
            Self::Server => "fetched-body-bytes",
        };
        match error {
            BodyError::TooLarge(limit) => Some(format!("{name}: limit {limit}, met more")),
            BodyError::Timeout if self == Self::Client => {
                let limit = limits.idle_ms;
                Some(format!(
                    "idle-ms: limit {limit} without a byte from the client"
                ))
            }
            _ => None,
        }
    }
}

impl Incoming {
    pub(crate) fn new<B>(body: B, limit: u64, idle: Duration, client: Option<Arc<Meter>>) -> Self
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        Self {
            announced: body.size_hint().exact(),
            source: body.map_err(Into::into).boxed_unsync(),
            rest: Bytes::new(),
            received: 0,
            limit,
            idle,
            timer: None,
            client,
            forwarding_waits: None,
            end: None,
            untouched: true,
            deadline: None,
            place: None,
            stream: None,
            upload: None,
        }
    }

    /// Reading past this moment is a `timeout`.
    pub(crate) fn until(mut self, deadline: Option<Instant>) -> Self {
        self.deadline = deadline;
        self
    }

    /// Gives the places back once this body was read or is dropped.
    pub(crate) fn holding(
        mut self,
        place: OwnedSemaphorePermit,
        stream: Option<StreamPlace>,
    ) -> Self {
        self.place = Some(place);
        self.stream = stream;
        self
    }

    /// Cancels the upload beside it if it is dropped before its end.
    pub(crate) fn cancelling(mut self, upload: CancellationToken) -> Self {
        self.upload = Some(upload);
        self
    }

    pub(crate) fn origin(&self) -> Origin {
        match self.client {
            Some(_) => Origin::Client,
            None => Origin::Server,
        }
    }

    /// The length that the peer announced, in bytes.
    pub(crate) fn announced(&self) -> Option<u64> {
        self.announced
    }

    /// How much of it has come, for the line of a time that was too short for more.
    pub(crate) fn met(&self) -> String {
        let met = self.received;
        match self.announced {
            Some(all) => format!("met {met} of {all} bytes"),
            None => format!("met {met} bytes"),
        }
    }

    /// The announced length while nothing was read: what a forwarded body may announce in turn.
    pub(crate) fn length_to_forward(&self) -> Option<u64> {
        self.announced.filter(|_| self.untouched)
    }

    /// At most `max` bytes, 0 for the host's own chunk size.
    pub(crate) fn poll_read(
        &mut self,
        max: u32,
        context: &mut Context<'_>,
    ) -> Poll<Result<Chunk, BodyError>> {
        self.untouched = false;
        let max = if max == 0 {
            CHUNK_BYTES
        } else {
            (max as usize).min(CHUNK_BYTES)
        };
        Poll::Ready(match ready!(self.poll_data(context)) {
            Some(Ok(mut data)) => {
                let taken = data.split_to(max.min(data.len()));
                self.rest = data;
                Ok(Chunk::Bytes(taken.to_vec()))
            }
            Some(Err(error)) => Err(error),
            None => match &self.end {
                Some(Ok(trailers)) => Ok(Chunk::End(fields::trailers(trailers))),
                Some(Err(error)) => Err(error.clone()),
                None => Err(BodyError::Closed),
            },
        })
    }

    /// Everything, as one piece of memory.
    pub(crate) async fn read_whole(&mut self) -> Result<Vec<u8>, BodyError> {
        let mut whole = Vec::with_capacity(self.announced.unwrap_or(0).min(1 << 20) as usize);
        while let Some(data) = std::future::poll_fn(|context| self.poll_data(context)).await {
            whole.extend_from_slice(&data?);
        }
        match &self.end {
            Some(Err(error)) => Err(error.clone()),
            _ => Ok(whole),
        }
    }

    /// Whether trailers came with what was read to its end.
    pub(crate) fn has_trailers(&self) -> bool {
        matches!(&self.end, Some(Ok(trailers)) if !trailers.is_empty())
    }

    /// As it was before all of it was read as `whole`.
    pub(crate) fn unread(mut self, whole: Vec<u8>) -> Self {
        self.rest = whole.into();
        self
    }

    /// Up to the end, or to whatever stops it.
    pub(crate) async fn read_away(&mut self) {
        while let Some(Ok(_)) = std::future::poll_fn(|context| self.poll_data(context)).await {}
    }

    /// The next bytes; `None` once `end` says how it went.
    fn poll_data(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        ready!(self.poll_ready(context));
        Poll::Ready(if self.rest.has_remaining() {
            Some(Ok(std::mem::take(&mut self.rest)))
        } else {
            match &self.end {
                Some(Err(error)) => Some(Err(error.clone())),
                _ => None,
            }
        })
    }

    fn take(&mut self, frame: Frame<Bytes>) {
        match frame.into_data() {
            Ok(data) => {
                self.received += data.len() as u64;
                if self.received > self.limit {
                    self.end = Some(Err(BodyError::TooLarge(self.limit)));
                } else {
                    self.rest = data;
                }
            }
            Err(frame) => {
                self.end = Some(Ok(frame.into_trailers().unwrap_or_default()));
            }
        }
    }

    fn poll_frame_in_time(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
        {
            return Poll::Ready(Some(Err(BodyError::Timeout)));
        }
        match Pin::new(&mut self.source).poll_frame(context) {
            Poll::Ready(frame) => {
                self.timer = None;
                Poll::Ready(frame.map(|frame| frame.map_err(|error| body_error(&*error))))
            }
            Poll::Pending => {
                let timer = self.timer.get_or_insert_with(|| {
                    let idle = Instant::now() + self.idle;
                    Box::pin(tokio::time::sleep_until(
                        self.deadline.map_or(idle, |at| at.min(idle)),
                    ))
                });
                ready!(timer.as_mut().poll(context));
                Poll::Ready(Some(Err(BodyError::Timeout)))
            }
        }
    }
}

impl Ready for Incoming {
    /// Ready once there are bytes, or the end.
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while !self.rest.has_remaining() && self.end.is_none() {
            match ready!(self.poll_frame_in_time(context)) {
                Some(Ok(frame)) => self.take(frame),
                Some(Err(error)) => self.end = Some(Err(error)),
                None => self.end = Some(Ok(HeaderMap::new())),
            }
        }
        if self.end.is_some() {
            // It is not unread any more, whether or not the guest ever drops it.
            self.place = None;
            self.stream = None;
        }
        Poll::Ready(())
    }

    fn client(&self) -> Option<&Arc<Meter>> {
        self.client.as_ref()
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if let Some(upload) = self.upload.take()
            && !matches!(self.end, Some(Ok(_)))
            && self.announced != Some(self.received)
        {
            upload.cancel();
        }
    }
}

/// A body handed on: what is left of it, trailers included, without a copy through the guest.
impl http_body::Body for Incoming {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let data = self.poll_data(context);
        if data.is_ready() {
            self.forwarding_waits = None;
        } else if self.forwarding_waits.is_none() {
            self.forwarding_waits = self.client.as_ref().map(Meter::waits_for_client);
        }
        match ready!(data) {
            Some(data) => Poll::Ready(Some(data.map(Frame::data))),
            None => match &mut self.end {
                Some(Ok(trailers)) if !trailers.is_empty() => {
                    let trailers = fields::trailers_to_forward(std::mem::take(trailers));
                    Poll::Ready(Some(Ok(Frame::trailers(trailers))))
                }
                _ => Poll::Ready(None),
            },
        }
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.length_to_forward().map_or_else(
            http_body::SizeHint::default,
            http_body::SizeHint::with_exact,
        )
    }
}

/// What a failure of the transport means to whoever reads.
fn body_error(error: &(dyn std::error::Error + 'static)) -> BodyError {
    if let Some(error) = error.downcast_ref::<BodyError>() {
        return error.clone();
    }
    let Some(hyper) = error.downcast_ref::<hyper::Error>() else {
        return BodyError::Other(error.to_string());
    };
    if hyper.is_incomplete_message() || hyper.is_body_write_aborted() {
        return BodyError::Incomplete;
    }
    let Some(cause) = std::error::Error::source(hyper) else {
        return BodyError::Closed;
    };
    if let Some(io) = cause.downcast_ref::<std::io::Error>() {
        of_io(io)
    } else if let Some(h2) = cause.downcast_ref::<h2::Error>() {
        // What was done here was for breaking the protocol: another length than announced, say.
        if h2.is_library() {
            BodyError::Incomplete
        } else {
            BodyError::Closed
        }
    } else {
        // The connection ended for a reason of its own: a write that failed, the upload beside it.
        BodyError::Closed
    }
}

/// An end before the end, and framing that is none, are told apart from a connection that broke.
fn of_io(error: &std::io::Error) -> BodyError {
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    match error.kind() {
        UnexpectedEof | InvalidData | InvalidInput => BodyError::Incomplete,
        _ => BodyError::Closed,
    }
}
