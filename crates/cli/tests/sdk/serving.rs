//! Applications of `sdk-rust/tests/guests`, built once and served.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use edgewit_build::{Cache, Options, Tool};
use edgewit_host::kv::Memory;
use edgewit_host::{Host, Routes, Settings, Target, serve};
use edgewit_manifest::{Grants, Limits, Manifest};
use tokio::net::TcpListener;

use crate::events;
use crate::wire::{Message, Wire};

/// No test takes this long; one that hangs does.
const HANG: Duration = Duration::from_secs(300);

pub fn run(test: impl Future<Output = ()>) {
    events::keep();
    // Compiling them is no part of a test's time.
    for guest in ["app", "handler"] {
        component(guest);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let done = runtime.block_on(async { tokio::time::timeout(HANG, test).await });
    runtime.shutdown_background();
    done.expect("an end, and no hang");
}

fn component(guest: &str) -> &'static [u8] {
    static BUILT: Mutex<Vec<(String, &'static [u8])>> = Mutex::new(Vec::new());
    let mut built = BUILT.lock().expect("no build that failed before");
    if let Some((_, bytes)) = built.iter().find(|(name, _)| name == guest) {
        return bytes;
    }
    let bytes = build(guest).leak();
    built.push((guest.to_owned(), bytes));
    bytes
}

fn build(guest: &str) -> Vec<u8> {
    let report = |event: edgewit_build::Event<'_>| eprintln!("{event:?}");
    let cache = Cache::from_env().expect("a cache");
    edgewit_build::ensure(&cache, Tool::Rust, &report).expect("a compiler for guests");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk-rust/tests/guests");
    let manifest = Manifest::read(&folder.join(guest)).expect("a manifest");
    let options = Options {
        debug: true,
        ..Options::default()
    };
    let built = edgewit_build::build(&cache, &manifest, &options, &report).expect("a component");
    std::fs::read(built.path).expect("a component")
}

fn host() -> &'static Host {
    static HOST: OnceLock<Host> = OnceLock::new();
    HOST.get_or_init(|| Host::builder().instances(16).build().expect("a host"))
}

/// An application behind a port, as long as the test's runtime runs.
pub struct Served {
    pub address: SocketAddr,
}

/// Serves the application whose path says what it does, as `name`, which no other test may use.
pub async fn app(name: &'static str) -> Served {
    limited(name, Limits::default()).await
}

pub async fn limited(name: &'static str, limits: Limits) -> Served {
    guest("app", name, limits).await
}

/// Serves one of the guests. It may fetch from any port of this machine.
pub async fn guest(guest: &str, name: &'static str, limits: Limits) -> Served {
    let settings = Settings {
        grants: Grants {
            fetch: vec!["http://127.0.0.1:*".parse().expect("an origin")],
            ..Grants::default()
        },
        limits,
        kv: Some(Arc::new(Memory::new())),
        ..Settings::default()
    };
    let app = host().load(name, component(guest), settings).await;
    let routes = Routes::new().add(None, "/", Target::App(app.expect("an application")));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(serve(listener, routes, std::future::pending()));
    Served { address }
}

impl Served {
    pub async fn connect(&self) -> Wire {
        Wire::connect(self.address).await
    }

    /// A connection on which a GET was sent.
    pub async fn ask(&self, target: &str) -> Wire {
        let mut wire = self.connect().await;
        wire.send(format!(
            "GET {target} HTTP/1.1\r\nhost: a\r\nte: trailers\r\n\r\n"
        ))
        .await;
        wire
    }

    /// The response to a GET on a connection of its own.
    pub async fn get(&self, target: &str) -> Message {
        self.ask(target).await.response().await
    }

    /// A connection on which the head of a POST was sent whose body goes by chunks.
    pub async fn post(&self, target: &str) -> Wire {
        let mut wire = self.connect().await;
        wire.send(format!(
            "POST {target} HTTP/1.1\r\nhost: a\r\nte: trailers\r\ntrailer: x-end\r\n\
             transfer-encoding: chunked\r\n\r\n"
        ))
        .await;
        wire
    }
}

/// One chunk of a body.
pub fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

/// The end of a body, with a trailer.
pub const END: &str = "0\r\nx-end: yes\r\n\r\n";

/// A text as a value in a query.
pub fn q(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
