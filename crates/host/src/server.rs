//! Applications behind one port, told apart by host name or path prefix.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode, Uri, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use url::{Position, Url};

use crate::app::App;
use crate::connection::{Connection, Io};
use crate::inbound::{ClientAddress, ListenerAddress, Prefix};
use crate::reply::{self, ReplyBody};
use crate::run::RequestId;
use crate::stream::{self, CONNECTION_WINDOW, STREAM_WINDOW, STREAMS, Streams};

/// Of a method, and of a path, in the line of a request that reached no application.
const BYTES_SHOWN: usize = 1000;

/// How long requests under way may take to end once the server was told to stop.
const GRACE: Duration = Duration::from_secs(1);

/// How long a request head may take to arrive, over HTTP/1.1 from the end of the request before.
const HEAD_READ: Duration = Duration::from_secs(30);

/// Connections at once, and how long one of HTTP/2 may be without a request, unless routes say otherwise.
const CONNECTIONS: u32 = 10_000;
const IDLE: Duration = Duration::from_secs(60);

/// A silent HTTP/2 client is asked whether it is there, so that one that vanished is noticed.
const PING_EVERY: Duration = Duration::from_secs(20);

/// How often at most it is said that connections are at their limit, or are so no more.
const TELL_EVERY: Duration = Duration::from_secs(1);

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

/// Which requests go where, and how many connections bring them.
#[derive(Clone)]
pub struct Routes {
    routes: Vec<Route>,
    connections: u32,
    idle: Duration,
}

impl Default for Routes {
    fn default() -> Self {
        Self {
            routes: Vec::new(),
            connections: CONNECTIONS,
            idle: IDLE,
        }
    }
}

#[derive(Clone)]
struct Route {
    host: Option<String>,
    prefix: Arc<str>,
    target: Target,
}

/// The line of a request that reached no application.
fn line(method: &Method, path: &str, status: StatusCode) {
    // No application has a limit for them.
    let shown = |text: &str| text[..text.floor_char_boundary(BYTES_SHOWN)].to_owned();
    let (method, path) = (shown(method.as_str()), shown(path));
    tracing::info!(
        target: "edgewit::request", method, path, status = status.as_u16(),
        "{method} {path} {}, of no application", status.as_u16()
    );
}

impl Routes {
    /// No routes: every request is a 404.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends requests to `target` whose host name is `host` (any, if `None`) and whose path begins with
    /// `prefix`, by whole segments: the path as guests are told it, in WHATWG serialization, so that `/a/../b` is
    /// one of `/b`. The prefix, `/` for all paths, is taken off the path that the target sees. A route with a host
    /// goes before one without, then the longest prefix counts.
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

    /// Connections at once: 10,000 unless said. Who connects beyond that waits until one has ended.
    pub fn connections(mut self, most: u32) -> Self {
        self.connections = most;
        self
    }

    /// How long an HTTP/2 connection may be without a request: 60 seconds unless said. One of HTTP/1.1
    /// may be for 30 seconds.
    pub fn idle(mut self, limit: Duration) -> Self {
        self.idle = limit;
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
        if let Err(status) = serialize_path(request.uri_mut()) {
            line(request.method(), request.uri().path(), status);
            return reply::bare(status);
        }
        let host = host_name(&request);
        let Some(route) = self.find(host.as_deref(), request.uri().path()) else {
            let status = match request.uri().path() {
                "*" => StatusCode::NOT_IMPLEMENTED,
                _ => StatusCode::NOT_FOUND,
            };
            line(request.method(), request.uri().path(), status);
            return reply::bare(status);
        };
        if !route.prefix.is_empty() {
            *request.uri_mut() = without_prefix(request.uri(), route.prefix.len());
            let prefix = Prefix(route.prefix.clone());
            request.extensions_mut().insert(prefix);
        }
        match &route.target {
            Target::App(app) => app.handle(request).await,
            Target::Service(service) => {
                let (method, path) = (request.method().clone(), request.uri().path().to_owned());
                let response = service(request).await;
                let failed =
                    response.status().is_client_error() || response.status().is_server_error();
                // One that an application answered after all has its line.
                if failed && response.extensions().get::<RequestId>().is_none() {
                    line(&method, &path, response.status());
                }
                response
            }
        }
    }

    /// How HTTP is spoken for these routes.
    fn http(&self, streams: Streams) -> auto::Builder<Streams> {
        let (fields_max, head_bytes_max) = self.head_limits();
        let head_bytes_http2 = u32::try_from(head_bytes_max.saturating_mul(2)).unwrap_or(u32::MAX);
        let mut http = auto::Builder::new(streams);
        http.http1()
            .max_headers(fields_max)
            // The request line and what follows the head are read into the same buffer.
            .max_buf_size(head_bytes_max + 64 * 1024)
            .half_close(true)
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_READ);
        http.http2()
            .timer(TokioTimer::new())
            // h2 answers a larger head with a 431 that nobody here sees: what is somewhat too large gets its line.
            .max_header_list_size(head_bytes_http2)
            .max_concurrent_streams(STREAMS)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(STREAM_WINDOW as usize)
            .keep_alive_interval(PING_EVERY);
        http
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

/// Makes the path and the query those of the URL that they are part of. Other than by its path a request is not
/// told apart, and one without any, or `*`, stays.
fn serialize_path(uri: &mut Uri) -> Result<(), StatusCode> {
    let Some(target) = uri.path_and_query().map(PathAndQuery::as_str) else {
        return Ok(());
    };
    if !target.starts_with('/') {
        return Ok(());
    }
    let url = Url::parse(&format!("http://host{target}")).map_err(|_| StatusCode::BAD_REQUEST)?;
    let serialized = &url[Position::BeforePath..Position::AfterQuery];
    if serialized == target {
        return Ok(());
    }
    // Encoding may make it longer than any is.
    let serialized = serialized.parse().map_err(|_| StatusCode::URI_TOO_LONG)?;
    let mut parts = std::mem::take(uri).into_parts();
    parts.path_and_query = Some(serialized);
    *uri = Uri::from_parts(parts).map_err(|_| StatusCode::BAD_REQUEST)?;
    Ok(())
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

/// Serves HTTP/1.1, and HTTP/2 to clients that begin with it, on `listener` until `stop` is ready. Then no
/// connection is taken any more, idle ones are closed, and requests under way get one second to end. The connections
/// of those that take longer are cut, which has a line in the log.
pub async fn serve(listener: TcpListener, routes: Routes, stop: impl Future<Output = ()>) {
    let mut server = Server {
        full: Full::default(),
        head_limits: routes.head_limits(),
        places: Arc::new(Semaphore::new(routes.connections as usize)),
        routes: Arc::new(routes),
        stop: CancellationToken::new(),
        cut: CancellationToken::new(),
    };
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            // However many connections wait.
            biased;
            () = &mut stop => break,
            (stream, place) = server.accept(&listener) => server.connection(stream, place),
        }
    }
    drop(listener);
    server.stop.cancel();
    let all = server.places.acquire_many(server.routes.connections);
    if timeout(GRACE, all).await.is_err() {
        server.cut_rest();
    }
}

/// What each connection is served with.
struct Server {
    head_limits: (usize, usize),
    routes: Arc<Routes>,
    /// One for each connection that may be there.
    places: Arc<Semaphore>,
    full: Full,
    stop: CancellationToken,
    /// What has not ended once it was told to stop.
    cut: CancellationToken,
}

/// Whether connections are at their limit, as far as the log was told.
#[derive(Default)]
struct Full {
    is_full: bool,
    told: Option<Instant>,
}

impl Full {
    /// However fast connections come and go, the log has no more than a line in each [`TELL_EVERY`].
    fn tell(&mut self, is_full: bool, limit: u32) {
        let is_early = self.told.is_some_and(|told| told.elapsed() < TELL_EVERY);
        if is_full == self.is_full || is_early {
            return;
        }
        self.is_full = is_full;
        self.told = Some(Instant::now());
        if is_full {
            tracing::warn!(
                target: "edgewit::host",
                "connections: limit {limit}, met {limit}: others wait until one has ended"
            );
        } else {
            tracing::warn!(target: "edgewit::host", "connections: fewer than the limit {limit} again");
        }
    }
}

impl Server {
    async fn place(&mut self) -> OwnedSemaphorePermit {
        let limit = self.routes.connections;
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            self.full.tell(false, limit);
            return place;
        }
        loop {
            self.full.tell(true, limit);
            let place = self.places.clone().acquire_owned();
            // One that came too early is told later.
            if let Ok(place) = timeout(TELL_EVERY, place).await {
                return place.expect("nobody closes the semaphore");
            }
        }
    }

    async fn accept(&mut self, listener: &TcpListener) -> (TcpStream, OwnedSemaphorePermit) {
        let place = self.place().await;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => return (stream, place),
                Err(error) => {
                    // Out of file descriptors, mostly: others will end meanwhile.
                    tracing::warn!(target: "edgewit::host", "accept: {error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    /// Ends the connections that are left.
    fn cut_rest(&self) {
        let left = self.routes.connections as usize - self.places.available_permits();
        if left > 0 {
            tracing::warn!(
                target: "edgewit::host",
                "stopped: requests under way had {} ms to end; connections cut with theirs: {left}",
                GRACE.as_millis()
            );
        }
        self.cut.cancel();
    }

    /// Serves one connection in a task of its own.
    fn connection(&self, stream: TcpStream, place: OwnedSemaphorePermit) {
        // Small replies should not wait for an acknowledgement; without it they only take longer.
        let _ = stream.set_nodelay(true);
        let connection = Connection::new(stream);
        let (routes, carrier) = (self.routes.clone(), connection.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            let routes = routes.clone();
            carrier.request_began();
            insert_addresses(&mut request, &carrier);
            async move {
                let response = routes.answer(request).await;
                Ok::<_, Infallible>(response.map(|body| body.on_stream(stream::cut())))
            }
        });
        let io = TokioIo::new(Io::new(connection));
        let streams = Streams::default();
        let http = self.routes.http(streams.clone());
        let served = http.serve_connection(io, service).into_owned();
        let (stop, idle, limits) = (self.stop.clone(), self.routes.idle, self.head_limits);
        let served = async move {
            let mut served = std::pin::pin!(served);
            let is_idle = async {
                streams.begun().await;
                streams.idle(idle).await;
            };
            let served = tokio::select! {
                served = &mut served => served,
                () = stop.cancelled() => {
                    served.as_mut().graceful_shutdown();
                    served.await
                }
                () = is_idle => {
                    served.as_mut().graceful_shutdown();
                    tokio::select! {
                        served = served => served,
                        // A client that does not close its end, or takes no rest of a reply.
                        () = streams.idle(idle) => Ok(()),
                    }
                }
            };
            if let Err(error) = served {
                ended(&*error, limits);
            }
        };
        let cut = self.cut.clone();
        tokio::spawn(async move {
            cut.run_until_cancelled_owned(served).await;
            drop(place);
        });
    }
}

/// Puts into a request's extensions what its connection knows.
fn insert_addresses(request: &mut Request<Incoming>, connection: &Arc<Connection>) {
    let extensions = request.extensions_mut();
    if let Some(address) = connection.client {
        extensions.insert(ClientAddress(address));
    }
    if let Some(address) = connection.listener {
        extensions.insert(ListenerAddress(address));
    }
    extensions.insert(connection.clone());
}

/// How a connection ended that did not end well. What the server itself refused got its answer there, and
/// has its line here.
fn ended(error: &(dyn std::error::Error + Send + Sync + 'static), limits: (usize, usize)) {
    let of_hyper = error.downcast_ref::<hyper::Error>();
    if of_hyper.is_some_and(hyper::Error::is_parse_too_large) {
        let (fields, bytes) = limits;
        tracing::warn!(
            target: "edgewit::host",
            "refused: a request head past request-fields (limit {fields}), request-head-bytes (limit {bytes}) \
             or uri-bytes"
        );
    } else if let Some(reason) = refused_by_http2(error) {
        let (_, bytes) = limits;
        tracing::warn!(
            target: "edgewit::host",
            "refused: an HTTP/2 connection that sent more than any is to send ({reason}): a request head far past \
             request-head-bytes (limit {bytes}), or frames without end"
        );
    } else {
        tracing::debug!(target: "edgewit::host", "connection: {error}");
    }
}

/// Why the connection was ended here, if it was for sending too much. Below that h2 refuses single streams by itself
/// and says so to the client alone: a head larger than it was told to take (431), more streams than there may be.
fn refused_by_http2(error: &(dyn std::error::Error + 'static)) -> Option<h2::Reason> {
    let of_hyper = error.downcast_ref::<hyper::Error>()?;
    let of_h2 = std::error::Error::source(of_hyper)?.downcast_ref::<h2::Error>()?;
    let too_much = [h2::Reason::ENHANCE_YOUR_CALM, h2::Reason::COMPRESSION_ERROR];
    let reason = of_h2.reason().filter(|reason| too_much.contains(reason));
    reason.filter(|_| of_h2.is_library() && of_h2.is_go_away())
}
