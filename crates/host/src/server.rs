//! Applications behind one port, told apart by host name or path prefix.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{Request, Response, StatusCode, Uri, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;

use crate::app::App;
use crate::inbound::{ClientAddress, ListenerAddress, Prefix};
use crate::reply::{self, ReplyBody};

/// How long requests under way may take to end once the server was told to stop.
const GRACE: Duration = Duration::from_secs(1);

/// What a [`Target::Service`] returns.
pub type Answer = Pin<Box<dyn Future<Output = Response<ReplyBody>> + Send>>;

/// Who answers a route.
#[derive(Clone)]
pub enum Target {
    /// An application.
    App(App),
    /// The embedder itself, with the request as it came, the prefix taken off its path.
    Service(Arc<dyn Fn(Request<Incoming>) -> Answer + Send + Sync>),
}

/// Which requests go where.
#[derive(Clone, Default)]
pub struct Routes {
    routes: Vec<Route>,
}

#[derive(Clone)]
struct Route {
    host: Option<String>,
    prefix: Arc<str>,
    target: Target,
}

impl Routes {
    /// No routes: every request is a 404.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends requests to `target` whose host name is `host` (any, if `None`) and whose path begins with
    /// `prefix`, by whole segments. The prefix, `/` for all paths, is taken off the path that the
    /// target sees. A route with a host goes before one without, then the longest prefix counts.
    pub fn add(mut self, host: Option<&str>, prefix: &str, target: Target) -> Self {
        let prefix = prefix.trim_end_matches('/').to_owned();
        self.routes.push(Route {
            host: host.map(str::to_ascii_lowercase),
            prefix: prefix.into(),
            target,
        });
        self.routes
            .sort_by_key(|route| (route.host.is_none(), std::cmp::Reverse(route.prefix.len())));
        self
    }

    fn find(&self, host: Option<&str>, path: &str) -> Option<&Route> {
        self.routes.iter().find(|route| {
            let wanted = route.host.as_deref();
            let host_fits = wanted
                .is_none_or(|wanted| host.is_some_and(|host| wanted.eq_ignore_ascii_case(host)));
            let rest = path.strip_prefix(&*route.prefix);
            let all = route.prefix.is_empty();
            host_fits && rest.is_some_and(|rest| all || rest.is_empty() || rest.starts_with('/'))
        })
    }

    async fn answer(&self, mut request: Request<Incoming>) -> Response<ReplyBody> {
        let host = host_name(&request);
        let Some(route) = self.find(host.as_deref(), request.uri().path()) else {
            let asterisk = request.uri().path() == "*";
            return reply::bare(if asterisk {
                StatusCode::NOT_IMPLEMENTED
            } else {
                StatusCode::NOT_FOUND
            });
        };
        if !route.prefix.is_empty() {
            *request.uri_mut() = without_prefix(request.uri(), route.prefix.len());
            let prefix = Prefix(route.prefix.clone());
            request.extensions_mut().insert(prefix);
        }
        match &route.target {
            Target::App(app) => app.handle(request).await,
            Target::Service(service) => service(request).await,
        }
    }

    /// The most fields and bytes of a head that any application of these routes takes.
    fn head_limits(&self) -> (usize, usize) {
        let mut most = (100, 64 * 1024);
        for route in &self.routes {
            if let Target::App(app) = &route.target {
                let limits = &app.shared.limits;
                most.0 = most.0.max(limits.request_fields as usize);
                most.1 = most.1.max(limits.request_head_bytes as usize);
            }
        }
        most
    }
}

/// The host name of a request, without a port.
fn host_name(request: &Request<Incoming>) -> Option<String> {
    if let Some(host) = request.uri().host() {
        return Some(host.to_owned());
    }
    let host = request.headers().get(header::HOST)?.to_str().ok()?;
    let authority: http::uri::Authority = host.parse().ok()?;
    Some(authority.host().to_owned())
}

/// The same URI with the first `length` bytes of its path gone.
fn without_prefix(uri: &Uri, length: usize) -> Uri {
    let whole = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let rest = &whole[length..];
    let rest = if rest.starts_with('/') {
        rest.to_owned()
    } else {
        format!("/{rest}")
    };
    let mut parts = uri.clone().into_parts();
    // A part of a valid target, which begins with a slash, is valid; the whole one stays if not.
    if let Ok(rest) = rest.parse() {
        parts.path_and_query = Some(rest);
    }
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

/// Serves HTTP/1.1 on `listener` until `stop` is ready. Then no connection is taken any more, idle ones
/// are closed, and requests under way get one second to end.
pub async fn serve(listener: TcpListener, routes: Routes, stop: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let (fields_max, head_bytes_max) = routes.head_limits();
    let routes = Arc::new(routes);
    let mut http = http1::Builder::new();
    http.max_headers(fields_max)
        // The request line and what follows the head are read into the same buffer.
        .max_buf_size(head_bytes_max + 64 * 1024)
        .half_close(true)
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(30));
    let mut stop = std::pin::pin!(stop);
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, mostly: others will end meanwhile.
                    tracing::warn!(target: "edgewit::host", "accept: {error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        // Small replies should not wait for an acknowledgement; without it they only take longer.
        let _ = stream.set_nodelay(true);
        let client = stream
            .peer_addr()
            .ok()
            .map(|address| ClientAddress(address.ip()));
        let listener = stream.local_addr().ok().map(ListenerAddress);
        let routes = routes.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            let routes = routes.clone();
            if let Some(client) = client {
                request.extensions_mut().insert(client);
            }
            if let Some(listener) = listener {
                request.extensions_mut().insert(listener);
            }
            async move { Ok::<_, Infallible>(routes.answer(request).await) }
        });
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(target: "edgewit::host", "connection: {error}");
            }
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
}
