//! Cases asked of any server that has the guest behind it.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use url::Url;

use crate::case::{Case, Exchange};
use crate::client;
use crate::expect::Expect;
use crate::gates::Gates;
use crate::run::{Outcome, judge_reply, judge_reports, reported};
use crate::suite::{Run, Status, Verdict, verdict};
use crate::wire::Message;

/// A server that takes longer for a case hangs.
const HANG: Duration = Duration::from_secs(30);

/// Asks the server at `url` the cases that look at reports and the reply alone; the others are not run, and
/// say why. Errors: the address of the URL can't be found.
pub async fn over_http(
    url: &Url,
    expect: &Expect,
    cases: &[&Case],
    told: &(dyn Fn(&Verdict) + Sync),
) -> Result<Run, String> {
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
    let began = Instant::now();
    let mut run = Run {
        subjects: 1,
        ..Run::default()
    };
    for case in cases
        .iter()
        .filter(|case| expect.layers.contains(&case.layer))
    {
        let verdict = match case.is_outcome() {
            true => {
                let outcome = ask(address, &authority, &expect.late, case).await;
                verdict(case, &authority, expect, &outcome)
            }
            false => not_run(case, &authority, expect),
        };
        told(&verdict);
        run.verdicts.push(verdict);
    }
    run.took = began.elapsed();
    Ok(run)
}

fn not_run(case: &Case, subject: &str, expect: &Expect) -> Verdict {
    let why = "it needs stores, servers, limits, a client or a look behind the reply";
    Verdict {
        status: Status::NotRun,
        why: vec![why.to_owned()],
        ..verdict(case, subject, expect, &Outcome::default())
    }
}

async fn ask(address: SocketAddr, authority: &str, late: &[String], case: &Case) -> Outcome {
    let began = Instant::now();
    let mut outcome = Outcome::default();
    for exchange in &case.request {
        let exchange = &exchange.for_authority(authority);
        let gates = Gates::default();
        match tokio::time::timeout(HANG, client::ask(address, authority, exchange, &gates)).await {
            Err(_) => {
                outcome.broke_off = true;
                let problem = format!("no end within {} s", HANG.as_secs());
                outcome.problems.push(problem);
            }
            Ok(Err(problem)) => {
                outcome.broke_off = true;
                outcome.problems.push(problem);
            }
            Ok(Ok(reply)) => judge(exchange, late, reply.as_ref(), &mut outcome),
        }
    }
    outcome.took = began.elapsed();
    outcome
}

fn judge(exchange: &Exchange, late: &[String], reply: Option<&Message>, outcome: &mut Outcome) {
    let body = reply.map(|reply| String::from_utf8_lossy(&reply.body));
    let body = body.as_deref().unwrap_or_default();
    let reports: Vec<String> = body.lines().map(str::to_owned).collect();
    let mut has_failed = false;
    if !exchange.steps.is_empty() {
        has_failed = judge_reports(exchange, late, &reports, outcome);
    }
    if exchange.is_reported_whole() && !has_failed {
        let due = reported(&reports);
        outcome.problems.extend(judge_reply(&due, reply));
    }
    outcome.problems.extend(judge_reply(&exchange.reply, reply));
}
