//! Connections to other servers: made, kept and used again, for one application.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Request, Response};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::upload::{self, Upload};
use crate::bindings::FetchError;
use crate::parts::Resolver;

type Sender = SendRequest<Upload>;

/// Idle connections kept for one origin.
const IDLE_MAX: usize = 16;

/// An application's connections.
pub(crate) struct Client {
    resolver: Arc<dyn Resolver>,
    tls: TlsConnector,
    idle: Mutex<HashMap<String, Vec<Sender>>>,
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
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

impl Client {
    pub(crate) fn new(resolver: Arc<dyn Resolver>, tls: Arc<rustls::ClientConfig>) -> Self {
        Self {
            resolver,
            tls: TlsConnector::from(tls),
            idle: Mutex::default(),
        }
    }

    /// Sends a request and waits for the response's head.
    pub(super) async fn send(
        self: &Arc<Self>,
        url: &Url,
        mut request: Request<Upload>,
        connect: Duration,
    ) -> Result<Response<hyper::body::Incoming>, FetchError> {
        let origin = url.origin().ascii_serialization();
        while let Some(mut sender) = self.take_idle(&origin) {
            match sender.try_send_request(request).await {
                Ok(response) => {
                    self.keep(origin, sender);
                    return Ok(response);
                }
                // The server closed it meanwhile and has seen nothing: the next one is tried.
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(sending(error.error())),
                },
            }
        }
        let mut sender = timeout(connect, self.connect(url))
            .await
            .unwrap_or(Err(FetchError::ConnectTimeout))?;
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| sending(&error))?;
        self.keep(origin, sender);
        Ok(response)
    }

    fn take_idle(&self, origin: &str) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let senders = idle.get_mut(origin)?;
        while let Some(sender) = senders.pop() {
            if sender.is_ready() {
                return Some(sender);
            }
        }
        None
    }

    /// Puts a connection back once its response was read to the end.
    fn keep(self: &Arc<Self>, origin: String, mut sender: Sender) {
        let client = Arc::downgrade(self);
        tokio::spawn(async move {
            if sender.ready().await.is_err() {
                return;
            }
            let Some(client) = client.upgrade() else {
                return;
            };
            let mut idle = client.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let senders = idle.entry(origin).or_default();
            senders.retain(|sender| !sender.is_closed());
            if senders.len() < IDLE_MAX {
                senders.push(sender);
            }
        });
    }

    async fn connect(&self, url: &Url) -> Result<Sender, FetchError> {
        let stream = self.tcp(url).await?;
        if url.scheme() == "http" {
            return handshake(TokioIo::new(stream)).await;
        }
        let name = url
            .host_str()
            .unwrap_or_default()
            .trim_matches(['[', ']'])
            .to_owned();
        let name = ServerName::try_from(name)
            .map_err(|error| FetchError::TlsCertificate(error.to_string()))?;
        let stream = self
            .tls
            .connect(name, stream)
            .await
            .map_err(|error| tls(&error))?;
        handshake(TokioIo::new(stream)).await
    }

    /// The first address that takes a connection; the error is the last one's.
    async fn tcp(&self, url: &Url) -> Result<TcpStream, FetchError> {
        let port = url.port_or_known_default().unwrap_or(80);
        let addresses = match url.host() {
            Some(Host::Ipv4(ip)) => vec![(ip, port).into()],
            Some(Host::Ipv6(ip)) => vec![(ip, port).into()],
            Some(Host::Domain(name)) => {
                let found = self.resolver.resolve(name, port).await;
                found.map_err(|error| FetchError::Dns(format!("{name}: {error}")))?
            }
            None => Vec::new(),
        };
        let mut refused = FetchError::Dns(format!(
            "{}: no address",
            url.host_str().unwrap_or_default()
        ));
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // Small requests should not wait for an acknowledgement; without it they only take longer.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) => refused = refused_by(address, &error),
            }
        }
        Err(refused)
    }
}

fn refused_by(address: std::net::SocketAddr, error: &io::Error) -> FetchError {
    if error.kind() == io::ErrorKind::TimedOut {
        return FetchError::ConnectTimeout;
    }
    FetchError::ConnectionRefused(format!("{address}: {error}"))
}

async fn handshake<I>(io: I) -> Result<Sender, FetchError>
where
    I: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
{
    let (sender, connection) = http1::Builder::new()
        .max_headers(1000)
        .max_buf_size(512 * 1024)
        .handshake(io)
        .await
        .map_err(|error| sending(&error))?;
    // Its error reaches whoever waits for the response.
    tokio::spawn(connection);
    Ok(sender)
}

fn tls(error: &io::Error) -> FetchError {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            FetchError::TlsCertificate(error.to_string())
        }
        Some(_) => FetchError::TlsProtocol(error.to_string()),
        None if error.kind() == io::ErrorKind::UnexpectedEof => FetchError::ConnectionClosed,
        None => FetchError::TlsProtocol(error.to_string()),
    }
}

/// What hyper's failure to send, or to receive a head, is to a guest.
fn sending(error: &hyper::Error) -> FetchError {
    if let Some(error) = upload::body_error(error) {
        return FetchError::RequestBody(error);
    }
    if error.is_parse() || error.is_parse_too_large() || error.is_parse_status() {
        return FetchError::Protocol(error.to_string());
    }
    let broken = std::error::Error::source(error).is_some_and(|source| source.is::<io::Error>());
    if broken || error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        return FetchError::ConnectionClosed;
    }
    FetchError::Other(error.to_string())
}
