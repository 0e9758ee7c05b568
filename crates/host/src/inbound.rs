//! A request from the wire, checked and in the form that a guest sees.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, StatusCode, Version, header};
use url::Url;

use crate::app::Shared;
use crate::bindings::{BodyError, Context, Field};
use crate::body::{BoxError, Incoming};
use crate::connection::Connection;
use crate::fields;
use crate::meter::Meter;

/// A body with a length up to this is read before the guest starts.
const WHOLE_BYTES_MAX: u64 = 16 * 1024;

/// The address of a request's client, which whoever accepted the connection puts into the request's
/// extensions.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub IpAddr);

/// The address that a request's connection was accepted at, from whoever accepted it, likewise: the
/// authority of a request that names none, which HTTP/1.0 allows.
#[derive(Clone, Copy, Debug)]
pub struct ListenerAddress(pub SocketAddr);

/// What a route has taken off a request's path.
#[derive(Clone, Debug)]
pub(crate) struct Prefix(pub(crate) Arc<str>);

/// A checked request.
pub(crate) struct Inbound {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) headers: Vec<Field>,
    pub(crate) body: InboundBody,
    pub(crate) context: Context,
    pub(crate) cdn_loop: Option<String>,
    pub(crate) connection: Option<Arc<Connection>>,
}

pub(crate) enum InboundBody {
    None,
    Bytes(Vec<u8>),
    Incoming(Box<Incoming>),
}

/// Refused before a guest was started.
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) reason: String,
}

fn refused<T>(status: StatusCode, reason: impl Into<String>) -> Result<T, Refused> {
    Err(Refused {
        status,
        reason: reason.into(),
    })
}

pub(crate) async fn receive<B>(
    app: &Arc<Shared>,
    meter: &Arc<Meter>,
    request_id: &str,
    request: Request<B>,
) -> Result<Inbound, Refused>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let (mut head, body) = request.into_parts();
    let connection = head.extensions.remove::<Arc<Connection>>();
    if let Some(connection) = &connection {
        connection.set_idle(app.limits.idle_ms);
    }
    check_method(&head)?;
    check_size(app, &head)?;
    let uri = absolute_uri(&head)?;
    let body = receive_body(app, meter, &head, body).await?;
    Ok(Inbound {
        method: head.method.as_str().to_owned(),
        uri,
        headers: fields::received(&head.headers),
        body,
        context: context(&head, request_id),
        cdn_loop: cdn_loop(&head),
        // HTTP/2 says itself which of its streams ended.
        connection: connection.filter(|_| head.version < Version::HTTP_2),
    })
}

fn check_method(head: &Parts) -> Result<(), Refused> {
    let method = head.method.as_str();
    if is_not_offered(method) || head.uri.path() == "*" {
        return refused(
            StatusCode::NOT_IMPLEMENTED,
            format!("{method} {} is not offered", head.uri.path()),
        );
    }
    match meant(method) {
        None => Ok(()),
        Some(meant) => refused(
            StatusCode::BAD_REQUEST,
            format!("method {method:?}; {meant} is the method"),
        ),
    }
}

/// Methods that neither a client nor a guest may use.
pub(crate) fn is_not_offered(method: &str) -> bool {
    ["CONNECT", "TRACE", "TRACK"]
        .iter()
        .any(|name| name.eq_ignore_ascii_case(method))
}

/// Methods are case-sensitive: `get` is none, and whoever sends it means another.
pub(crate) fn meant(method: &str) -> Option<&'static str> {
    ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]
        .into_iter()
        .find(|name| name.eq_ignore_ascii_case(method) && *name != method)
}

fn check_size(app: &Shared, head: &Parts) -> Result<(), Refused> {
    let limits = &app.limits;
    let target = head.uri.to_string().len() as u64;
    if target > limits.uri_bytes {
        let reason = format!("uri-bytes: limit {}, met {target}", limits.uri_bytes);
        return refused(StatusCode::URI_TOO_LONG, reason);
    }
    let count = head.headers.len() as u64;
    if count > limits.request_fields {
        let reason = format!(
            "request-fields: limit {}, met {count}",
            limits.request_fields
        );
        return refused(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, reason);
    }
    let size = fields::size(&head.headers);
    if size > limits.request_head_bytes {
        let reason = format!(
            "request-head-bytes: limit {}, met {size}",
            limits.request_head_bytes
        );
        return refused(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, reason);
    }
    Ok(())
}

/// The URI as WHATWG URL serialises it. The authority of an absolute target counts before `host`.
fn absolute_uri(head: &Parts) -> Result<String, Refused> {
    let bad = |reason: String| refused(StatusCode::BAD_REQUEST, reason);
    let mut hosts = head.headers.get_all(header::HOST).iter();
    let authority = match (head.uri.authority(), hosts.next(), hosts.next()) {
        (_, _, Some(_)) => return bad("more than one host field".to_owned()),
        // What an embedder makes may name its authority in its URI alone.
        (authority, None, None)
            if head.version == Version::HTTP_11 && (authority.is_none() || from_the_wire(head)) =>
        {
            return bad("HTTP/1.1 without a host field".to_owned());
        }
        (Some(authority), _, None) => authority.as_str(),
        (None, Some(host), None) => match host.to_str() {
            Ok(host) => host,
            Err(_) => return bad("the host field is not text".to_owned()),
        },
        (None, None, None) => &listener_address(head),
    };
    if authority.is_empty() || !authority.bytes().all(is_of_authority) {
        return bad(format!("host {authority:?} is not an authority"));
    }
    let target = head
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    match Url::parse(&format!("http://{authority}{target}")) {
        Ok(url) => Ok(url.into()),
        Err(error) => bad(format!("host {authority:?}: {error}")),
    }
}

/// What RFC 3986 has in a host and a port, its own delimiters included and `@` not.
fn is_of_authority(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(&byte)
}

fn from_the_wire(head: &Parts) -> bool {
    head.extensions.get::<ListenerAddress>().is_some()
}

fn listener_address(head: &Parts) -> String {
    head.extensions
        .get::<ListenerAddress>()
        .map_or_else(|| "localhost".to_owned(), |listener| listener.0.to_string())
}

async fn receive_body<B>(
    app: &Arc<Shared>,
    meter: &Arc<Meter>,
    head: &Parts,
    body: B,
) -> Result<InboundBody, Refused>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let limits = &app.limits;
    let length = body.size_hint().exact();
    let means_nothing = matches!(head.method, Method::GET | Method::HEAD);
    if body.is_end_stream() {
        let announced = head.headers.contains_key(header::CONTENT_LENGTH);
        return Ok(if announced && !means_nothing {
            InboundBody::Bytes(Vec::new())
        } else {
            InboundBody::None
        });
    }
    if let Some(length) = length.filter(|length| *length > limits.request_body_bytes) {
        let reason = format!(
            "request-body-bytes: limit {}, met {length}",
            limits.request_body_bytes
        );
        return refused(StatusCode::PAYLOAD_TOO_LARGE, reason);
    }
    let idle = Duration::from_millis(limits.idle_ms);
    let mut incoming = Incoming::new(body, limits.request_body_bytes, idle, Some(meter.clone()));
    if means_nothing {
        // A body of GET or HEAD means nothing (RFC 9110, 9.3.1): it is read so that the connection can
        // go on, and dropped.
        tokio::spawn(async move { incoming.read_away().await });
        return Ok(InboundBody::None);
    }
    if length.is_none_or(|length| length > WHOLE_BYTES_MAX) {
        return Ok(InboundBody::Incoming(Box::new(incoming)));
    }
    let whole = Duration::from_millis(limits.request_read_ms);
    match tokio::time::timeout(whole, incoming.read_whole()).await {
        Ok(Ok(bytes)) if incoming.has_trailers() => {
            let unread = incoming.unread(bytes);
            Ok(InboundBody::Incoming(Box::new(unread)))
        }
        Ok(Ok(bytes)) => Ok(InboundBody::Bytes(bytes)),
        Ok(Err(BodyError::Timeout)) => {
            let reason = format!("idle-ms: limit {}, {}", limits.idle_ms, incoming.met());
            refused(StatusCode::REQUEST_TIMEOUT, reason)
        }
        Ok(Err(error)) => refused(
            StatusCode::BAD_REQUEST,
            format!("the body did not arrive: {}", error.text()),
        ),
        Err(_) => {
            let limit = limits.request_read_ms;
            let reason = format!("request-read-ms: limit {limit}, {}", incoming.met());
            refused(StatusCode::REQUEST_TIMEOUT, reason)
        }
    }
}

/// By OpenTelemetry's names for `network.protocol.version`.
pub(crate) fn protocol_version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}

fn context(head: &Parts, request_id: &str) -> Context {
    let version = protocol_version(head.version).to_owned();
    let mut attributes = vec![("network.protocol.version".to_owned(), version)];
    if let Some(Prefix(prefix)) = head.extensions.get() {
        attributes.push(("edgewit.prefix".to_owned(), prefix.to_string()));
    }
    Context {
        request_id: request_id.to_owned(),
        client: head
            .extensions
            .get::<ClientAddress>()
            .map(|client| client.0.to_canonical().to_string()),
        attributes,
    }
}

fn cdn_loop(head: &Parts) -> Option<String> {
    let values = head.headers.get_all("cdn-loop").iter();
    let values: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}
