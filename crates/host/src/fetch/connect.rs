//! One connection to another server, over either version of HTTP.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use http::header::{self, HeaderValue};
use http::{Request, Response, Uri};
use hyper::client::conn::{TrySendError, http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;
use url::{Position, Url};

use super::Outbound;
use super::route::Route;
use super::socket::Socket;
use super::tasks::Tasks;
use super::tcp;
use super::upload::Upload;
use crate::bindings::FetchError;
use crate::stream::{CONNECTION_WINDOW, STREAM_WINDOW, STREAMS, StreamPlace};

/// A silent server is asked whether it is there, so that one that vanished is noticed.
const PING_EVERY: Duration = Duration::from_secs(20);

/// Fields and bytes of a head that are taken from a server.
const FIELDS_MAX: usize = 1000;
const HEAD_BYTES_MAX: usize = 512 * 1024;

/// A connection on which requests can be sent.
pub(super) struct Connection {
    sender: Sender,
    peer: IpAddr,
    /// Cancelled once the server reads no more of what is written.
    refuses: CancellationToken,
    /// The stream that the next request may take.
    place: Option<StreamPlace>,
}

#[derive(Clone)]
struct Streams {
    /// A clone is the same connection.
    sender: http2::SendRequest<Upload>,
    tasks: Tasks,
    /// One for each stream whose answer may be unread, or whose upload goes on.
    places: Arc<Semaphore>,
    connection: Weak<Mutex<Http2>>,
}

/// A connection of HTTP/2 as hyper drives it, which is over TLS alone.
type Http2 = http2::Connection<TokioIo<Socket<TlsStream<TcpStream>>>, Upload, Tasks>;

impl Streams {
    /// A stream that is free by the server's own limit, too: h2 would let a request past it wait behind the bodies
    /// of others, where no time is measured. None once the connection is over.
    fn place(&self) -> Option<StreamPlace> {
        let connection = self.connection.upgrade()?;
        let of_server = locked(&connection).current_max_send_streams();
        let taken = STREAMS as usize - self.places.available_permits();
        if taken >= of_server {
            return None;
        }
        let place = self.places.clone().try_acquire_owned();
        place.ok().map(Arc::new)
    }
}

fn locked(connection: &Mutex<Http2>) -> std::sync::MutexGuard<'_, Http2> {
    // A poll that panicked has ended its task, and nobody polls again.
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

enum Sender {
    /// One request at a time.
    Http1(http1::SendRequest<Upload>),
    Http2(Streams),
}

/// A response's head, with its body still arriving.
pub(super) struct Answer {
    pub(super) response: Response<hyper::body::Incoming>,
    pub(super) peer: IpAddr,
    /// Kept until the body was read, if it came by a stream among others.
    pub(super) place: Option<StreamPlace>,
}

/// Why a request was not answered.
pub(super) struct Unanswered {
    pub(super) error: FetchError,
    /// The request itself, if nothing of it was sent.
    pub(super) unsent: Option<Request<Upload>>,
    /// Whether the server says that it did nothing with it.
    pub(super) is_unseen: bool,
}

impl From<FetchError> for Unanswered {
    fn from(error: FetchError) -> Self {
        Self {
            error,
            unsent: None,
            is_unseen: false,
        }
    }
}

/// Trust in the system's roots and in `more`; a root that can't be used is an error.
pub(crate) fn trust(
    more: &[CertificateDer<'static>],
) -> Result<Arc<rustls::ClientConfig>, rustls::Error> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for root in more {
        roots.add(root.clone())?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

impl Connection {
    pub(super) async fn open(
        route: &Route,
        outbound: &Outbound,
        tls: &TlsConnector,
    ) -> Result<Self, FetchError> {
        let connected = tcp::connect(&route.addresses(outbound).await?).await;
        let (stream, peer) = connected.inspect_err(|error| {
            if let FetchError::Other(reason) = error {
                tracing::warn!(
                    target: "edgewit::host", request = &*outbound.request_id, app = &*outbound.app.name,
                    "connect: {reason}"
                );
            }
        })?;
        let refuses = CancellationToken::new();
        let idle = Duration::from_millis(outbound.app.limits.idle_ms);
        let sender = match &route.tls {
            None => http1(Socket::new(stream, refuses.clone(), Some(idle))).await?,
            Some(name) => {
                let name = ServerName::try_from(name.clone())
                    .map_err(|error| FetchError::TlsCertificate(error.to_string()))?;
                let stream = tls
                    .connect(name, stream)
                    .await
                    .map_err(|error| broken_tls(&error))?;
                let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                if is_http2 {
                    // A ping that is not answered is its limit.
                    http2(Socket::new(stream, refuses.clone(), None)).await?
                } else {
                    http1(Socket::new(stream, refuses.clone(), Some(idle))).await?
                }
            }
        };
        let mut opened = Self {
            sender,
            peer,
            refuses,
            place: None,
        };
        opened.take_place();
        Ok(opened)
    }

    pub(super) fn is_shared(&self) -> bool {
        matches!(self.sender, Sender::Http2(_))
    }

    /// The same connection without a place for a request, if it takes several at once.
    pub(super) fn shared(&self) -> Option<Self> {
        match &self.sender {
            Sender::Http1(_) => None,
            Sender::Http2(streams) => Some(Self {
                sender: Sender::Http2(streams.clone()),
                peer: self.peer,
                refuses: self.refuses.clone(),
                place: None,
            }),
        }
    }

    /// Whether a request can be sent on it: h2 would hold one back for which there is no stream, for ever.
    pub(super) fn takes_a_request(&self) -> bool {
        !self.is_shared() || self.place.is_some()
    }

    /// Whether there is a stream for the next request.
    pub(super) fn take_place(&mut self) -> bool {
        if let Sender::Http2(streams) = &self.sender {
            self.place = streams.place();
        }
        self.place.is_some()
    }

    /// Whether a request could be sent now, on a stream that is free.
    pub(super) fn is_ready(&self) -> bool {
        !self.refuses.is_cancelled()
            && match &self.sender {
                Sender::Http1(sender) => sender.is_ready(),
                Sender::Http2(streams) => streams.sender.is_ready(),
            }
    }

    /// Waits until another request can be sent; false if none ever can.
    pub(super) async fn ready(&mut self) -> bool {
        let ready = match &mut self.sender {
            Sender::Http1(sender) => sender.ready().await,
            Sender::Http2(streams) => streams.sender.ready().await,
        };
        ready.is_ok() && !self.refuses.is_cancelled()
    }

    /// Sends a request and waits for the response's head.
    pub(super) async fn send(
        &mut self,
        url: &Url,
        mut request: Request<Upload>,
    ) -> Result<Answer, Unanswered> {
        request.body_mut().sent_on(&self.refuses);
        let place = self.place.take();
        let sent = match &mut self.sender {
            Sender::Http1(sender) => {
                set_http1_head(&mut request, url)?;
                sender.try_send_request(request).await
            }
            Sender::Http2(streams) => {
                set_http2_head(&mut request, url)?;
                request.body_mut().sent_by(&streams.tasks, place.clone());
                streams.sender.try_send_request(request).await
            }
        };
        let peer = self.peer;
        let answer = |response| Answer {
            response,
            peer,
            place,
        };
        sent.map(answer)
            .map_err(|mut error: TrySendError<_>| Unanswered {
                unsent: error.take_message(),
                is_unseen: is_unseen(error.error()),
                error: unanswered(error.error()),
            })
    }
}

async fn http1<S>(stream: S) -> Result<Sender, FetchError>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = http1::Builder::new()
        .max_headers(FIELDS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| unanswered(&error))?;
    // Its error reaches whoever waits for the response.
    tokio::spawn(connection);
    Ok(Sender::Http1(sender))
}

async fn http2(stream: Socket<TlsStream<TcpStream>>) -> Result<Sender, FetchError> {
    let tasks = Tasks::default();
    let (sender, connection) = http2::Builder::new(tasks.clone())
        .timer(TokioTimer::new())
        // Until the server has said how many it takes, a connection is for the request that it was opened for.
        .initial_max_send_streams(1)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(STREAM_WINDOW as usize)
        .max_header_list_size(HEAD_BYTES_MAX as u32)
        .keep_alive_interval(PING_EVERY)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| unanswered(&error))?;
    let connection = Arc::new(Mutex::new(connection));
    let streams = Streams {
        sender,
        tasks,
        places: Arc::new(Semaphore::new(STREAMS as usize)),
        connection: Arc::downgrade(&connection),
    };
    tokio::spawn(std::future::poll_fn(move |context| {
        Pin::new(&mut *locked(&connection)).poll(context)
    }));
    Ok(Sender::Http2(streams))
}

/// The request target, authority and connection's own field, as HTTP/1.1 has them.
fn set_http1_head(request: &mut Request<Upload>, url: &Url) -> Result<(), FetchError> {
    *request.uri_mut() = uri(&url[Position::BeforePath..Position::AfterQuery], url)?;
    let authority = &url[Position::BeforeHost..Position::AfterPort];
    let host = HeaderValue::from_str(authority)
        .map_err(|error| FetchError::InvalidRequest(format!("uri {url}: {error}")))?;
    let headers = request.headers_mut();
    headers.insert(header::HOST, host);
    headers.insert(header::CONNECTION, HeaderValue::from_static("te"));
    Ok(())
}

/// HTTP/2 carries the whole URI, and has no such fields.
fn set_http2_head(request: &mut Request<Upload>, url: &Url) -> Result<(), FetchError> {
    *request.uri_mut() = uri(&url[..Position::AfterQuery], url)?;
    request.headers_mut().remove(header::HOST);
    request.headers_mut().remove(header::CONNECTION);
    Ok(())
}

fn uri(text: &str, url: &Url) -> Result<Uri, FetchError> {
    text.parse()
        .map_err(|error| FetchError::InvalidRequest(format!("uri {url}: {error}")))
}

/// Whether the peer went, with or without a word.
fn is_end(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(
        kind,
        UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe
    )
}

fn broken_tls(error: &io::Error) -> FetchError {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            FetchError::TlsCertificate(error.to_string())
        }
        Some(_) => FetchError::TlsProtocol(error.to_string()),
        None if is_end(error.kind()) => FetchError::ConnectionClosed,
        None => FetchError::TlsProtocol(error.to_string()),
    }
}

/// A stream that was refused, or is past the last one that a server going away takes (RFC 9113, 8.7).
fn is_unseen(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error);
    let h2 = source.and_then(|source| source.downcast_ref::<h2::Error>());
    h2.is_some_and(|h2| {
        let is_refused = h2.reason() == Some(h2::Reason::REFUSED_STREAM);
        h2.is_remote() && (h2.is_go_away() || is_refused)
    })
}

/// What hyper's failure to send, or to receive a head, is to a guest. No failure that is known ends as `other`: it
/// stands for what hyper may come to tell one day.
fn unanswered(error: &hyper::Error) -> FetchError {
    if error.is_parse() || error.is_parse_too_large() || error.is_parse_status() {
        return FetchError::Protocol(error.to_string());
    }
    let source = std::error::Error::source(error);
    let broken = source.is_some_and(|source| source.is::<io::Error>());
    if broken || error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        return FetchError::ConnectionClosed;
    }
    match source.and_then(|source| source.downcast_ref::<h2::Error>()) {
        // What the server did; what was done to it here was for breaking the protocol.
        Some(h2) if h2.is_io() || h2.is_remote() => FetchError::ConnectionClosed,
        Some(h2) => FetchError::Protocol(h2.to_string()),
        None => FetchError::Other(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_goes_during_the_handshake_is_gone() {
        for kind in [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset] {
            assert!(matches!(
                broken_tls(&kind.into()),
                FetchError::ConnectionClosed
            ));
        }
        let other = broken_tls(&io::ErrorKind::InvalidData.into());
        assert!(matches!(other, FetchError::TlsProtocol(_)));
    }
}
