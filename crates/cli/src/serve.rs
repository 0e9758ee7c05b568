//! `edgewit serve`.

use std::collections::HashSet;
use std::sync::Arc;

use edgewit_build::Cache;
use edgewit_host::{App, Host, Routes, Target, kv};
use tokio::net::TcpListener;

use crate::args::Serve;
use crate::control::Control;
use crate::error::Error;
use crate::load::{self, Ready};
use crate::logs;

pub fn run(serve: &Serve) -> Result<(), Error> {
    let cache = Cache::from_env()?;
    let mut all = Vec::new();
    for path in &serve.apps {
        all.push(load::ready(path, serve.config.as_deref(), &cache)?);
    }
    let mut names = HashSet::new();
    if let Some(twice) = all.iter().find(|ready| !names.insert(&ready.name)) {
        return Err(Error::SameName(twice.name.clone()));
    }
    runtime()?.block_on(self::serve(serve, &all))
}

pub fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    let here = std::path::Path::new("the runtime");
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Error::io("start", here))
}

async fn serve(serve: &Serve, all: &[Ready]) -> Result<(), Error> {
    let logs = logs::start(None)?;
    let host = Host::builder().build()?;
    let mut routes = Routes::new();
    let mut controls = Vec::new();
    for ready in all {
        let mut stores: Option<Arc<dyn kv::Backend>> = None;
        if ready.writes_stores() {
            let data = load::make_data_folder(&ready.folder)?;
            let file = Arc::new(kv::File::open(&load::stores_file(&ready.folder))?);
            controls.push(Control::start(&data, file.clone()).await?);
            stores = Some(file);
        }
        let app = load::load(&host, ready, stores).await?;
        routes = route(routes, app, all.len() == 1);
    }
    let (listener, address) = listen(serve.listen, "--listen 127.0.0.1:0").await?;
    for ready in all {
        let path = if all.len() == 1 {
            "/".to_owned()
        } else {
            format!("/{}/", ready.name)
        };
        println!("{}: http://{address}{path}", ready.name);
        for line in ready.grants.to_string().lines() {
            println!("  granted: {line}");
        }
    }
    edgewit_host::serve(listener, routes, interrupted()).await;
    drop(controls);
    drop(logs);
    Ok(())
}

/// One application has the whole port; several are told apart by prefix, and by host name.
fn route(routes: Routes, app: App, alone: bool) -> Routes {
    if alone {
        return routes.add(None, "/", Target::App(app));
    }
    let name = app.name().to_owned();
    routes
        .add(
            Some(&format!("{name}.localhost")),
            "/",
            Target::App(app.clone()),
        )
        .add(None, &format!("/{name}"), Target::App(app))
}

pub async fn listen(
    address: std::net::SocketAddr,
    remedy: &'static str,
) -> Result<(TcpListener, std::net::SocketAddr), Error> {
    let failed = |reason| Error::Listen {
        address,
        reason,
        remedy,
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Ready at Ctrl-C, and at SIGTERM where there is one.
pub async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
