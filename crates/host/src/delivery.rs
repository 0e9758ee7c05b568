//! How a reply goes, as the connection that takes it tells the guest's task.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::bindings::BodyError;
use crate::connection::Connection;

/// How far a connection has come with a reply.
pub(crate) struct Progress {
    bytes: AtomicU64,
    start: Instant,
    /// When the connection last took something, in milliseconds from `start`.
    taken: AtomicU64,
    /// Whether it is the connection that waits, for more.
    waits: AtomicBool,
    /// Why the body has no end, where that lies with the body.
    broken: OnceLock<BodyError>,
}

impl Progress {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            bytes: AtomicU64::new(0),
            start: Instant::now(),
            taken: AtomicU64::new(0),
            waits: AtomicBool::new(false),
            broken: OnceLock::new(),
        })
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Since when nothing was taken, unless it is not the client that is waited for.
    fn idle_since(&self) -> Option<Instant> {
        let taken = Duration::from_millis(self.taken.load(Relaxed));
        (!self.waits.load(Relaxed)).then(|| self.start + taken)
    }

    /// What `wait` comes to; `None` once the client took nothing for as long as `idle`.
    pub(crate) async fn while_taken<T>(
        &self,
        idle: Duration,
        wait: impl Future<Output = T>,
    ) -> Option<T> {
        let mut wait = std::pin::pin!(wait);
        loop {
            let since = self.idle_since();
            let until = since.unwrap_or_else(Instant::now) + idle;
            match timeout_at(until, &mut wait).await {
                Ok(done) => return Some(done),
                Err(_) if since.is_some() && since == self.idle_since() => return None,
                Err(_) => {}
            }
        }
    }

    pub(crate) fn taken(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Relaxed);
        let now = self.start.elapsed().as_millis() as u64;
        self.taken.store(now, Relaxed);
        self.waits.store(false, Relaxed);
    }

    pub(crate) fn breaks(&self, error: &BodyError) {
        let _ = self.broken.set(error.clone());
    }

    /// Why the body broke off by itself, whatever its client did.
    pub(crate) fn broken(&self) -> Option<BodyError> {
        self.broken.get().cloned()
    }

    pub(crate) fn waits(&self) {
        self.waits.store(true, Relaxed);
    }
}

/// Tells the guest's task how the reply went.
pub(crate) struct Delivery {
    tell: oneshot::Sender<Result<(), BodyError>>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) client: ReplyClient,
}

/// Both ends of a delivery.
pub(crate) fn delivery(client: ReplyClient) -> (Delivery, Delivered) {
    let (tell, told) = oneshot::channel();
    let progress = Progress::new();
    let delivered = Delivered {
        told,
        progress: progress.clone(),
        client: client.clone(),
    };
    let delivery = Delivery {
        tell,
        progress,
        client,
    };
    (delivery, delivered)
}

impl Delivery {
    pub(crate) fn over(self, result: Result<(), BodyError>) {
        let result = self.client.outcome(result);
        if matches!(result, Err(BodyError::Closed)) {
            self.client.gone.cancel();
        }
        // The guest's task may have given up on the client already.
        let _ = self.tell.send(result);
    }
}

/// Who a reply is for.
#[derive(Clone, Default)]
pub(crate) struct ReplyClient {
    /// Told where it lets go too early.
    pub(crate) gone: CancellationToken,
    /// Its connection, where that carries this request alone.
    pub(crate) connection: Option<Arc<Connection>>,
    /// How long it may take nothing.
    pub(crate) idle: Duration,
}

impl ReplyClient {
    /// How a reply ends by what the connection knows, which may have ended before it.
    fn outcome(&self, result: Result<(), BodyError>) -> Result<(), BodyError> {
        let Some(connection) = &self.connection else {
            return result;
        };
        match result {
            Ok(()) if connection.is_reset() => Err(BodyError::Closed),
            Err(BodyError::Closed) if connection.is_late() => Err(BodyError::Timeout),
            result => result,
        }
    }
}

/// The guest's end of a delivery.
pub(crate) struct Delivered {
    pub(crate) told: oneshot::Receiver<Result<(), BodyError>>,
    pub(crate) progress: Arc<Progress>,
    client: ReplyClient,
}

impl Delivered {
    /// Whether the connection was ended because the client took nothing for too long.
    pub(crate) fn is_late(&self) -> bool {
        let connection = self.client.connection.as_ref();
        connection.is_some_and(|connection| connection.is_late())
    }
}
