//! Serves one component from a program of its own: `embed COMPONENT [PORT]`.
//!
//! The component is granted the store `visits`, which is kept in memory, and nothing else. Without a
//! port, or with 0, the system chooses one; the address is printed.

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use edgewit_host::kv::Memory;
use edgewit_host::{Host, Routes, Settings, Target, serve};
use edgewit_manifest::{Grants, Store};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let component = arguments.next().ok_or("usage: embed COMPONENT [PORT]")?;
    let port = arguments.next().map_or(Ok(0), |port| port.parse())?;
    let (address, server) = start(component.as_ref(), port).await?;
    println!("http://{address}");
    server.await;
    Ok(())
}

/// Loads the component and opens the port. Requests are answered while the returned future runs.
pub async fn start(
    component: &Path,
    port: u16,
) -> Result<(SocketAddr, impl Future<Output = ()> + use<>), Box<dyn Error>> {
    let host = Host::builder().instances(100).build()?;
    let settings = Settings {
        grants: Grants {
            kv: [("visits".to_owned(), Store::ReadWrite)].into(),
            ..Grants::default()
        },
        kv: Some(Arc::new(Memory::new())),
        ..Settings::default()
    };
    let component = std::fs::read(component)?;
    let app = host.load("embedded", &component, settings).await?;
    let routes = Routes::new().add(None, "/", Target::App(app));
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    // Stops with the program; a future that ends at Ctrl-C would stop it in good order.
    let server = serve(listener, routes, std::future::pending());
    Ok((address, server))
}
