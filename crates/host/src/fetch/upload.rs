//! The body of a request on its way to another server, as the connection takes it.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::bindings::{BodyError, FetchError};
use crate::body::{BoxError, Incoming};

/// Where the bytes come from.
pub(super) enum Source {
    Whole(Full<Bytes>),
    Forwarded(Box<Incoming>),
    Written(Written),
    /// Nothing more, and no end either: the server reads no further.
    Refused,
}

/// What a guest writes.
pub(super) struct Written {
    pub(super) pieces: mpsc::Receiver<Bytes>,
    /// How it ended, told before `pieces` closes; nothing is told where the guest just let go.
    pub(super) end: oneshot::Receiver<Result<HeaderMap, BodyError>>,
    pub(super) promised: Option<u64>,
    pub(super) over: bool,
}

impl Written {
    fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.over {
            return Poll::Ready(None);
        }
        if let Some(bytes) = ready!(self.pieces.poll_recv(context)) {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        self.over = true;
        Poll::Ready(match self.end.try_recv() {
            Ok(Ok(trailers)) if trailers.is_empty() => None,
            Ok(Ok(trailers)) => Some(Ok(Frame::trailers(trailers))),
            Ok(Err(error)) => Some(Err(error)),
            Err(_) => Some(Err(BodyError::Closed)),
        })
    }
}

type Cancelled = Pin<Box<WaitForCancellationFutureOwned>>;

/// A body that tells by being dropped that it was sent, or will not be.
pub(super) struct Upload {
    source: Source,
    cancelled: Cancelled,
    /// Of the connection that it is sent on.
    refused: Option<Cancelled>,
    failed: Arc<OnceLock<BodyError>>,
    ended: Option<oneshot::Sender<()>>,
}

/// What becomes of an upload.
pub(super) struct Fate {
    pub(super) ended: oneshot::Receiver<()>,
    failed: Arc<OnceLock<BodyError>>,
}

impl Fate {
    /// Why the request failed: its own body comes first, whatever a connection makes of that.
    pub(super) fn of(&self, error: FetchError) -> FetchError {
        match self.failed.get() {
            Some(failed) => FetchError::RequestBody(failed.clone()),
            None => error,
        }
    }
}

impl Upload {
    /// Once `cancel` is cancelled the body fails, which resets its stream or closes its connection.
    pub(super) fn new(source: Source, cancel: &CancellationToken) -> (Self, Fate) {
        let (ended, told) = oneshot::channel();
        let failed = Arc::<OnceLock<_>>::default();
        let upload = Self {
            source,
            cancelled: Box::pin(cancel.clone().cancelled_owned()),
            refused: None,
            failed: failed.clone(),
            ended: Some(ended),
        };
        let fate = Fate {
            ended: told,
            failed,
        };
        (upload, fate)
    }

    /// Once `refuses` is cancelled nothing more is sent, and what the server said is still to be read.
    pub(super) fn sent_on(&mut self, refuses: &CancellationToken) {
        self.refused = Some(Box::pin(refuses.clone().cancelled_owned()));
    }

    fn refuse(&mut self) {
        self.source = Source::Refused;
        self.refused = None;
        self.ended = None;
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.cancelled.as_mut().poll(context).is_ready() {
            return Poll::Ready(Some(Err(BodyError::Closed.into())));
        }
        let refused = self.refused.as_mut();
        if refused.is_some_and(|refused| refused.as_mut().poll(context).is_ready()) {
            self.refuse();
        }
        let frame = match &mut self.source {
            Source::Whole(whole) => {
                return Pin::new(whole)
                    .poll_frame(context)
                    .map_err(|never| match never {});
            }
            Source::Forwarded(incoming) => Pin::new(&mut **incoming).poll_frame(context),
            Source::Written(written) => written.poll_frame(context),
            Source::Refused => Poll::Pending,
        };
        if let Poll::Ready(Some(Err(error))) = &frame {
            let _ = self.failed.set(error.clone());
        }
        frame.map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Whole(whole) => whole.is_end_stream(),
            Source::Forwarded(incoming) => incoming.is_end_stream(),
            Source::Written(written) => written.over,
            Source::Refused => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Whole(whole) => whole.size_hint(),
            Source::Forwarded(incoming) => incoming.size_hint(),
            Source::Written(written) => written
                .promised
                .map_or_else(SizeHint::default, SizeHint::with_exact),
            Source::Refused => SizeHint::default(),
        }
    }
}
