//! An application's connections: kept for a while, and used again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use http::Request;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsConnector;

use super::Outbound;
use super::connect::{Answer, Connection, Unanswered};
use super::route::Route;
use super::upload::Upload;
use crate::bindings::FetchError;

/// Idle connections kept to one peer, and to all.
const IDLE_PER_PEER: usize = 16;
const IDLE_MAX: usize = 256;

/// How long a connection is kept idle.
const IDLE_FOR: Duration = Duration::from_secs(90);

const SWEEP_EVERY: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Kept {
    /// By their peers, each with the moment since when it is idle or, if it is shared, was last taken.
    connections: HashMap<String, Vec<(Instant, Connection)>>,
    /// Whether a task looks for those that are idle for too long.
    is_swept: bool,
}

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
    ) -> Result<Answer, Unanswered> {
        let route = Route::of(outbound)?;
        let key = route.key();
        while let Some(mut connection) = self.take(&key) {
            match connection.send(&outbound.url, request).await {
                Ok(answer) => {
                    self.keep(key, connection);
                    return Ok(answer);
                }
                Err(mut unanswered) => match unanswered.unsent.take() {
                    // The server closed it meanwhile: the next one is tried.
                    Some(unsent) => request = unsent,
                    None => return Err(closed_meanwhile(outbound, unanswered)),
                },
            }
        }
        let opened = Connection::open(&route, outbound, &self.tls);
        let mut connection = timeout(outbound.times.connect, opened)
            .await
            .unwrap_or(Err(FetchError::ConnectTimeout))?;
        if !connection.takes_a_request() {
            let reason = "the server takes no request on a new connection".to_owned();
            return Err(FetchError::Protocol(reason).into());
        }
        if let Some(shared) = connection.shared() {
            // Others need not wait for this one's answer.
            self.put(key.clone(), shared);
        }
        let answer = connection.send(&outbound.url, request).await?;
        self.keep(key, connection);
        Ok(answer)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, key: &str) -> Option<Connection> {
        let mut kept = self.kept();
        let connections = kept.connections.get_mut(key)?;
        connections.retain(|(_, connection)| connection.is_ready());
        for at in (0..connections.len()).rev() {
            let (since, connection) = &mut connections[at];
            let Some(mut shared) = connection.shared() else {
                return Some(connections.remove(at).1);
            };
            // Where all streams are in use, another connection has more.
            if shared.take_place() {
                *since = Instant::now();
                return Some(shared);
            }
        }
        if connections.is_empty() {
            kept.connections.remove(key);
        }
        None
    }

    /// Puts a connection of one request at a time back once the response was read to its end. One that is
    /// shared is there since it was opened.
    fn keep(self: &Arc<Self>, key: String, mut connection: Connection) {
        if connection.is_shared() {
            return;
        }
        let client = Arc::downgrade(self);
        tokio::spawn(async move {
            if connection.ready().await
                && let Some(client) = client.upgrade()
            {
                client.put(key, connection);
            }
        });
    }

    fn put(self: &Arc<Self>, key: String, connection: Connection) {
        let mut kept = self.kept();
        let of_peer = kept.connections.entry(key.clone()).or_default();
        of_peer.retain(|(_, connection)| connection.is_ready());
        if of_peer.len() < IDLE_PER_PEER {
            make_room(&mut kept.connections);
            let of_peer = kept.connections.entry(key).or_default();
            of_peer.push((Instant::now(), connection));
        }
        if !kept.is_swept {
            kept.is_swept = true;
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }
}

/// Lets go of what was taken least lately where all places are taken: peers that nobody asks any more would keep them
/// from those that are asked.
fn make_room<C>(connections: &mut HashMap<String, Vec<(Instant, C)>>) {
    if connections.values().map(Vec::len).sum::<usize>() < IDLE_MAX {
        return;
    }
    let each = connections.iter().flat_map(|(key, of_peer)| {
        let since = of_peer.iter().map(|(since, _)| *since);
        since.enumerate().map(move |(at, since)| (since, key, at))
    });
    let oldest = each.min().map(|(_, key, at)| (key.clone(), at));
    if let Some((key, at)) = oldest
        && let Some(of_peer) = connections.get_mut(&key)
    {
        of_peer.remove(at);
        if of_peer.is_empty() {
            connections.remove(&key);
        }
    }
}

/// Closes what was idle for long enough, as long as there is anything.
async fn sweep(client: Weak<Client>) {
    loop {
        sleep(SWEEP_EVERY).await;
        let Some(client) = client.upgrade() else {
            return;
        };
        let mut kept = client.kept();
        kept.connections.retain(|_, connections| {
            connections.retain(|(since, it)| since.elapsed() < IDLE_FOR && it.is_ready());
            !connections.is_empty()
        });
        if kept.connections.is_empty() {
            kept.is_swept = false;
            return;
        }
    }
}

/// A server may close a connection just while a request is sent on it. One that may be sent twice
/// (RFC 9110, 9.2.2) is then as good as unseen.
fn closed_meanwhile(outbound: &Outbound, mut unanswered: Unanswered) -> Unanswered {
    let is_closed = matches!(unanswered.error, FetchError::ConnectionClosed);
    unanswered.is_unseen |= is_closed && outbound.method.is_idempotent();
    unanswered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_is_new_takes_the_place_of_the_oldest() {
        let start = Instant::now();
        let mut connections = HashMap::new();
        for n in 0..IDLE_MAX {
            make_room(&mut connections);
            let since = start + Duration::from_secs(n as u64);
            // The first peer has a second connection, which is as new as can be.
            let key = if n == IDLE_MAX - 1 { 0 } else { n }.to_string();
            let of_peer: &mut Vec<_> = connections.entry(key).or_default();
            of_peer.push((since, n));
        }
        make_room(&mut connections);
        assert_eq!(
            connections["0"].iter().map(|it| it.1).collect::<Vec<_>>(),
            [IDLE_MAX - 1]
        );
        connections.insert("new".to_owned(), vec![(start, 0)]);
        make_room(&mut connections);
        assert!(!connections.contains_key("new"));
        assert_eq!(connections.len(), IDLE_MAX - 1);
    }
}
