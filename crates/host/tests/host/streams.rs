//! HTTP/2 by hand: a client, and servers that guests fetch from.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::support::{TRUSTED, tls};

/// A client's connection.
pub struct Client {
    sender: SendRequest<Bytes>,
    connection: JoinHandle<()>,
    address: SocketAddr,
}

/// A whole response, or how far it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub trailers: HeaderMap,
    /// Why the body broke off.
    pub error: Option<h2::Error>,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        Self::with_window(address, 65_535).await
    }

    /// A client that lets so many bytes of each body come before it reads them.
    pub async fn with_window(address: SocketAddr, window: u32) -> Self {
        let stream = TcpStream::connect(address).await.expect("a listener");
        let mut http2 = h2::client::Builder::new();
        let handshake = http2.initial_window_size(window).handshake(stream);
        let (sender, connection) = handshake.await.expect("HTTP/2");
        let connection = tokio::spawn(async move {
            let _ = connection.await;
        });
        Self {
            sender,
            connection,
            address,
        }
    }

    /// Begins a request; `fields` are lines `name: value`.
    pub async fn start(
        &self,
        method: &str,
        target: &str,
        fields: &[&str],
        is_whole: bool,
    ) -> (ResponseFuture, SendStream<Bytes>) {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{target}", self.address));
        for field in fields {
            let (name, value) = field.split_once(": ").expect("a field");
            request = request.header(name, value);
        }
        let mut sender = self.sender.clone().ready().await.expect("a connection");
        let request = request.body(()).expect("a request");
        sender.send_request(request, is_whole).expect("a stream")
    }

    pub async fn get(&self, target: &str) -> Answer {
        answer(self.start("GET", target, &[], true).await.0).await
    }

    /// Waits until the server has closed the connection.
    pub async fn closed(self) {
        let _ = self.connection.await;
    }

    /// Closes the connection under all its streams.
    pub async fn close(self) {
        self.connection.abort();
        let _ = self.connection.await;
    }
}

/// All of a response, or what came of its body.
pub async fn answer(response: ResponseFuture) -> Answer {
    let (head, mut body) = response.await.expect("a response").into_parts();
    let (bytes, error) = read(&mut body).await;
    let trailers = match &error {
        None => body.trailers().await.expect("trailers").unwrap_or_default(),
        Some(_) => HeaderMap::new(),
    };
    Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        body: bytes,
        trailers,
        error,
    }
}

/// The next piece of a body; `None` at its end.
pub async fn piece(body: &mut RecvStream) -> Option<Result<Bytes, h2::Error>> {
    loop {
        match body.data().await? {
            // The end may come in a frame of its own.
            Ok(bytes) if bytes.is_empty() => {}
            Ok(bytes) => {
                let _ = body.flow_control().release_capacity(bytes.len());
                return Some(Ok(bytes));
            }
            Err(error) => return Some(Err(error)),
        }
    }
}

/// What a body has, and why it broke off if it did.
pub async fn read(body: &mut RecvStream) -> (Vec<u8>, Option<h2::Error>) {
    let mut bytes = Vec::new();
    while let Some(piece) = piece(body).await {
        match piece {
            Ok(piece) => bytes.extend_from_slice(&piece),
            Err(error) => return (bytes, Some(error)),
        }
    }
    (bytes, None)
}

/// Trailer fields, each a name and a value.
pub fn trailers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let field =
        |(name, value): &(&'static str, &str)| ((*name).parse().unwrap(), value.parse().unwrap());
    let fields: Vec<(http::HeaderName, http::HeaderValue)> = lines.iter().map(field).collect();
    fields.into_iter().collect()
}

/// One request to a server.
pub struct Stream {
    pub head: Request<()>,
    pub body: RecvStream,
    pub respond: SendResponse<Bytes>,
}

impl Stream {
    /// Sends a head of 200, and nothing of its body.
    pub fn begin(&mut self) -> SendStream<Bytes> {
        let response = Response::builder().status(200).body(()).expect("a head");
        self.respond
            .send_response(response, false)
            .expect("a stream")
    }

    /// Answers 200 with a whole body.
    pub fn answer(mut self, body: impl Into<Bytes>) {
        self.begin().send_data(body.into(), true).expect("a stream");
    }
}

static HTTP2: LazyLock<Arc<rustls::ServerConfig>> = LazyLock::new(|| {
    let mut config = rustls::ServerConfig::clone(&tls(&TRUSTED));
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
});

/// A server that hands each request to a script.
pub struct Server {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// A server whose connections take any number of requests.
    pub async fn script<F, S>(script: S) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
        S: Fn(Stream) -> F + Clone + Send + Sync + 'static,
    {
        Self::closing(usize::MAX, script).await
    }

    /// A server that says GOAWAY on a connection with its `last` request.
    pub async fn closing<F, S>(last: usize, script: S) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
        S: Fn(Stream) -> F + Clone + Send + Sync + 'static,
    {
        Self::start(h2::server::Builder::new(), last, script).await
    }

    /// A server that takes so many requests at once on a connection.
    pub async fn taking<F, S>(streams: u32, script: S) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
        S: Fn(Stream) -> F + Clone + Send + Sync + 'static,
    {
        let mut http2 = h2::server::Builder::new();
        http2.max_concurrent_streams(streams);
        Self::start(http2, usize::MAX, script).await
    }

    async fn start<F, S>(http2: h2::server::Builder, last: usize, script: S) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
        S: Fn(Stream) -> F + Clone + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, SeqCst);
                tokio::spawn(connection(stream, http2.clone(), last, script.clone()));
            }
        });
        Self {
            address,
            connections,
        }
    }

    /// A URL with the name that the server's certificate is for.
    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address.port())
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }
}

async fn connection<F, S>(stream: TcpStream, http2: h2::server::Builder, last: usize, script: S)
where
    F: Future<Output = ()> + Send + 'static,
    S: Fn(Stream) -> F,
{
    let Ok(stream) = TlsAcceptor::from(HTTP2.clone()).accept(stream).await else {
        return;
    };
    let mut connection = http2.handshake(stream).await.expect("HTTP/2");
    let mut requests = 0;
    while let Some(Ok((request, respond))) = connection.accept().await {
        requests += 1;
        if requests == last {
            connection.graceful_shutdown();
        }
        let (head, body) = request.into_parts();
        tokio::spawn(script(Stream {
            head: Request::from_parts(head, ()),
            body,
            respond,
        }));
    }
}
