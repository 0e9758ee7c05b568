//! What the host takes from outside: time, randomness and names, each a part that an embedder or a
//! test can replace.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::{Instant, SystemTime};

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

/// The machine's own time, randomness and names.
#[derive(Debug)]
pub struct System {
    start: Instant,
}

impl Default for System {
    fn default() -> Self {
        Self {
            start: Instant::now(),
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
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}
