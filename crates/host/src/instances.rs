//! How many instances there are at once: of one application, and of all in a host.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long a request waits for a place before it is a 503.
const WAIT: Duration = Duration::from_secs(1);

/// The places of an application, within those of its host.
pub(crate) struct Instances {
    application: Arc<Semaphore>,
    host: Arc<Semaphore>,
    limit: u64,
}

/// Held as long as an instance is there.
pub(crate) struct Place {
    _application: OwnedSemaphorePermit,
    _host: OwnedSemaphorePermit,
}

impl Instances {
    /// At most `limit` of the `all` places in `host`.
    pub(crate) fn new(host: Arc<Semaphore>, all: u32, limit: u64) -> Self {
        let limit = limit.min(all.into());
        Self {
            application: Arc::new(Semaphore::new(limit as usize)),
            host,
            limit,
        }
    }

    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    /// `None` if there was none in time.
    pub(crate) async fn place(&self) -> Option<Place> {
        let place = async {
            let application = self.application.clone().acquire_owned().await.ok()?;
            let host = self.host.clone().acquire_owned().await.ok()?;
            Some(Place {
                _application: application,
                _host: host,
            })
        };
        timeout(WAIT, place).await.ok().flatten()
    }
}
