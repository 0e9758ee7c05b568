//! `edgewit serve`.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use edgewit_build::Cache;
use edgewit_host::{App, Builder, Host, ReplyBody, Routes, Target, kv};
use edgewit_manifest::FILE_NAME;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use tokio::net::TcpListener;
use url::Url;

use crate::args::{Override, Serve};
use crate::control::Control;
use crate::error::Error;
use crate::load::{self, Found, Source};
use crate::logs;
use crate::output::{say, tell};
use crate::sink::Guard;

pub fn run(serve: &Serve) -> Result<(), Error> {
    // The last lines are those of requests that ended with the runtime.
    block_on(self::serve(serve)).map(drop)
}

/// How long the tasks that are left have for their end.
const END_WAIT: Duration = Duration::from_secs(1);

/// Runs what a command does, and ends what still runs when it is done. What can't be stopped is left behind: a lookup of
/// a name takes as long as it likes.
pub fn block_on<T>(command: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Error::io("start", Path::new("the runtime")))?;
    let done = runtime.block_on(command);
    runtime.shutdown_timeout(END_WAIT);
    done
}

async fn serve(serve: &Serve) -> Result<Guard, Error> {
    let all = find(serve)?;
    let alone = all.len() == 1;
    check_overrides(serve, &all)?;
    let logs = logs::start(None)?;
    let (listener, address) = listen(serve.listen, "--listen 127.0.0.1:0").await?;
    let cache = Cache::from_env()?;
    // What is wrong with a file of certificates is told before anything is built.
    let host = host(serve)?;
    let components: Result<Vec<_>, _> = all.iter().map(|found| found.component(&cache)).collect();
    let mut routes = Routes::new();
    let mut stores = Stores::default();
    for (found, component) in all.iter().zip(components?) {
        let app = load::load(&host, found, &component, stores.of(found).await?).await?;
        routes = route(routes, app, alone);
    }
    if !alone {
        routes = routes.add(None, "/", list(&all));
    }
    let interrupted = interrupted()?;
    // What is served is served, whether or not anybody reads on.
    let _ = announce(serve, &all, address);
    edgewit_host::serve(listener, routes, interrupted).await;
    drop(stores);
    Ok(logs)
}

/// Says what is served where, and what it is granted.
fn announce(serve: &Serve, all: &[Found], address: std::net::SocketAddr) -> Result<(), Error> {
    for found in all {
        let path = match all {
            [_] => "/".to_owned(),
            _ => format!("/{}/", found.name),
        };
        say(format_args!("{}: http://{address}{path}", found.name))?;
        for line in found.grants.to_string().lines() {
            say(format_args!("  granted: {line}"))?;
        }
        for line in found.variables() {
            say(format_args!("  env: {line}"))?;
        }
        if found.grants.file.is_none() {
            let beside = found.folder.join(FILE_NAME);
            say(format_args!(
                "  there is no {}; --config names another that grants",
                beside.display()
            ))?;
        }
    }
    for Override { origin, peer } in &serve.overrides {
        let (origin, peer) = (origin.origin(), peer.origin());
        let (origin, peer) = (origin.ascii_serialization(), peer.ascii_serialization());
        say(format_args!("overridden: {origin} is {peer}"))?;
    }
    Ok(())
}

/// A server that stands in for what nobody may reach is never asked.
fn check_overrides(serve: &Serve, all: &[Found]) -> Result<(), Error> {
    let mut seen = HashSet::new();
    for Override { origin, .. } in &serve.overrides {
        let origin = origin.origin().ascii_serialization();
        if !seen.insert(origin.clone()) {
            return Err(Error::SameOverride(origin));
        }
    }
    let granted = |url: &Url| {
        let mut origins = all.iter().flat_map(|found| &found.grants.fetch);
        origins.any(|origin| origin.allows(url))
    };
    for Override { origin, .. } in serve.overrides.iter().filter(|it| !granted(&it.origin)) {
        let origin = origin.origin().ascii_serialization();
        tell(format_args!(
            "warning: --override: no application here is granted {origin}; to grant it, add {origin:?} to \
             fetch in its edge.toml"
        ));
    }
    Ok(())
}

/// What answers where several applications are told apart and none is asked: a list of them.
fn list(all: &[Found]) -> Target {
    let lines = all.iter().map(|found| format!("/{}/\n", found.name));
    let text: String = ["Served here:\n".to_owned()]
        .into_iter()
        .chain(lines)
        .collect();
    let text = Bytes::from(text);
    Target::Service(Arc::new(move |request| {
        let status = match request.uri().path() {
            "/" => StatusCode::OK,
            // `OPTIONS *`, which asks about no application.
            "*" => StatusCode::NOT_IMPLEMENTED,
            _ => StatusCode::NOT_FOUND,
        };
        let listed = reply(status, "text/plain; charset=utf-8", text.clone());
        Box::pin(std::future::ready(listed))
    }))
}

/// A reply of the command's own.
pub fn reply(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A host's, which compiles no component twice.
pub fn host_builder() -> Builder {
    match Cache::from_env() {
        Ok(cache) => Host::builder().cache(cache.compiled()),
        // A component alone is served without any folder of ours.
        Err(_) => Host::builder(),
    }
}

fn host(serve: &Serve) -> Result<Host, Error> {
    let mut builder = host_builder();
    for file in &serve.ca {
        builder = builder.root_file(file)?;
    }
    for Override { origin, peer } in &serve.overrides {
        builder = builder.send_elsewhere(origin, peer);
    }
    Ok(builder.build()?)
}

/// What is served, once it can be told apart.
fn find(serve: &Serve) -> Result<Vec<Found>, Error> {
    let config = serve.config.as_deref();
    let all: Result<Vec<_>, _> = serve.apps.iter().map(|it| load::find(it, config)).collect();
    let all = all?;
    let is_file = |found: &Found| matches!(found.source, Source::Component(_));
    if config.is_some() && !all.iter().any(is_file) {
        return Err(Error::Config);
    }
    let mut names = HashSet::new();
    if let Some(twice) = all.iter().find(|found| !names.insert(&found.name)) {
        return Err(Error::SameName(twice.name.clone()));
    }
    match all.iter().find(|found| !is_segment(&found.name)) {
        Some(found) if all.len() > 1 => Err(Error::NotAPath(found.name.clone())),
        _ => Ok(all),
    }
}

/// Whether a name is a part of a path that has one form only, which is no `.` or `..`.
fn is_segment(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    name.chars().all(allowed) && name.chars().any(|c| c != '.')
}

/// The stores of each folder: applications that share an edge.toml share its stores.
#[derive(Default)]
struct Stores {
    open: HashMap<PathBuf, Arc<kv::File>>,
    controls: Vec<Control>,
}

impl Stores {
    /// Those of an application; none if it keeps nothing.
    async fn of(&mut self, found: &Found) -> Result<Option<Arc<dyn kv::Backend>>, Error> {
        if !found.writes_stores() {
            return Ok(None);
        }
        let data = load::make_data_folder(&found.folder)?;
        let data = fs::canonicalize(&data).map_err(Error::io("open", &data))?;
        if let Some(file) = self.open.get(&data) {
            return Ok(Some(file.clone()));
        }
        let file = Arc::new(kv::File::open(&load::stores_file(&found.folder))?);
        self.controls
            .push(Control::start(&data, file.clone()).await?);
        self.open.insert(data, file.clone());
        Ok(Some(file))
    }
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

/// Ready at Ctrl-C and at SIGTERM. Both are caught from this call on, not from when the
/// future is first polled: who was told an address may end the command at once.
pub fn interrupted() -> Result<impl Future<Output = ()>, Error> {
    use tokio::signal::unix::{SignalKind, signal};

    let failed = |reason| Error::io("catch", Path::new("signals"))(reason);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn what_still_blocks_keeps_no_command_from_ending() {
        let began = Instant::now();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let command = async {
            // A lookup of a name, say.
            tokio::task::spawn_blocking(move || {
                let _ = ended.recv_timeout(Duration::from_secs(60));
            });
            Ok(())
        };
        block_on(command).unwrap();
        assert!(began.elapsed() < Duration::from_secs(10));
        drop(end);
    }

    #[cfg(unix)]
    #[test]
    fn a_signal_is_caught_before_anybody_waits_for_it() {
        let command = async {
            let interrupted = interrupted()?;
            let this = std::process::id().to_string();
            let sent = std::process::Command::new("kill")
                .args(["-INT", &this])
                .status();
            assert!(sent.unwrap().success());
            interrupted.await;
            Ok(())
        };
        block_on(command).unwrap();
    }

    #[test]
    fn a_name_is_a_part_of_a_path_in_one_way_only() {
        for name in ["hello", "hello.debug", "My_App-2", ".x"] {
            assert!(is_segment(name), "{name}");
        }
        for name in ["", ".", "..", "My App", "a/b", "a%20b", "é", "a\n"] {
            assert!(!is_segment(name), "{name}");
        }
    }
}
