//! What the tests share: guests, hosts, and servers in front of them.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};
use std::time::Duration;

use edgewit_build::{Cache, Options, Tool};
use edgewit_host::kv::Memory;
use edgewit_host::{App, Builder, Host, Resolver, Routes, Settings, Target, serve};
use edgewit_manifest::{Grants, Limits, Manifest, Store};
use rcgen::CertifiedKey;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;

use crate::events;
use crate::upstream::Gate;
use crate::wire::{Message, Wire};

/// No test takes this long; one that hangs does.
const HANG: Duration = Duration::from_secs(300);

/// Runs a test on two worker threads.
pub fn run(test: impl Future<Output = ()>) {
    run_on(2, test);
}

/// Runs a test whose hosts share `workers` threads.
pub fn run_on(workers: usize, test: impl Future<Output = ()>) {
    events::keep();
    // Compiling them is no part of a test's time.
    raw();
    wasi();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .expect("a runtime");
    let done = runtime.block_on(async { tokio::time::timeout(HANG, test).await });
    runtime.shutdown_background();
    done.expect("an end, and no hang");
}

/// A guest, with `debug` with names and lines.
fn build(guest: &str, debug: bool) -> Vec<u8> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _lock = ONE_AT_A_TIME.lock().unwrap();
    let report = |event: edgewit_build::Event<'_>| eprintln!("{event:?}");
    let cache = Cache::from_env().expect("a cache");
    edgewit_build::ensure(&cache, Tool::Rust, &report).expect("a compiler for guests");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/guests");
    let manifest = Manifest::read(&folder.join(guest)).expect("a manifest");
    let options = Options {
        debug,
        ..Options::default()
    };
    let built = edgewit_build::build(&cache, &manifest, &options, &report).expect("a component");
    std::fs::read(built.path).expect("a component")
}

/// The guest whose path says what it does.
pub fn raw() -> &'static [u8] {
    static RAW: OnceLock<Vec<u8>> = OnceLock::new();
    RAW.get_or_init(|| build("raw", true))
}

/// The same without names and lines.
pub fn nameless() -> Vec<u8> {
    build("raw", false)
}

/// The guest that imports WASI.
pub fn wasi() -> &'static [u8] {
    static WASI: OnceLock<Vec<u8>> = OnceLock::new();
    WASI.get_or_init(|| build("wasi", true))
}

/// A client that is not of the host's own kind, installed where it is missing: without it its tests fail.
pub fn curl() -> &'static Path {
    static CURL: OnceLock<PathBuf> = OnceLock::new();
    CURL.get_or_init(|| {
        let cache = Cache::from_env().expect("a cache");
        let report = |event: edgewit_build::Event<'_>| eprintln!("{event:?}");
        let found = edgewit_build::ensure(&cache, Tool::Curl, &report);
        found.expect("curl with HTTP/2").path
    })
}

/// Names ending in `.test` are this machine, but for `nowhere.test` and `empty.test`. What was asked
/// is kept.
pub struct Names;

static ASKED: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl Names {
    pub fn asked() -> Vec<String> {
        ASKED.lock().unwrap().clone()
    }
}

impl Resolver for Names {
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        ASKED.lock().unwrap().push(host.to_owned());
        let found = match host {
            "nowhere.test" => Err(io::Error::other("no such name")),
            "empty.test" => Ok(Vec::new()),
            _ => Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]),
        };
        Box::pin(std::future::ready(found))
    }
}

/// A certificate for `localhost` that hosts of tests trust, and one that they do not.
pub static TRUSTED: LazyLock<CertifiedKey<rcgen::KeyPair>> = LazyLock::new(certificate);
pub static UNKNOWN: LazyLock<CertifiedKey<rcgen::KeyPair>> = LazyLock::new(certificate);

fn certificate() -> CertifiedKey<rcgen::KeyPair> {
    rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate")
}

/// A server's side of TLS with a certificate.
pub fn tls(certificate: &CertifiedKey<rcgen::KeyPair>) -> Arc<rustls::ServerConfig> {
    let key = PrivateKeyDer::try_from(certificate.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.cert.der().clone()], key);
    Arc::new(config.expect("a certificate and its key"))
}

/// A host for tests, as they set it up.
pub fn builder() -> Builder {
    Host::builder()
        .instances(16)
        // One guest is compiled once, and not by each of the tests.
        .cache(Path::new(env!("CARGO_TARGET_TMPDIR")).join("host-compiled"))
        .resolver(Arc::new(Names))
        .root(TRUSTED.cert.der().clone())
}

/// The host of the tests that need nothing of their own.
pub fn host() -> &'static Host {
    static HOST: OnceLock<Host> = OnceLock::new();
    HOST.get_or_init(|| builder().build().expect("a host"))
}

/// Settings that grant `fetch` to any port of this machine and a store in memory.
pub fn settings() -> Settings {
    let origins = [
        "http://127.0.0.1:*",
        "https://127.0.0.1:*",
        "https://localhost:*",
        "http://*.test:*",
    ];
    let fetch = origins.map(|origin| origin.parse().expect("an origin"));
    Settings {
        grants: Grants {
            file: Some("app/edge.toml".into()),
            fetch: fetch.to_vec(),
            kv: [("store".to_owned(), Store::ReadWrite)].into(),
        },
        kv: Some(Arc::new(Memory::new())),
        ..Settings::default()
    }
}

/// Those settings with other limits.
pub fn limited(limits: Limits) -> Settings {
    Settings {
        limits,
        ..settings()
    }
}

/// An application behind a port, as long as the test's runtime runs.
pub struct Served {
    pub address: SocketAddr,
    pub name: &'static str,
}

/// Serves the raw guest as the application `name`, which no other test may use.
pub async fn serve_raw(name: &'static str) -> Served {
    serve_with(name, settings()).await
}

pub async fn serve_with(name: &'static str, settings: Settings) -> Served {
    serve_on(host(), name, settings).await
}

pub async fn serve_on(host: &Host, name: &'static str, settings: Settings) -> Served {
    let app = host.load(name, raw(), settings).await;
    serve_app(name, app.expect("an application")).await
}

pub async fn serve_app(name: &'static str, app: App) -> Served {
    let address = listen(Routes::new().add(None, "/", Target::App(app))).await;
    Served { address, name }
}

/// Serves routes for ever.
pub async fn listen(routes: Routes) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(serve(listener, routes, std::future::pending()));
    address
}

impl Served {
    pub async fn connect(&self) -> Wire {
        Wire::connect(self.address).await
    }

    /// The response to a GET on a connection of its own.
    pub async fn get(&self, target: &str) -> Message {
        self.send(&format!("GET {target} HTTP/1.1\r\nhost: a.test\r\n\r\n"))
            .await
    }

    /// The response to a whole request on a connection of its own.
    pub async fn send(&self, request: &str) -> Message {
        let mut wire = self.connect().await;
        wire.send(request).await;
        wire.response().await
    }
}

/// A text as a value in a query.
pub fn q(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The target that lets the raw guest take steps, one after the other.
pub fn steps(steps: &[&str]) -> String {
    let step = |step: &&str| format!("step={}", q(step));
    let steps: Vec<String> = steps.iter().map(step).collect();
    format!("/steps?{}", steps.join("&"))
}

/// A gate, and the connection of a request that waits there.
pub async fn held(served: &Served) -> (Gate, Wire) {
    let gate = Gate::new().await;
    let mut waiting = served.connect().await;
    let target = format!("/fetch?url={}", q(&gate.url()));
    waiting
        .send(format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n"))
        .await;
    gate.arrived(1).await;
    (gate, waiting)
}
