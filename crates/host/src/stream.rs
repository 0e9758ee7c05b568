//! The streams of HTTP/2 connections: how many there are, what they hold, and the tasks that answer them.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hyper::rt::Executor;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Streams at once on one connection, to clients and to servers alike: the least that RFC 9113, 6.5.2
/// recommends.
pub(crate) const STREAMS: u32 = 100;

/// What may arrive on one stream before it is read, and what is kept of one that is written.
pub(crate) const STREAM_WINDOW: u32 = 128 * 1024;

/// All streams of a connection may have their windows full of unread bytes at once, so that bodies that
/// nobody reads never hold up the others. A peer can make the host keep this much on one connection,
/// 12.5 MiB; over all connections a request that runs keeps one stream's window, and 1,000 run at once.
pub(crate) const CONNECTION_WINDOW: u32 = STREAMS * STREAM_WINDOW;

/// A stream of a connection to a server: free once its answer was read and its upload is over.
pub(crate) type StreamPlace = Arc<OwnedSemaphorePermit>;

tokio::task_local! {
    static CUT: CancellationToken;
}

/// What resets the stream that this task answers, if it answers one. Only its task can be ended: what
/// waits for the client to open a window asks its body for nothing.
pub(crate) fn cut() -> Option<CancellationToken> {
    CUT.try_with(Clone::clone).ok()
}

/// Runs the streams of one client's connection, each in a task of its own.
#[derive(Clone, Default)]
pub(crate) struct Streams {
    counts: watch::Sender<Counts>,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    /// How many there were in all: one may be over before anybody looks.
    begun: u64,
    /// How many run.
    open: usize,
}

impl Streams {
    /// Waits until there was a first stream.
    pub(crate) async fn begun(&self) {
        self.changed(|counts| counts.begun > 0).await;
    }

    /// Waits until there was no stream for as long as `limit`.
    pub(crate) async fn idle(&self, limit: Duration) {
        loop {
            self.changed(|counts| counts.open == 0).await;
            let before = *self.counts.borrow();
            if before.open > 0 {
                continue;
            }
            let next = self.changed(|counts| counts.begun > before.begun);
            if timeout(limit, next).await.is_err() {
                return;
            }
        }
    }

    async fn changed(&self, wanted: impl Fn(Counts) -> bool) {
        // It fails only without a sender, and here is one.
        let _ = self
            .counts
            .subscribe()
            .wait_for(|counts| wanted(*counts))
            .await;
    }
}

/// Counts a stream while it runs.
struct Open(watch::Sender<Counts>);

impl Open {
    fn new(counts: &watch::Sender<Counts>) -> Self {
        counts.send_modify(|counts| {
            counts.begun += 1;
            counts.open += 1;
        });
        Self(counts.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|counts| counts.open -= 1);
    }
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let cut = CancellationToken::new();
        let open = Open::new(&self.counts);
        tokio::spawn(CUT.scope(cut.clone(), async move {
            cut.run_until_cancelled(stream).await;
            drop(open);
        }));
    }
}
