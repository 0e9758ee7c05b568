//! One case on one component.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use edgewit_host::kv::{Backend, Condition, Memory, SetOptions};
use edgewit_host::{Component, Host, Routes, Settings, Target, serve};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use url::Url;

use crate::case::{AUTHORITY, Case, Exchange, Reply};
use crate::client;
use crate::gates::Gates;
use crate::recorder::{Record, Recorder};
use crate::step::{self, Step};
use crate::upstream;
use crate::wire::{Message, values};
use crate::words;

/// A case that takes longer hangs.
const HANG: Duration = Duration::from_secs(20);

/// What came of a case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// What differs from what is due; nothing if the case is passed.
    pub(crate) problems: Vec<String>,
    /// Whether the guest says that it can't.
    pub(crate) unsupported: bool,
    /// Whether the guest says that its language makes it impossible to write.
    pub(crate) prevented: bool,
    /// Whether it did not come to its end: it hung, or a step that was due reported nothing.
    pub(crate) broke_off: bool,
    /// What each request did.
    pub(crate) records: Vec<Record>,
    pub(crate) took: Duration,
}

/// Runs a case on a component that `host`, or one that is like it, compiled.
pub(crate) async fn run(
    case: &Case,
    host: &Host,
    component: &Component,
    late: &[String],
) -> Outcome {
    let began = Instant::now();
    let recorder = Arc::<Recorder>::default();
    let mut outcome = Outcome::default();
    let done = tokio::time::timeout(
        HANG,
        attempt(case, host, component, late, &recorder, &mut outcome),
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
            outcome
                .problems
                .extend(reported.map(|reports| format!("reported so far: {}", reports.join("; "))));
        }
    }
    outcome.took = began.elapsed();
    outcome
}

async fn attempt(
    case: &Case,
    host: &Host,
    component: &Component,
    late: &[String],
    recorder: &Arc<Recorder>,
    outcome: &mut Outcome,
) -> Result<(), String> {
    let gates = Arc::new(Gates::default());
    let upstreams = upstream::Running::start(&case.upstream, &gates).await;
    let upstreams = upstreams.map_err(|error| format!("an upstream can't be started: {error}"))?;
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
    let host = builder.build().map_err(|error| error.to_string())?;
    let stores = Arc::new(Memory::new());
    fill(&stores, &case.stores).await?;
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
    for exchange in &case.request {
        let index = recorder.began();
        recorder.inject(&exchange.inject)?;
        let reply = client::ask(address, AUTHORITY, exchange, &gates).await?;
        let mut record = recorder.record(index).await;
        // What reports hold, an id say, may differ where the case lets it.
        let is_shaped = !exchange.is_reported_whole();
        record.reply = reply
            .as_ref()
            .filter(|_| is_shaped)
            .map(shown)
            .unwrap_or_default();
        judge(exchange, late, &record, reply.as_ref(), outcome);
        outcome.problems.extend(recorder.not_injected());
        outcome.records.push(record);
    }
    for (index, upstream) in case.upstream.iter().enumerate() {
        let saw = upstreams.saw(index);
        if let Some(due) = upstream.saw.as_ref().filter(|due| **due != saw) {
            outcome
                .problems
                .push(format!("{} saw {saw:?}; {due:?} is due", upstream.origin));
        }
    }
    outcome
        .problems
        .extend(left(&stores, &case.stores_after).await?);
    drop(stop);
    Ok(())
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
                problems.push(format!(
                    "{store}/{key} holds {}; {} is due",
                    shown(found),
                    shown(due)
                ));
            }
        }
    }
    Ok(problems)
}

/// Compares what came of a request with what is due.
fn judge(
    exchange: &Exchange,
    late: &[String],
    record: &Record,
    reply: Option<&Message>,
    outcome: &mut Outcome,
) {
    let has_failed = judge_reports(exchange, late, &record.reports, outcome);
    let due = match (has_failed, exchange.is_reported_whole()) {
        (true, _) => failed(),
        (false, true) => reported(&record.reports),
        (false, false) => exchange.reply.clone(),
    };
    outcome.problems.extend(judge_reply(&due, reply));
    if !has_failed && !exchange.may_fail() {
        let errors = record.errors.iter();
        let said = errors.map(|error| format!("the host says: {error}"));
        outcome.problems.extend(said);
    }
    if let Some(due) = exchange
        .log
        .as_ref()
        .filter(|due| !same_events(due, &record.log))
    {
        outcome
            .problems
            .push(format!("logged {:?}; {due:?} is due", record.log));
    }
    if let Some(due) = &exchange.trace
        && let Some(difference) = differs(due, &record.trace)
    {
        outcome
            .problems
            .push(format!("the calls differ: {difference}"));
    }
}

/// Whether events are those due, where `?` is any word: a language's own logger chooses its target.
fn same_events(due: &[String], met: &[String]) -> bool {
    let same = |due: &str, met: &str| {
        let (due, met): (Vec<&str>, Vec<&str>) =
            (due.split(' ').collect(), met.split(' ').collect());
        due.len() == met.len()
            && due
                .iter()
                .zip(&met)
                .all(|(due, met)| *due == "?" || due == met)
    };
    due.len() == met.len() && due.iter().zip(met).all(|(due, met)| same(due, met))
}

/// The reply of a guest that nothing has shaped: its reports.
pub(crate) fn reported(reports: &[String]) -> Reply {
    let body: String = reports.iter().map(|report| format!("{report}\n")).collect();
    Reply {
        status: Some(200),
        body: Some(words::encode(body.as_bytes())),
        cut: Some(false),
        ..Reply::default()
    }
}

/// What a client got, for the comparison of components.
fn shown(reply: &Message) -> String {
    let status = reply.head.status();
    match reply.complete {
        true => format!("{status} with {}", words::report(&reply.body)),
        // How much of it came before is the network's affair.
        false => format!("{status}, cut"),
    }
}

/// The reply of a handler that has failed.
fn failed() -> Reply {
    Reply {
        status: Some(500),
        body: Some("-".to_owned()),
        ..Reply::default()
    }
}

/// Compares reports with those that are due. Whether the handler must have failed: an error of those in `late`
/// was let through by a type of the platform, and shows when the handler returns.
pub(crate) fn judge_reports(
    exchange: &Exchange,
    late: &[String],
    reports: &[String],
    outcome: &mut Outcome,
) -> bool {
    let is_late = |step: &Step, due: &str, report: &str| {
        let error = due.strip_prefix("err ").unwrap_or_default();
        report == "ok" && step.line.starts_with("reply.") && late.iter().any(|late| late == error)
    };
    let mut has_failed = false;
    let mut met = reports.iter();
    for step in &exchange.steps {
        let Some(due) = &step.due else { continue };
        let Some(report) = met.next() else {
            outcome.broke_off = true;
            outcome
                .problems
                .push(format!("`{}`: no report; `{due}` is due", step.line));
            return has_failed;
        };
        if is_late(step, due, report) {
            has_failed = true;
            continue;
        }
        outcome.unsupported |= report == "unsupported";
        if report == "prevented" {
            outcome.prevented = true;
            continue;
        }
        if !step::matches(step, due, report) {
            outcome
                .problems
                .push(format!("`{}`: `{report}`; `{due}` is due", step.line));
        }
    }
    // A guest that floods is told by the first.
    for more in met.take(3) {
        outcome
            .problems
            .push(format!("a report that no step is due: `{more}`"));
    }
    has_failed
}

pub(crate) fn judge_reply(due: &Reply, reply: Option<&Message>) -> Vec<String> {
    let nothing = Message::default();
    let reply = reply.unwrap_or(&nothing);
    let mut problems = Vec::new();
    let mut differ = |what: &str, met: String, due: String| {
        if met != due {
            problems.push(format!("{what}: {met}; {due} is due"));
        }
    };
    if let Some(status) = due.status {
        differ(
            "status",
            reply.head.status().to_string(),
            status.to_string(),
        );
    }
    for (name, values) in &due.fields {
        differ(
            name,
            format!("{:?}", reply.head.all(name)),
            format!("{values:?}"),
        );
    }
    if let Some(body) = &due.body {
        let due = words::decode(body)
            .map(|bytes| words::report(&bytes))
            .unwrap_or_default();
        differ("body", words::report(&reply.body), due);
    }
    for (name, due) in due.trailers.iter().flatten() {
        differ(
            name,
            format!("{:?} as trailers", values(&reply.trailers, name)),
            format!("{due:?} as trailers"),
        );
    }
    if let Some(cut) = due.cut {
        differ("cut", (!reply.complete).to_string(), cut.to_string());
    }
    problems
}

/// Where calls differ from those due, whose first or last line may stand for any.
fn differs(due: &[String], met: &[String]) -> Option<String> {
    let any = |line: Option<&String>| line.is_some_and(|line| line == "...");
    let (before, after) = (any(due.first()), any(due.last()));
    let due = &due[usize::from(before)..due.len() - usize::from(after)];
    if !before && !after {
        return first_difference(due, met);
    }
    let starts = 0..=met.len().saturating_sub(due.len());
    let mut starts =
        starts.filter(|at| (before || *at == 0) && (after || at + due.len() == met.len()));
    let found = starts.any(|at| met[at..].starts_with(due));
    (!found).then(|| format!("{met:?}; {due:?} is due among them"))
}

/// Where two lists of calls differ first.
pub(crate) fn first_difference(due: &[String], met: &[String]) -> Option<String> {
    let nothing = "nothing more".to_owned();
    (0..due.len().max(met.len())).find_map(|at| {
        let (due, met) = (
            due.get(at).unwrap_or(&nothing),
            met.get(at).unwrap_or(&nothing),
        );
        (due != met).then(|| format!("call {}: `{met}`; `{due}` is due", at + 1))
    })
}
