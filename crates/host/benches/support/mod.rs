//! The example `hello`, as each bench of it serves it.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use edgewit_host::kv::Memory;
use edgewit_host::{Host, Routes, Settings, Target, serve};
use edgewit_manifest::Manifest;
use tokio::net::TcpListener;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/hello/rust")
}

/// The component as `edgewit build` makes it.
pub fn component() -> Result<Vec<u8>, Box<dyn Error>> {
    let manifest = Manifest::read(&folder())?;
    let cache = edgewit_build::Cache::from_env()?;
    let built = edgewit_build::build(&cache, &manifest, &Default::default(), &|_| ())?;
    Ok(std::fs::read(built.path)?)
}

/// Serves it as long as the runtime runs.
pub async fn hello(component: &[u8]) -> Result<SocketAddr, Box<dyn Error>> {
    let host = Host::builder().build()?;
    let settings = Settings {
        grants: Manifest::read(&folder())?.grants,
        kv: Some(Arc::new(Memory::new())),
        ..Settings::default()
    };
    let app = host.load("hello", component, settings).await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let routes = Routes::new().add(None, "/", Target::App(app));
    tokio::spawn(serve(listener, routes, std::future::pending()));
    Ok(address)
}
