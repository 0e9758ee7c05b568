//! Applications that tests serve, each built and compiled once, and asked over sockets.

#[allow(dead_code, reason = "the host's own tests use more of it")]
#[path = "../../../host/tests/host/events.rs"]
pub mod events;
#[allow(dead_code, reason = "the host's own tests use more of it")]
#[path = "../../../host/tests/host/upstream.rs"]
pub mod upstream;
#[allow(dead_code, reason = "the host's own tests use more of it")]
#[path = "../../../host/tests/host/wire.rs"]
pub mod wire;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use edgewit_build::{Cache, Options};
use edgewit_host::kv::Memory;
use edgewit_host::{Component, Hook, Host, Routes, Settings, Target, serve};
use edgewit_manifest::{Grants, Limits, Manifest, Store};
use tokio::net::TcpListener;

use wire::{Message, Wire};

/// No test takes this long; one that hangs does.
const HANG: Duration = Duration::from_secs(300);

/// Runs a test. Building the applications in `folders`, paths from the root, is no part of its time.
pub fn run(folders: &[&str], test: impl Future<Output = ()>) {
    events::keep();
    for folder in folders {
        component(folder);
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

fn component(folder: &str) -> Component {
    static BUILT: Mutex<Vec<(String, Component)>> = Mutex::new(Vec::new());
    let mut built = BUILT.lock().expect("no build that failed before");
    if let Some((_, component)) = built.iter().find(|(name, _)| name == folder) {
        return component.clone();
    }
    let component = host().compile(folder, &build(folder)).expect("a component");
    built.push((folder.to_owned(), component.clone()));
    component
}

fn build(folder: &str) -> Vec<u8> {
    let report = |event: edgewit_build::Event<'_>| eprintln!("{event:?}");
    let cache = Cache::from_env().expect("a cache");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let manifest = Manifest::read(&root.join(folder)).expect("a manifest");
    let options = Options {
        debug: true,
        ..Options::default()
    };
    let built = edgewit_build::build(&cache, &manifest, &options, &report);
    let built = built.unwrap_or_else(|error| panic!("{error}"));
    std::fs::read(built.path).expect("a component")
}

fn host() -> &'static Host {
    static HOST: OnceLock<Host> = OnceLock::new();
    HOST.get_or_init(|| {
        let cache = Cache::from_env().expect("a cache");
        let builder = Host::builder().instances(16).cache(cache.compiled());
        builder.build().expect("a host")
    })
}

/// How an application is served: as `name`, which no other test may use, with limits, and perhaps watched.
pub struct Served {
    pub folder: &'static str,
    pub name: &'static str,
    pub limits: Limits,
    pub hook: Option<Arc<dyn Hook>>,
}

impl Served {
    /// Serves it, as long as the test's runtime runs. It may fetch from any port of this machine and from names that no
    /// resolver has, and has the store `visits`.
    pub async fn start(self) -> Address {
        let settings = Settings {
            grants: Grants {
                fetch: ["http://127.0.0.1:*", "http://*.invalid"]
                    .map(|origin| origin.parse().expect("an origin"))
                    .into(),
                kv: [("visits".to_owned(), Store::ReadWrite)].into(),
                ..Grants::default()
            },
            limits: self.limits,
            kv: Some(Arc::new(Memory::new())),
            ..Settings::default()
        };
        let component = component(self.folder);
        let host = match self.hook {
            Some(hook) => &host().like().hook(hook).build().expect("a host"),
            None => host(),
        };
        let app = host.app(self.name, &component, settings).await;
        let routes = Routes::new().add(None, "/", Target::App(app.expect("an application")));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(serve(listener, routes, std::future::pending()));
        Address { address }
    }
}

/// Where an application is served.
pub struct Address {
    pub address: SocketAddr,
}

impl Address {
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
