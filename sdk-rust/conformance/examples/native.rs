//! The guest compiled for this machine, on the SDK's host in memory, behind a small HTTP server: what a component says of
//! the SDK holds in a test, too. Each request has a thread to itself, as it has an instance of a component, and so
//! everything that the SDK keeps for one. Prints its URL.

use std::convert::Infallible;
use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::thread;

use edgewit::http::{self, HeaderMap, Method, StatusCode, header};
use edgewit::{Body, MessageExt as _};
use http_body_util::channel::{Channel, Sender};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use url::Url;

/// As many as a host takes; it answers more by 431, as the server does.
const FIELDS_MAX: usize = 1000;

type Reply = http::Response<BoxBody<Bytes, io::Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("http://{}/", listener.local_addr()?);
    io::stdout().flush()?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let mut server = http1::Builder::new();
            let connection = server
                .max_headers(FIELDS_MAX)
                .serve_connection(TokioIo::new(stream), service_fn(answer));
            // A client that goes is none of the server's errors.
            let _ = connection.await;
        });
    }
}

async fn answer(request: http::Request<Incoming>) -> Result<Reply, Infallible> {
    Ok(match received(request).await {
        Ok(request) => handled(request).await,
        Err(status) => whole(status, HeaderMap::new(), Bytes::new()),
    })
}

/// A request as a host hands it on, or the status of what it refuses.
async fn received(request: http::Request<Incoming>) -> Result<http::Request<Bytes>, StatusCode> {
    let (mut head, body) = request.into_parts();
    check_method(&head.method, head.uri.path())?;
    let uri = uri(&head.uri, &head.headers).ok_or(StatusCode::BAD_REQUEST)?;
    head.uri = uri.as_str().parse().map_err(|_| StatusCode::BAD_REQUEST)?;
    let body = body.collect().await.map_err(|_| StatusCode::BAD_REQUEST)?;
    let body = match head.method {
        // It means nothing there.
        Method::GET | Method::HEAD => Bytes::new(),
        _ => body.to_bytes(),
    };
    Ok(http::Request::from_parts(head, body))
}

fn check_method(method: &Method, path: &str) -> Result<(), StatusCode> {
    let is = |name: &&str| method.as_str().eq_ignore_ascii_case(name);
    if path == "*" || ["CONNECT", "TRACE", "TRACK"].iter().any(is) {
        return Err(StatusCode::NOT_IMPLEMENTED);
    }
    let common = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];
    match common.iter().find(|name| is(name)) {
        Some(name) if method.as_str() != *name => Err(StatusCode::BAD_REQUEST),
        _ => Ok(()),
    }
}

/// The whole URI; `None` without an authority, or with one that is none.
fn uri(target: &http::Uri, fields: &HeaderMap) -> Option<Url> {
    let mut hosts = fields.get_all(header::HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    let authority = target
        .authority()
        .map_or(host, |authority| authority.as_str());
    let is_part = |c: char| !matches!(c, '@' | '/' | '?' | '#' | '\\') && c.is_ascii_graphic();
    if authority.is_empty() || !authority.chars().all(is_part) || hosts.next().is_some() {
        return None;
    }
    let path = target.path_and_query().map_or("/", |path| path.as_str());
    Url::parse(&format!("http://{authority}{path}")).ok()
}

/// One request, in a thread of its own.
async fn handled(request: http::Request<Bytes>) -> Reply {
    let (sender, reply) = oneshot::channel();
    let runtime = Handle::current();
    thread::spawn(move || {
        let reply = conformance_rust::app().handle(request.map(Body::from));
        let (head, body) = reply.into_parts();
        match body.length() {
            Some(_) => {
                let reply = http::Response::new(body).bytes().unwrap_or_default();
                let _ = sender.send(whole(head.status, head.headers, reply));
            }
            None => {
                let (chunks, made) = Channel::new(1);
                let mut reply = http::Response::new(made.boxed());
                (*reply.status_mut(), *reply.headers_mut()) = (head.status, head.headers);
                if sender.send(reply).is_ok() {
                    runtime.block_on(pulled(body, chunks));
                }
            }
        }
    });
    // A panic has dropped the sender.
    let panicked = |_| {
        whole(
            StatusCode::INTERNAL_SERVER_ERROR,
            HeaderMap::new(),
            Bytes::new(),
        )
    };
    reply.await.unwrap_or_else(panicked)
}

/// Pulls a body that is made while it is sent; an error cuts the connection.
async fn pulled(body: Body, mut chunks: Sender<Bytes, io::Error>) {
    loop {
        let bytes = match body.read() {
            Ok(Some(bytes)) => bytes,
            Ok(None) => break,
            Err(error) => return chunks.abort(io::Error::other(error.chain())),
        };
        if chunks.send_data(bytes).await.is_err() {
            return;
        }
    }
    if let Some(trailers) = body.trailers().filter(|trailers| !trailers.is_empty()) {
        let _ = chunks.send_trailers(trailers).await;
    }
}

fn whole(status: StatusCode, fields: HeaderMap, body: Bytes) -> Reply {
    let body = Full::new(body).map_err(|never| match never {}).boxed();
    let mut reply = http::Response::new(body);
    (*reply.status_mut(), *reply.headers_mut()) = (status, fields);
    reply
}
