//! What the host takes from outside: time, randomness and names, each a part that an embedder or a
//! test can replace.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use tokio::sync::Semaphore;

/// The time that guests see, WASI's included.
pub trait Clock: Send + Sync + 'static {
    /// Nanoseconds since 1970 in UTC.
    fn now(&self) -> u64;
    /// Nanoseconds from an arbitrary start; never backwards.
    fn monotonic(&self) -> u64;
}

/// The randomness that guests see, WASI's included.
pub trait Random: Send + Sync + 'static {
    /// Fills `bytes` with bytes fit for cryptography.
    fn fill(&self, bytes: &mut [u8]);
}

/// How the names of servers become addresses.
pub trait Resolver: Send + Sync + 'static {
    /// The addresses of `host` in the order to try them; an error or none at all is `dns` to a guest.
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;
}

/// Names that are looked up at once. Each takes a thread of Tokio's for as long as the system's resolver
/// takes, which stores and others need too.
const LOOKUPS: usize = 64;

/// The machine's own time, randomness and names.
#[derive(Debug)]
pub struct System {
    start: Instant,
    lookups: Arc<Semaphore>,
}

impl Default for System {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
        }
    }
}

impl Clock for System {
    fn now(&self) -> u64 {
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    fn monotonic(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Random for System {
    fn fill(&self, bytes: &mut [u8]) {
        // The system's source fails only before it was ever seeded; a guest must not go on then.
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

impl Resolver for System {
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        let host = host.to_owned();
        Box::pin(async move {
            let place = self.lookups.clone().acquire_owned().await;
            // In a task of its own: the thread is taken until there is an answer, whoever waits for it.
            let lookup = tokio::spawn(async move {
                let found = tokio::net::lookup_host((host, port)).await;
                drop(place);
                found.map(Vec::from_iter)
            });
            lookup.await?
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn lookups_past_the_limit_wait() {
        let system = System::default();
        let all = system.lookups.acquire_many(LOOKUPS as u32).await.unwrap();
        let lookup = system.resolve("localhost", 80);
        let early = timeout(Duration::from_millis(50), lookup).await;
        assert!(early.is_err());
        drop(all);
        assert!(!system.resolve("localhost", 80).await.unwrap().is_empty());
        let free = system.lookups.acquire_many(LOOKUPS as u32);
        drop(free.await.unwrap());
    }
}
