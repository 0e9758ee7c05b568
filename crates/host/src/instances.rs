//! How many instances there are at once: of one application, and of all in a host.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// How long a request waits for a place before it is a 503.
const WAIT: Duration = Duration::from_secs(1);

/// The places of an application, within those of its host.
pub(crate) struct Instances {
    application: Arc<Places>,
    host: Arc<Places>,
}

/// Held as long as an instance is there.
pub(crate) struct Place {
    _application: Taken,
    _host: Taken,
}

/// There was no place in time.
#[derive(Debug, thiserror::Error)]
#[error("instances: limit {limit}{of}, met {met}")]
pub(crate) struct Full {
    limit: u64,
    /// Whose limit it is, where it is not the application's own.
    of: &'static str,
    /// The requests that had a place or waited for one.
    met: u64,
}

impl Instances {
    /// At most `limit` of the places in `host`.
    pub(crate) fn new(host: Arc<Places>, limit: u64) -> Self {
        Self {
            application: Places::new(limit.min(host.limit)),
            host,
        }
    }

    pub(crate) async fn place(&self) -> Result<Place, Full> {
        let until = Instant::now() + WAIT;
        let full = |of| move |(limit, met)| Full { limit, of, met };
        Ok(Place {
            _application: self.application.take(until).await.map_err(full(""))?,
            _host: self.host.take(until).await.map_err(full(" of the host"))?,
        })
    }
}

/// So many places, and how many requests want one.
pub(crate) struct Places {
    free: Arc<Semaphore>,
    limit: u64,
    wanted: AtomicU64,
}

impl Places {
    pub(crate) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(limit as usize)),
            limit,
            wanted: AtomicU64::new(0),
        })
    }

    /// One place; the limit and what was met instead if there is none until then.
    async fn take(self: &Arc<Self>, until: Instant) -> Result<Taken, (u64, u64)> {
        let met = self.wanted.fetch_add(1, Relaxed) + 1;
        let mut taken = Taken {
            places: self.clone(),
            _permit: None,
        };
        let free = self.free.clone().acquire_owned();
        // Nobody closes the semaphore.
        match timeout_at(until, free).await {
            Ok(permit) => taken._permit = permit.ok(),
            Err(_) => return Err((self.limit, met)),
        }
        Ok(taken)
    }
}

/// A place, or the wish for one.
struct Taken {
    places: Arc<Places>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.places.wanted.fetch_sub(1, Relaxed);
    }
}
