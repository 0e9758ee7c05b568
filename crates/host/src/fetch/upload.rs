//! The body of a request on its way to another server, as the connection takes it.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::tasks::Tasks;
use crate::bindings::{BodyError, FetchError};
use crate::body::{BoxError, Incoming};
use crate::stream::StreamPlace;

/// A connection keeps at most so many bytes of a body that a server does not take.
const PIECE_BYTES: usize = 64 * 1024;

/// Where the bytes come from.
pub(super) enum Source {
    Whole(Bytes),
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

/// What ends an upload, whether or not its server takes any of it.
pub(super) struct Ends {
    /// Cancelled once nobody wants the answer.
    pub(super) cancel: CancellationToken,
    /// Cancelled with the request that the upload is of, which it may outlast by `idle`.
    pub(super) over: CancellationToken,
    pub(super) idle: Duration,
    pub(super) deadline: Option<Instant>,
}

impl Ends {
    pub(super) async fn come(&self) -> BodyError {
        let late = async {
            match self.deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let left_over = async {
            self.over.cancelled().await;
            sleep(self.idle).await;
        };
        tokio::select! {
            () = self.cancel.cancelled() => BodyError::Closed,
            () = late => BodyError::Timeout,
            () = left_over => BodyError::Timeout,
        }
    }
}

type Cancelled = Pin<Box<WaitForCancellationFutureOwned>>;

/// A body that tells by being dropped that it was sent, or will not be.
pub(super) struct Upload {
    source: Source,
    ends: Arc<Ends>,
    /// Waits for those.
    ended_by: BoxFuture<'static, BodyError>,
    /// Of the connection that it is sent on, until they know of it.
    tasks: Option<Tasks>,
    /// The stream that it goes out on, if that is one among others.
    place: Option<StreamPlace>,
    /// Of the connection that it is sent on.
    refused: Option<Cancelled>,
    failed: Arc<OnceLock<BodyError>>,
    sent: Option<oneshot::Sender<()>>,
}

/// How an upload goes, for whoever waits for its answer.
pub(super) struct UploadStatus {
    pub(super) ended: oneshot::Receiver<()>,
    failed: Arc<OnceLock<BodyError>>,
}

impl UploadStatus {
    /// Why the request failed: its own body comes first, whatever a connection makes of that.
    pub(super) fn error(&self, error: FetchError) -> FetchError {
        match self.failed.get() {
            Some(failed) => FetchError::RequestBody(failed.clone()),
            None => error,
        }
    }
}

impl Upload {
    /// Once one of `ends` has come the body fails, which resets its stream or closes its connection.
    pub(super) fn new(source: Source, ends: Ends) -> (Self, UploadStatus) {
        let ends = Arc::new(ends);
        let waited = ends.clone();
        let (ended, told) = oneshot::channel();
        let failed = Arc::<OnceLock<_>>::default();
        let upload = Self {
            source,
            ends,
            ended_by: Box::pin(async move { waited.come().await }),
            tasks: None,
            place: None,
            refused: None,
            failed: failed.clone(),
            sent: Some(ended),
        };
        let status = UploadStatus {
            ended: told,
            failed,
        };
        (upload, status)
    }

    /// Once `refuses` is cancelled nothing more is sent, and what the server said is still to be read.
    pub(super) fn sent_on(&mut self, refuses: &CancellationToken) {
        self.refused = Some(Box::pin(refuses.clone().cancelled_owned()));
    }

    /// Its connection makes a task of it, unless it is sent at once.
    pub(super) fn sent_by(&mut self, tasks: &Tasks, place: Option<StreamPlace>) {
        self.tasks = Some(tasks.clone());
        self.place = place;
        if self.is_end_stream() {
            // Nothing is to be sent after the head, which h2 may hold back: the answer is due from here on.
            self.sent = None;
        }
    }

    fn refuse(&mut self) {
        self.source = Source::Refused;
        self.refused = None;
        self.sent = None;
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(tasks) = self.tasks.take() {
            tasks.begin(&self.ends);
        }
        if let Poll::Ready(reason) = self.ended_by.as_mut().poll(context) {
            return Poll::Ready(Some(Err(reason.into())));
        }
        let refused = self.refused.as_mut();
        if refused.is_some_and(|refused| refused.as_mut().poll(context).is_ready()) {
            self.refuse();
        }
        let frame = match &mut self.source {
            Source::Whole(whole) if whole.is_empty() => Poll::Ready(None),
            Source::Whole(whole) => {
                let piece = whole.split_to(whole.len().min(PIECE_BYTES));
                Poll::Ready(Some(Ok(Frame::data(piece))))
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
            Source::Whole(whole) => whole.is_empty(),
            Source::Forwarded(incoming) => incoming.is_end_stream(),
            Source::Written(written) => written.over,
            Source::Refused => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Whole(whole) => SizeHint::with_exact(whole.len() as u64),
            Source::Forwarded(incoming) => incoming.size_hint(),
            Source::Written(written) => written
                .promised
                .map_or_else(SizeHint::default, SizeHint::with_exact),
            Source::Refused => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_without_a_body_is_sent_once_its_connection_has_it() {
        for (body, is_sent) in [("", true), ("body", false)] {
            let ends = Ends {
                cancel: CancellationToken::new(),
                over: CancellationToken::new(),
                idle: Duration::MAX,
                deadline: None,
            };
            let (mut upload, mut status) = Upload::new(Source::Whole(body.into()), ends);
            upload.sent_by(&Tasks::default(), None);
            let waits = Err(oneshot::error::TryRecvError::Empty);
            assert_eq!(status.ended.try_recv() == waits, !is_sent);
        }
    }
}
