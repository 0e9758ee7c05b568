//! The guest's end of a request body that it writes.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use http::HeaderMap;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::{CancellationToken, PollSender};

use super::upload::Written;
use crate::bindings::BodyError;
use crate::handle::Ready;

/// At most so many bytes are taken by one `write`.
const WRITE_BYTES: usize = 64 * 1024;

/// An upload that a guest writes.
pub struct Outgoing {
    pieces: PollSender<Bytes>,
    end: Option<oneshot::Sender<Result<HeaderMap, BodyError>>>,
    promised: Option<u64>,
    written: u64,
    idle: Duration,
    deadline: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    is_late: bool,
    abort: Arc<Abort>,
}

/// The end of an upload before its end, by either side.
#[derive(Default)]
pub(super) struct Abort {
    /// Why a connection takes no more of it. Told by the exchange, once.
    by_peer: OnceLock<BodyError>,
    /// Whether the guest let go of the request before it had an answer.
    is_cancelled: AtomicBool,
    waker: AtomicWaker,
    /// Why the guest's end is not to come, while a connection may be in the middle of a write.
    by_guest: OnceLock<BodyError>,
    is_by_guest: CancellationToken,
}

impl Abort {
    /// The first reason counts.
    pub(super) fn by_peer(&self, reason: BodyError) {
        let _ = self.by_peer.set(reason);
        self.waker.wake();
    }

    pub(super) fn cancel(&self) {
        self.is_cancelled.store(true, Relaxed);
        self.by_peer(BodyError::Closed);
    }

    /// Why nothing more is taken, where that is known before the connection has let go of its end: an
    /// answer alone does not say so.
    fn failed(&self) -> Option<BodyError> {
        if self.is_cancelled.load(Relaxed) {
            return Some(BodyError::Closed);
        }
        let reason = self.by_peer.get()?;
        (!matches!(reason, BodyError::Unwanted)).then(|| reason.clone())
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<BodyError> {
        self.waker.register(context.waker());
        match self.by_peer.get() {
            Some(reason) => Poll::Ready(reason.clone()),
            None => Poll::Pending,
        }
    }

    fn by_guest(&self, reason: BodyError) {
        let _ = self.by_guest.set(reason);
        self.is_by_guest.cancel();
    }

    /// Waits until the guest's end is known not to come.
    pub(super) async fn guest_aborts(&self) -> BodyError {
        self.is_by_guest.cancelled().await;
        self.by_guest.get().cloned().unwrap_or(BodyError::Closed)
    }
}

/// Both ends of an upload of which one piece is under way at a time.
pub(super) fn pipe(
    promised: Option<u64>,
    idle: Duration,
    deadline: Option<Instant>,
    abort: Arc<Abort>,
) -> (Outgoing, Written) {
    let (sender, pieces) = mpsc::channel(1);
    let (end, told) = oneshot::channel();
    let outgoing = Outgoing {
        pieces: PollSender::new(sender),
        end: Some(end),
        promised,
        written: 0,
        idle,
        deadline,
        timer: None,
        is_late: false,
        abort,
    };
    let written = Written {
        pieces,
        end: told,
        promised,
        over: false,
    };
    (outgoing, written)
}

impl Outgoing {
    /// Takes at least one byte, and waits for room to do so.
    pub(crate) fn poll_write(
        &mut self,
        bytes: &[u8],
        context: &mut Context<'_>,
    ) -> Poll<Result<u32, BodyError>> {
        let left = self.left();
        let length = bytes.len().min(WRITE_BYTES);
        let length = usize::try_from(left).map_or(length, |left| left.min(length));
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if length == 0 {
            let promised = self.written;
            let reason = format!("content-length {promised} was promised, and is there");
            return Poll::Ready(Err(BodyError::Other(reason)));
        }
        ready!(self.poll_room(context))?;
        let piece = Bytes::copy_from_slice(&bytes[..length]);
        if self.pieces.send_item(piece).is_err() {
            return self.poll_gone(context).map(Err);
        }
        self.written += length as u64;
        Poll::Ready(Ok(length as u32))
    }

    /// How many bytes may follow.
    fn left(&self) -> u64 {
        self.promised.map_or(u64::MAX, |all| all - self.written)
    }

    /// Ends the upload. Waits for nothing.
    pub(crate) fn finish(mut self, trailers: Result<HeaderMap, String>) -> Result<(), BodyError> {
        let missing = self.promised.is_some_and(|all| self.written < all);
        let result = match trailers {
            _ if missing => Err(BodyError::Incomplete),
            Ok(trailers) => Ok(trailers),
            Err(reason) => Err(BodyError::Other(reason)),
        };
        let told = result.as_ref().map(|_| ()).map_err(Clone::clone);
        if let Err(error) = &told {
            self.abort.by_guest(error.clone());
        }
        // A connection that has all that was promised has let go of its end, rightly.
        let refused = self.end.take().is_none_or(|end| end.send(result).is_err());
        if self.promised == Some(self.written) {
            return told;
        }
        let unwanted = || self.abort.by_peer.get().filter(|_| refused).cloned();
        match self.abort.failed().or_else(unwanted) {
            _ if self.is_past() => told.and(Err(BodyError::Timeout)),
            Some(reason) => told.and(Err(reason)),
            None => told,
        }
    }

    /// Why the connection has let go of its end, which it does at the deadline too.
    fn poll_gone(&self, context: &mut Context<'_>) -> Poll<BodyError> {
        match self.is_past() {
            true => Poll::Ready(BodyError::Timeout),
            false => self.abort.poll(context),
        }
    }

    /// Whether the time for the whole exchange is over.
    fn is_past(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }

    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        if self.is_late || self.is_past() {
            return Poll::Ready(Err(BodyError::Timeout));
        }
        if let Some(reason) = self.abort.failed() {
            return Poll::Ready(Err(reason));
        }
        match self.pieces.poll_reserve(context) {
            Poll::Ready(Ok(())) if !self.pieces.is_closed() => {
                self.timer = None;
                Poll::Ready(Ok(()))
            }
            Poll::Ready(_) => self.poll_gone(context).map(Err),
            Poll::Pending => {
                let idle = Instant::now() + self.idle;
                let until = self.deadline.map_or(idle, |deadline| deadline.min(idle));
                let timer = self
                    .timer
                    .get_or_insert_with(|| Box::pin(sleep_until(until)));
                ready!(timer.as_mut().poll(context));
                // The connection meets this as the end of the body, the guest at each further call.
                if let Some(end) = self.end.take() {
                    let _ = end.send(Err(BodyError::Timeout));
                }
                self.pieces.close();
                self.abort.by_guest(BodyError::Timeout);
                self.is_late = true;
                Poll::Ready(Err(BodyError::Timeout))
            }
        }
    }
}

/// Dropping it before its end aborts the request.
impl Drop for Outgoing {
    fn drop(&mut self) {
        if self.end.is_some() {
            self.abort.by_guest(BodyError::Closed);
        }
    }
}

impl Ready for Outgoing {
    /// Ready once there is room, the upload is over, or nothing more may follow, which a write is told at once.
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self.left() {
            0 => Poll::Ready(()),
            _ => self.poll_room(context).map(drop),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told to a guest that writes and finishes once its peer is known to be gone.
    fn told(reason: BodyError, deadline: Option<Instant>) -> [Result<u32, String>; 2] {
        let abort = Arc::<Abort>::default();
        let hour = Duration::from_secs(3600);
        // The connection's end, of which it lets go a moment later.
        let (mut outgoing, _written) = pipe(None, hour, deadline, abort.clone());
        abort.by_peer(reason);
        let mut context = Context::from_waker(std::task::Waker::noop());
        let Poll::Ready(written) = outgoing.poll_write(b"abc", &mut context) else {
            panic!("waits")
        };
        let finished = outgoing.finish(Ok(HeaderMap::new()));
        [written, finished.map(|()| 0)].map(|result| result.map_err(|error| error.text()))
    }

    /// Else the result would be that of whichever task comes first.
    #[test]
    fn a_request_that_failed_ends_its_upload_before_the_connection_does() {
        for reason in [BodyError::Timeout, BodyError::Closed] {
            let text = reason.text();
            assert_eq!(told(reason, None), [Err(text.clone()), Err(text)]);
        }
    }

    #[tokio::test]
    async fn what_may_not_be_written_needs_no_room() {
        let hour = Duration::from_secs(3600);
        let (mut outgoing, _written) = pipe(Some(3), hour, None, Arc::default());
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(outgoing.poll_write(b"abc", &mut context).is_ready());
        assert!(outgoing.poll_ready(&mut context).is_ready());
        assert!(outgoing.poll_write(b"d", &mut context).is_ready());
        let (mut outgoing, _written) = pipe(Some(4), hour, None, Arc::default());
        assert!(outgoing.poll_write(b"abc", &mut context).is_ready());
        assert!(outgoing.poll_ready(&mut context).is_pending());
    }

    #[test]
    fn an_answer_alone_does_not_end_an_upload() {
        assert_eq!(told(BodyError::Unwanted, None), [Ok(3), Ok(0)]);
    }

    #[test]
    fn past_the_deadline_an_answer_does_not_count() {
        let late = Err(BodyError::Timeout.text());
        let told = told(BodyError::Unwanted, Some(Instant::now()));
        assert_eq!(told, [late.clone(), late]);
    }
}
