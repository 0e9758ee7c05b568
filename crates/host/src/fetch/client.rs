//! An application's connections: kept for a while, and used again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Request;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsConnector;

use super::Outbound;
use super::connect::{Answer, Connection};
use super::route::Route;
use super::upload::Upload;
use crate::bindings::FetchError;

/// Idle connections kept to one peer, and to all.
const IDLE_PER_PEER: usize = 16;
const IDLE_MAX: usize = 256;

/// How long a connection is kept idle.
const IDLE_FOR: Duration = Duration::from_secs(90);

type Kept = HashMap<String, Vec<(Instant, Connection)>>;

pub(crate) struct Client {
    tls: TlsConnector,
    kept: Mutex<Kept>,
}

impl Client {
    pub(crate) fn new(tls: Arc<rustls::ClientConfig>) -> Arc<Self> {
        Arc::new(Self {
            tls: TlsConnector::from(tls),
            kept: Mutex::default(),
        })
    }

    /// Sends a request and waits for the response's head.
    pub(super) async fn send(
        self: &Arc<Self>,
        outbound: &Outbound,
        mut request: Request<Upload>,
    ) -> Result<Answer, FetchError> {
        let route = Route::of(outbound)?;
        let key = route.key();
        while let Some(mut connection) = self.take(&key) {
            match connection.send(&outbound.url, request).await {
                Ok(answer) => {
                    self.keep(key, connection);
                    return Ok(answer);
                }
                Err(unanswered) => match unanswered.unsent {
                    // The server closed it meanwhile and has seen nothing: the next one is tried.
                    Some(unsent) => request = unsent,
                    None => return Err(unanswered.error),
                },
            }
        }
        let opened = Connection::open(&route, outbound, &self.tls);
        let mut connection = timeout(outbound.times.connect, opened)
            .await
            .unwrap_or(Err(FetchError::ConnectTimeout))?;
        let sent = connection.send(&outbound.url, request).await;
        let answer = sent.map_err(|unanswered| unanswered.error)?;
        self.keep(key, connection);
        Ok(answer)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, key: &str) -> Option<Connection> {
        let mut kept = self.kept();
        let connections = kept.get_mut(key)?;
        while let Some((since, connection)) = connections.pop() {
            if !connection.is_ready() {
                continue;
            }
            if let Some(shared) = connection.shared() {
                connections.push((since, shared));
            }
            return Some(connection);
        }
        kept.remove(key);
        None
    }

    /// Puts a connection back once it takes another request: where that is one at a time, once the
    /// response was read to its end.
    fn keep(self: &Arc<Self>, key: String, mut connection: Connection) {
        let client = Arc::downgrade(self);
        tokio::spawn(async move {
            if !connection.ready().await {
                return;
            }
            let Some(strong) = client.upgrade() else {
                return;
            };
            strong.put(&key, connection);
            drop(strong);
            sleep(IDLE_FOR).await;
            if let Some(client) = client.upgrade() {
                client.expire(&key);
            }
        });
    }

    fn put(&self, key: &str, connection: Connection) {
        let mut kept = self.kept();
        let all: usize = kept.values().map(Vec::len).sum();
        let connections = kept.entry(key.to_owned()).or_default();
        connections.retain(|(_, connection)| connection.is_ready());
        let is_shared = connection.shared().is_some();
        if is_shared {
            // One is enough; of two that were opened at once the later one stays.
            connections.clear();
        }
        if connections.len() < IDLE_PER_PEER && all < IDLE_MAX {
            connections.push((Instant::now(), connection));
        } else if connections.is_empty() {
            kept.remove(key);
        }
    }

    fn expire(&self, key: &str) {
        let mut kept = self.kept();
        let Some(connections) = kept.get_mut(key) else {
            return;
        };
        connections.retain(|(since, _)| since.elapsed() < IDLE_FOR);
        if connections.is_empty() {
            kept.remove(key);
        }
    }
}
