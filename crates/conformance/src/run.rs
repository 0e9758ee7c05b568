//! One case on one component.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use edgewit_host::kv::{Backend, Condition, Memory, SetOptions};
use edgewit_host::{Component, Host, Routes, Settings, Target, serve};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use url::Url;

use crate::case::{AUTHORITY, Case, REQUEST_ID};
use crate::client;
use crate::expect::Expect;
use crate::gates::Gates;
use crate::judge;
use crate::record::Record;
use crate::recorder::Recorder;
use crate::upstream;
use crate::wire::Message;
use crate::words;

/// A case that takes longer hangs.
pub(crate) const HANG: Duration = Duration::from_secs(20);

/// What came of a case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// What differs from what is due; nothing if the case is passed.
    pub(crate) problems: Vec<String>,
    /// Whether the guest says that it can't.
    pub(crate) unsupported: bool,
    /// Whether the guest says that its language makes it impossible to write.
    pub(crate) prevented: bool,
    /// Whether it did not come to its end: it hung, trapped, or a step that was due reported nothing.
    pub(crate) broke_off: bool,
    /// What each request did.
    pub(crate) records: Vec<Record>,
    pub(crate) took: Duration,
}

impl Outcome {
    /// Whether its requests were answered, and nothing was reported. A guest that traps has had no time to.
    pub(crate) fn is_without_report(&self) -> bool {
        let silent = |record: &Record| !record.trapped && record.reports.is_empty();
        !self.records.is_empty() && self.records.iter().all(silent)
    }
}

/// Runs a case on a component that `host`, or one that is like it, compiled.
pub(crate) async fn run(
    case: &Case,
    host: &Host,
    component: &Component,
    expect: &Expect,
) -> Outcome {
    let began = Instant::now();
    let recorder = Arc::<Recorder>::default();
    let mut outcome = Outcome::default();
    let done = tokio::time::timeout(
        HANG,
        attempt(case, host, component, expect, &recorder, &mut outcome),
    )
    .await;
    match done {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => {
            outcome.broke_off = true;
            outcome.problems.push(problem);
        }
        Err(_) => {
            outcome.broke_off = true;
            outcome
                .problems
                .push(format!("no end within {} s", HANG.as_secs()));
            let reported = (0..recorder.began()).map(|index| recorder.so_far(index).reports);
            outcome.problems.extend(reported.map(so_far));
        }
    }
    outcome.took = began.elapsed();
    outcome
}

fn so_far(reports: Vec<String>) -> String {
    let reports = match &reports[..] {
        [] => "nothing".to_owned(),
        reports => judge::cut(&reports.join("; ")),
    };
    format!("reported so far: {reports}")
}

async fn attempt(
    case: &Case,
    host: &Host,
    component: &Component,
    expect: &Expect,
    recorder: &Arc<Recorder>,
    outcome: &mut Outcome,
) -> Result<(), String> {
    let gates = Arc::new(Gates::default());
    let upstreams = upstream::Running::start(&case.upstream, &gates).await;
    let upstreams = upstreams.map_err(|error| format!("an upstream can't be started: {error}"))?;
    let stores = Arc::new(Memory::new());
    fill(&stores, &case.stores).await?;
    let host = host_of_case(case, host, recorder, &upstreams)?;
    let (address, stop) = start(case, &host, component, &stores).await?;
    for exchange in &case.request {
        let index = recorder.began();
        recorder.injections.set(&exchange.inject)?;
        let reply = client::ask(address, AUTHORITY, exchange, &gates).await?;
        let mut record = recorder.record(index).await;
        // What reports hold, an id say, may differ where the case lets it.
        if !exchange.is_reported_whole() {
            record.reply = reply
                .as_ref()
                .map(|it| judge::shown(exchange, it))
                .unwrap_or_default();
        }
        if exchange.is_silent() {
            record.reports = reply.as_ref().map(Message::lines).unwrap_or_default();
        }
        let exchange = &exchange.meaning(REQUEST_ID, &words::report(record.id.as_bytes()));
        record.late = judge::judge(exchange, expect, &record, reply.as_ref(), outcome);
        outcome.problems.extend(recorder.injections.left());
        outcome.records.push(record);
    }
    for (index, upstream) in case.upstream.iter().enumerate() {
        let saw = upstreams.saw(index);
        if let Some(due) = upstream.saw.as_ref().filter(|due| **due != saw) {
            let (due, saw) = (format!("{due:?}"), format!("{saw:?}"));
            let what = format!("what {} saw", upstream.origin);
            outcome.problems.push(judge::expected(&what, due, saw));
        }
    }
    outcome
        .problems
        .extend(left(&stores, &case.stores_after).await?);
    drop(stop);
    Ok(())
}

/// A host that finds the servers of a case, and tells the recorder.
fn host_of_case(
    case: &Case,
    host: &Host,
    recorder: &Arc<Recorder>,
    upstreams: &upstream::Running,
) -> Result<Arc<Host>, String> {
    let mut builder = host.like().hook(recorder.clone());
    let mut names = Vec::new();
    for (upstream, address) in case.upstream.iter().zip(&upstreams.addresses) {
        let parse = |text: &str| Url::parse(text).map_err(|error| format!("{text:?}: {error}"));
        let origin = parse(&upstream.origin)?;
        // Over TLS it is found by its name alone, since what stands for it is not.
        if origin.scheme() == "http" {
            builder = builder.send_elsewhere(&origin, &parse(&format!("http://{address}"))?);
        }
        names.push((origin, *address));
    }
    builder = builder.resolver(Arc::new(upstream::Names(names)));
    builder
        .build()
        .map(Arc::new)
        .map_err(|error| error.to_string())
}

/// Serves the component as the case grants and limits it, until what is returned beside the address is dropped.
async fn start(
    case: &Case,
    host: &Host,
    component: &Component,
    stores: &Arc<Memory>,
) -> Result<(SocketAddr, oneshot::Sender<()>), String> {
    let manifest = case.manifest()?;
    let settings = Settings {
        grants: manifest.grants,
        limits: manifest.limits,
        kv: Some(stores.clone()),
        ..Settings::default()
    };
    let app = host.app(case.name(), component, settings).await;
    let app = app.map_err(|error| error.to_string())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.map_err(|error| format!("no port: {error}"))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let (stop, stopped) = oneshot::channel::<()>();
    let routes = Routes::new().add(None, "/", Target::App(app));
    tokio::spawn(serve(listener, routes, async {
        stopped.await.unwrap_or_default()
    }));
    Ok((address, stop))
}

type Contents = BTreeMap<String, BTreeMap<String, String>>;

/// Now, as keys of stores expire by.
fn now_ms() -> u64 {
    use edgewit_host::Clock as _;
    edgewit_host::System::default().now() / 1_000_000
}

async fn fill(stores: &Memory, contents: &Contents) -> Result<(), String> {
    for (store, pairs) in contents {
        let pairs = pairs
            .iter()
            .flat_map(|(key, word)| words::expand(key).into_iter().map(move |key| (key, word)));
        for (key, word) in pairs {
            let options = SetOptions {
                condition: Condition::Always,
                ttl_ms: None,
                metadata: Vec::new(),
            };
            let set = stores
                .set(now_ms(), store, &key, words::decode(word)?, options)
                .await;
            set.map_err(|error| format!("{store}/{key}: {error:?}"))?;
        }
    }
    Ok(())
}

/// What differs from what stores must hold after.
async fn left(stores: &Memory, due: &Contents) -> Result<Vec<String>, String> {
    let mut problems = Vec::new();
    for (store, pairs) in due {
        for (key, word) in pairs {
            let found = stores
                .get(now_ms(), store, std::slice::from_ref(key), u64::MAX)
                .await;
            let found = found.map_err(|error| format!("{store}/{key}: {error:?}"))?;
            let found = found.into_iter().flatten().next().map(|entry| entry.value);
            let due = if word == "~" {
                None
            } else {
                Some(words::decode(word)?)
            };
            if found != due {
                let shown = |value: Option<Vec<u8>>| {
                    value.map_or("~".to_owned(), |value| words::report(&value))
                };
                let what = format!("what {store}/{key} holds");
                problems.push(judge::expected(&what, shown(due), shown(found)));
            }
        }
    }
    Ok(problems)
}
