//! Cases asked of any server that has the guest behind it.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::Instant;

use futures_util::StreamExt as _;
use tokio::net::TcpStream;
use url::Url;

use crate::case::{AUTHORITY, Case, Exchange, REQUEST_ID};
use crate::client;
use crate::expect::Expect;
use crate::gates::Gates;
use crate::judge::{due_reply, judge_reply, judge_reports};
use crate::ladder::{NoGuest, first_cases};
use crate::run::{HANG, Outcome};
use crate::suite::{Run, not_owed, unknown_names};
use crate::verdict::{Status, Verdict, verdict};
use crate::wire::Message;
use crate::words;

/// A server by its address, and the authority that it is asked for.
struct Server {
    address: SocketAddr,
    authority: String,
}

/// Asks the server at `url` the cases that look at reports and the reply alone, `jobs` at a time; the others are not
/// run, and say why. Once it left a case without an end for 20 s the rest are not run either.
///
/// Errors: the address of the URL can't be found, nobody listens there, or what does carries out no scripts.
pub async fn over_http(
    url: &Url,
    expect: &Expect,
    cases: &[&Case],
    jobs: usize,
    told: &(dyn Fn(&Verdict) + Sync),
) -> Result<Run, String> {
    let server = Server::find(url).await?;
    let subject = &server.authority;
    let began = Instant::now();
    let owed = cases
        .iter()
        .filter(|case| expect.layers.contains(&case.layer));
    let asking = owed.enumerate().map(|(at, case)| {
        let server = &server;
        async move {
            match case.out_of_reach() {
                None => (at, *case, Ok(ask(server, expect, case).await)),
                Some(why) => (at, *case, Err(why)),
            }
        }
    });
    let mut ending = futures_util::stream::iter(asking).buffer_unordered(jobs.max(1));
    let mut verdicts: Vec<(usize, Verdict)> = Vec::new();
    let mut silent = None;
    let mut is_guest = false;
    while let Some((at, case, came)) = ending.next().await {
        let verdict = match came {
            Ok(Asked {
                outcome,
                hung,
                reports,
            }) => {
                if !is_guest && !hung && case.has_a_script() {
                    is_guest = reports || server.is_guest(expect).await;
                    if !is_guest {
                        return Err(NoGuest(subject.clone()).to_string());
                    }
                }
                silent = hung.then(|| case.name()).or(silent);
                verdict(case, subject, expect, &outcome)
            }
            Err(why) => not_run(case, subject, expect, why),
        };
        told(&verdict);
        verdicts.push((at, verdict));
        if silent.is_some() {
            break;
        }
    }
    drop(ending);
    let mut run = Run {
        subjects: 1,
        not_owed: [(subject.clone(), not_owed(expect, cases))].into(),
        problems: unknown_names(subject, expect, cases),
        ..Run::default()
    };
    if let Some(case) = silent {
        let after = HANG.as_secs();
        run.problems.push(format!(
            "{subject} did not end {case} within {after} s; what had not ended by then was not run"
        ));
        rest(&mut verdicts, subject, expect, cases);
    }
    verdicts.sort_by_key(|(at, _)| *at);
    run.verdicts = verdicts.into_iter().map(|(_, verdict)| verdict).collect();
    run.took = began.elapsed();
    Ok(run)
}

/// The verdicts that are missing.
fn rest(verdicts: &mut Vec<(usize, Verdict)>, subject: &str, expect: &Expect, cases: &[&Case]) {
    let owed = cases
        .iter()
        .filter(|case| expect.layers.contains(&case.layer));
    for (at, case) in owed.enumerate() {
        if !verdicts.iter().any(|(told, _)| *told == at) {
            let silent = || "the server was silent before".to_owned();
            let why = case.out_of_reach().unwrap_or_else(silent);
            verdicts.push((at, not_run(case, subject, expect, why)));
        }
    }
}

fn not_run(case: &Case, subject: &str, expect: &Expect, why: String) -> Verdict {
    Verdict {
        status: Status::NotRun,
        why: vec![why],
        ..verdict(case, subject, expect, &Outcome::default())
    }
}

impl Server {
    async fn find(url: &Url) -> Result<Self, String> {
        if url.scheme() != "http" {
            return Err(format!("{url}: the scheme http is due"));
        }
        if url.path() != "/" {
            return Err(format!(
                "{url}: cases ask for paths of their own; a URL without a path is due"
            ));
        }
        let host = url.host_str().ok_or_else(|| format!("{url}: no host"))?;
        let port = url.port_or_known_default().unwrap_or(80);
        // As a guest is told it: without the scheme's own port.
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let found = (host.trim_matches(['[', ']']), port).to_socket_addrs();
        let address = found.map_err(|error| format!("{url}: {error}"))?.next();
        let address = address.ok_or_else(|| format!("{url}: no address"))?;
        // Where nobody listens, no case has anything to say.
        let reached = tokio::time::timeout(HANG, TcpStream::connect(address)).await;
        reached
            .unwrap_or_else(|late| Err(late.into()))
            .map_err(|error| format!("{url}: {error}"))?;
        Ok(Self { address, authority })
    }

    /// Whether it reports anything in the simplest cases, or leaves one without an end.
    async fn is_guest(&self, expect: &Expect) -> bool {
        for case in first_cases().iter().filter(|case| case.is_outcome()) {
            let Asked { hung, reports, .. } = ask(self, expect, case).await;
            if hung || reports {
                return true;
            }
        }
        false
    }
}

/// What came of a case, whether the server left it without an end, and whether any line of a reply was a report.
#[derive(Default)]
struct Asked {
    outcome: Outcome,
    hung: bool,
    reports: bool,
}

/// What begins a report.
const REPORTS: [&str; 5] = ["ok", "err", "throw", "unsupported", "prevented"];

fn is_report(line: &str) -> bool {
    let word = line.split(' ').next();
    word.is_some_and(|word| REPORTS.contains(&word))
}

async fn ask(server: &Server, expect: &Expect, case: &Case) -> Asked {
    let began = Instant::now();
    let Server { address, authority } = server;
    let mut asked = Asked::default();
    let outcome = &mut asked.outcome;
    for exchange in &case.request {
        let exchange = exchange.meaning(AUTHORITY, &words::report(authority.as_bytes()));
        // It is in the server's own log, if anywhere.
        let exchange = &exchange.meaning(REQUEST_ID, "?");
        let gates = Gates::default();
        let asking = client::ask(*address, authority, exchange, &gates);
        match tokio::time::timeout(HANG, asking).await {
            Err(_) => {
                asked.hung = true;
                outcome.broke_off = true;
                let problem = format!("no end within {} s", HANG.as_secs());
                outcome.problems.push(problem);
                break;
            }
            Ok(Err(problem)) => {
                outcome.broke_off = true;
                outcome.problems.push(problem);
            }
            Ok(Ok(reply)) => {
                let lines = reply.as_ref().map(Message::lines).unwrap_or_default();
                asked.reports |= lines.iter().any(|line| is_report(line));
                judge(exchange, expect, reply.as_ref(), outcome);
            }
        }
    }
    outcome.took = began.elapsed();
    asked
}

fn judge(exchange: &Exchange, expect: &Expect, reply: Option<&Message>, outcome: &mut Outcome) {
    let reports = reply.map(Message::lines).unwrap_or_default();
    let mut has_failed = false;
    // Where no step reports, the body is the server's own, a page about an error say.
    if exchange.steps.iter().any(|step| step.due.is_some()) {
        has_failed = judge_reports(exchange, expect, &reports, outcome);
    }
    let due = due_reply(exchange, has_failed, &reports);
    outcome
        .problems
        .extend(judge_reply(&due, reply, expect.joins));
}
