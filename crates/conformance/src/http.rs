//! Cases asked of any server that has the guest behind it.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use url::Url;

use crate::case::Case;
use crate::client;
use crate::gates::Gates;
use crate::run::{Outcome, judge_reply, judge_reports};
use crate::suite::{Run, Status, Verdict};

/// A server that takes longer for a case hangs.
const HANG: Duration = Duration::from_secs(30);

/// Asks the server at `url` the cases that look at reports and the reply alone; the others are not run, and
/// say why. Errors: the address of the URL can't be found.
pub async fn over_http(
    url: &Url,
    cases: &[&Case],
    told: &(dyn Fn(&Verdict) + Sync),
) -> Result<Run, String> {
    let host = url.host_str().ok_or_else(|| format!("{url}: no host"))?;
    let port = url
        .port_or_known_default()
        .ok_or_else(|| format!("{url}: no port"))?;
    if url.scheme() != "http" {
        return Err(format!("{url}: the scheme http is due"));
    }
    let found = (host.trim_matches(['[', ']']), port).to_socket_addrs();
    let address = found.map_err(|error| format!("{url}: {error}"))?.next();
    let address = address.ok_or_else(|| format!("{url}: no address"))?;
    let began = Instant::now();
    let mut run = Run {
        subjects: 1,
        ..Run::default()
    };
    for case in cases {
        let verdict = ask(address, &format!("{host}:{port}"), case).await;
        told(&verdict);
        run.verdicts.push(verdict);
    }
    run.took = began.elapsed();
    Ok(run)
}

async fn ask(address: SocketAddr, host: &str, case: &Case) -> Verdict {
    let began = Instant::now();
    let mut verdict = Verdict {
        subject: host.to_owned(),
        case: case.name().to_owned(),
        rule: case.rule.clone(),
        area: case.area().to_owned(),
        layer: case.layer,
        level: case.level,
        status: Status::NotRun,
        why: vec![
            "it needs stores, servers, limits, a client or a look behind the reply".to_owned(),
        ],
        took: Duration::ZERO,
    };
    if !case.is_outcome() {
        return verdict;
    }
    let mut outcome = Outcome::default();
    for exchange in &case.request {
        let exchange = &exchange.for_authority(host);
        let gates = Gates::default();
        match tokio::time::timeout(HANG, client::ask(address, host, exchange, &gates)).await {
            Err(_) => outcome
                .problems
                .push(format!("no end within {} s", HANG.as_secs())),
            Ok(Err(problem)) => outcome.problems.push(problem),
            Ok(Ok(reply)) => {
                let body = reply
                    .as_ref()
                    .map(|reply| String::from_utf8_lossy(&reply.body));
                let reports: Vec<String> = body
                    .iter()
                    .flat_map(|body| body.lines())
                    .map(str::to_owned)
                    .collect();
                if !exchange.steps.is_empty() {
                    judge_reports(exchange, &[], &reports, &mut outcome);
                }
                outcome
                    .problems
                    .extend(judge_reply(&exchange.reply, reply.as_ref()));
            }
        }
    }
    verdict.status = match (outcome.problems.is_empty(), outcome.unsupported) {
        (true, _) => Status::Ok,
        (false, true) => Status::Unsupported,
        (false, false) => Status::Failed,
    };
    verdict.why = outcome.problems;
    verdict.took = began.elapsed();
    verdict
}
