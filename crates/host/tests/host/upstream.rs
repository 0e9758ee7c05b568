//! Servers that guests fetch from, each of a test's own.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use crate::wire::{Message, Wire};

/// A server that plays a script on each connection.
pub struct Upstream {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<Message>>>,
}

/// A port that nobody listens at, and nobody else is given while the socket is there.
pub fn refusing() -> (tokio::net::TcpSocket, u16) {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket
        .bind("127.0.0.1:0".parse().expect("an address"))
        .expect("a port");
    let port = socket.local_addr().expect("an address").port();
    (socket, port)
}

impl Upstream {
    /// A server that hands each connection to `script`.
    pub async fn script<F, S>(script: S) -> Self
    where
        F: Future<Output = ()> + Send,
        S: Fn(Wire) -> F + Clone + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, SeqCst);
                let script = script.clone();
                tokio::spawn(async move { script(Wire::new(stream)).await });
            }
        });
        Self {
            address,
            connections,
            requests: Arc::default(),
        }
    }

    /// A server that answers each request with the bytes that `respond` gives, and keeps the
    /// connection.
    pub async fn answering<R>(respond: R) -> Self
    where
        R: Fn(&Message) -> Vec<u8> + Clone + Send + Sync + 'static,
    {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let keep = requests.clone();
        let mut upstream = Self::script(move |wire| {
            let (respond, keep) = (respond.clone(), keep.clone());
            async move { answer_all(wire, respond, &keep).await }
        })
        .await;
        upstream.requests = requests;
        upstream
    }

    /// As `answering`, behind TLS.
    pub async fn over_tls<R>(tls: Arc<rustls::ServerConfig>, respond: R) -> Self
    where
        R: Fn(&Message) -> Vec<u8> + Clone + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let acceptor = TlsAcceptor::from(tls);
        let requests = Arc::new(Mutex::new(Vec::new()));
        let keep = requests.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, respond, keep) = (acceptor.clone(), respond.clone(), keep.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        answer_all(Wire::new(stream), respond, &keep).await;
                    }
                });
            }
        });
        Self {
            address,
            connections: Arc::default(),
            requests,
        }
    }

    /// `http://` and the address, with a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// `http://` and a name that the tests' resolver knows, with the port and a path.
    pub fn named(&self, name: &str, path: &str) -> String {
        format!("http://{name}:{}{path}", self.address.port())
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }

    /// The requests that arrived, in order.
    pub fn requests(&self) -> Vec<Message> {
        self.requests.lock().unwrap().clone()
    }
}

async fn answer_all<R>(mut wire: Wire, respond: R, keep: &Mutex<Vec<Message>>)
where
    R: Fn(&Message) -> Vec<u8>,
{
    while let Some(request) = wire.request().await {
        let response = respond(&request);
        keep.lock().unwrap().push(request);
        wire.send(response).await;
    }
}

/// A response of 200 with a length.
pub fn ok(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

/// A response without a body.
pub fn bare(status: u16, fields: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n{fields}\r\n").into_bytes()
}

/// A server that answers one request for each time it is opened.
pub struct Gate {
    upstream: Upstream,
    open: Arc<Semaphore>,
    arrived: watch::Receiver<usize>,
}

impl Gate {
    pub async fn new() -> Self {
        let open = Arc::new(Semaphore::new(0));
        let (count, arrived) = watch::channel(0);
        let (gate, count) = (open.clone(), Arc::new(count));
        let upstream = Upstream::script(move |mut wire| {
            let (gate, count) = (gate.clone(), count.clone());
            async move {
                while wire.request().await.is_some() {
                    count.send_modify(|n| *n += 1);
                    gate.acquire().await.expect("a gate").forget();
                    wire.send(bare(200, "")).await;
                }
            }
        })
        .await;
        Self {
            upstream,
            open,
            arrived,
        }
    }

    pub fn url(&self) -> String {
        self.upstream.url("/")
    }

    /// Lets one request through.
    pub fn open(&self) {
        self.open.add_permits(1);
    }

    /// Waits until `n` requests have arrived in all.
    pub async fn arrived(&self, n: usize) {
        let mut arrived = self.arrived.clone();
        let enough = arrived.wait_for(|arrived| *arrived >= n).await;
        enough.expect("the server of the gate");
    }

    /// Waits until no request has arrived for a while; how many there were by then.
    pub async fn settled(&self) -> usize {
        loop {
            let before = self.count();
            tokio::time::sleep(Duration::from_millis(500)).await;
            if self.count() == before {
                return before;
            }
        }
    }

    /// How many requests have arrived.
    pub fn count(&self) -> usize {
        *self.arrived.borrow()
    }
}
