//! What came of a request beside what is due.

use std::collections::BTreeMap;
use std::fmt::Display;

use crate::case::{Exchange, Reply};
use crate::recorder::Record;
use crate::run::Outcome;
use crate::step::{self, Step};
use crate::wire::{Message, values};
use crate::words;

/// What differs, as every problem of a case says it.
pub(crate) fn expected(what: &str, due: impl Display, met: impl Display) -> String {
    format!("{what}: expected {due}, got {met}")
}

/// Compares what came of a request with what is due.
pub(crate) fn judge(
    exchange: &Exchange,
    late: &[String],
    record: &Record,
    reply: Option<&Message>,
    outcome: &mut Outcome,
) {
    let before = outcome.problems.len();
    let has_failed = judge_reports(exchange, late, &record.reports, outcome);
    if exchange.reads() {
        let due = due_reply(exchange, has_failed, &record.reports);
        outcome.problems.extend(judge_reply(&due, reply));
    }
    if record.trapped && !exchange.may_trap() {
        outcome.broke_off = true;
        let said = record.errors.join("; ");
        outcome.problems.push(format!("the guest trapped: {said}"));
    } else if outcome.problems.len() > before || !has_failed && !exchange.may_fail() {
        // Where something differs it may be why.
        let errors = record.errors.iter();
        let said = errors.map(|error| format!("the host says: {error}"));
        outcome.problems.extend(said);
    }
    if let Some(due) = &exchange.log
        && !same_events(due, &record.log)
    {
        let (due, met) = (format!("{due:?}"), format!("{:?}", record.log));
        outcome.problems.push(expected("the log", due, met));
    }
    if let Some(due) = &exchange.trace
        && let Some(difference) = differs(due, &record.trace)
    {
        outcome.problems.push(difference);
    }
}

/// The reply that is due, once reports have told whether the handler has failed.
pub(crate) fn due_reply(exchange: &Exchange, has_failed: bool, reports: &[String]) -> Reply {
    match (has_failed, exchange.is_reported_whole()) {
        (true, _) => failed(),
        (false, true) => Reply {
            fields: exchange.reply.fields.clone(),
            trailers: exchange.reply.trailers.clone(),
            ..reported(reports)
        },
        (false, false) => exchange.reply.clone(),
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
fn reported(reports: &[String]) -> Reply {
    let body: String = reports.iter().map(|report| format!("{report}\n")).collect();
    Reply {
        body: Some(words::encode(body.as_bytes())),
        ..Reply::default()
    }
}

/// Fields that a type of the platform may set by itself, or the body's framing; they are compared where a script
/// names them.
const OF_THE_PLATFORM: [&str; 3] = ["content-type", "content-length", "transfer-encoding"];

/// What a client got, line by line, for the comparison of components: fields by their names, those of one name in their
/// order.
pub(crate) fn shown(exchange: &Exchange, reply: &Message) -> Vec<String> {
    let status = reply.head.status();
    if !reply.complete {
        // How much of it came before is the network's affair.
        return vec![format!("{status}, cut")];
    }
    let is_named = |name: &str| exchange.steps.iter().any(|step| step.line.contains(name));
    // Whether the server keeps the connection hangs on when it saw the end of the request.
    let is_host_s = |name: &str| matches!(name, "date" | "connection");
    let is_free =
        |name: &str| is_host_s(name) || OF_THE_PLATFORM.contains(&name) && !is_named(name);
    let fields = reply.head.fields.iter().filter(|(name, _)| !is_free(name));
    let line = |(name, value): &(String, Vec<u8>)| format!("{name}: {}", words::report(value));
    let mut lines = vec![status.to_string()];
    lines.extend(fields.map(line));
    lines.push(format!("= {}", words::report(&reply.body)));
    lines.extend(reply.trailers.iter().map(|it| format!("+ {}", line(it))));
    lines
}

/// The reply of a handler that has failed.
fn failed() -> Reply {
    Reply {
        status: 500,
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
            let step = format!("`{}`", step.line);
            let due = format!("`{due}`");
            outcome.problems.push(expected(&step, due, "no report"));
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
            let step = format!("`{}`", step.line);
            let (due, report) = (format!("`{due}`"), format!("`{report}`"));
            outcome.problems.push(expected(&step, due, report));
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
    let mut differ = |what: &str, due: String, met: String| {
        if met != due {
            problems.push(expected(what, due, met));
        }
    };
    differ(
        "status",
        due.status.to_string(),
        reply.head.status().to_string(),
    );
    for (name, values) in &due.fields {
        let met = reply.head.all(name);
        differ(name, format!("{values:?}"), format!("{met:?}"));
    }
    if let Some(body) = &due.body {
        let due = words::decode(body)
            .map(|bytes| words::report(&bytes))
            .unwrap_or_default();
        differ("body", due, words::report(&reply.body));
    }
    if let Some(due) = &due.trailers {
        let names = reply.trailers.iter().map(|(name, _)| name);
        let met: BTreeMap<_, _> = names.map(|it| (it, values(&reply.trailers, it))).collect();
        let due: BTreeMap<_, _> = due
            .iter()
            .filter(|(_, values)| !values.is_empty())
            .collect();
        differ("trailers", format!("{due:?}"), format!("{met:?}"));
    }
    let end = |cut: bool| if cut { "cut" } else { "whole" }.to_owned();
    differ("the reply", end(due.cut), end(!reply.complete));
    problems
}

/// Where calls differ from those due, whose first or last line may stand for any others: with the same arguments
/// none of those due comes again.
fn differs(due: &[String], met: &[String]) -> Option<String> {
    let any = |line: Option<&String>| line.is_some_and(|line| line == "...");
    let (before, after) = (any(due.first()), any(due.last()));
    let due = &due[usize::from(before)..due.len() - usize::from(after)];
    if !before && !after {
        return first_difference(due, met)
            .map(|(at, due, met)| expected(&format!("call {at}"), due, met));
    }
    let last = met.len().saturating_sub(due.len());
    let mut starts = (0..=last).filter(|at| (before || *at == 0) && (after || *at == last));
    let Some(at) = starts.find(|at| met[*at..].starts_with(due)) else {
        let due = format!("{due:?} among them");
        return Some(expected("the calls", due, format!("{met:?}")));
    };
    let others = met[..at].iter().chain(&met[at + due.len()..]);
    let is_due = |met: &&String| due.iter().any(|due| asked(due) == asked(met));
    let again = others.into_iter().find(is_due)?;
    Some(expected(
        "the calls",
        format!("{due:?} once"),
        format!("`{again}` as well"),
    ))
}

/// A line of a trace without what came of the call.
fn asked(line: &str) -> &str {
    let end = line.find(") -> ").or(line.find(") moves "));
    &line[..end.unwrap_or(line.len())]
}

/// Where two lists of calls differ first: which call it is, from 1, the one that is due, and the one that was met.
pub(crate) fn first_difference(due: &[String], met: &[String]) -> Option<(usize, String, String)> {
    let shown = |line: Option<&String>| match line {
        Some(line) => format!("`{line}`"),
        None => "nothing more".to_owned(),
    };
    let count = due.len().max(met.len());
    let at = (0..count).find(|at| due.get(*at) != met.get(*at))?;
    Some((at + 1, shown(due.get(at)), shown(met.get(at))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn a_call_that_is_due_among_others_comes_once() {
        let due = lines(&["...", "store.set(#1, \"a\") -> ok(7)", "..."]);
        let (open, set) = ("kv.open(\"s\") -> ok(#1)", "store.set(#1, \"a\") -> ok(7)");
        let get = "store.get(#1, \"a\") -> ok(none)";
        assert_eq!(differs(&due, &lines(&[open, set, get])), None);
        for doubled in [
            &[open, set, set][..],
            // What is injected is for the first call alone.
            &[open, set, "store.set(#1, \"a\") -> ok(8)", get],
            &[open, "store.set(#1, \"a\") -> err(denied)", get, set],
        ] {
            let told = differs(&due, &lines(doubled)).unwrap_or_default();
            assert!(told.contains("once, got `store.set"), "{told}");
        }
        let told = differs(&due, &lines(&[open, get])).unwrap_or_default();
        assert!(told.contains("among them"), "{told}");
    }

    #[test]
    fn a_trap_that_no_step_brings_is_told_and_known_by_nothing() {
        let trapped = |exchange: &str, reports: &[&str]| {
            let exchange: Exchange = toml::from_str(exchange).unwrap();
            let record = Record {
                reports: lines(reports),
                errors: lines(&["after-reply: unreachable"]),
                trapped: true,
                ..Record::default()
            };
            let mut outcome = Outcome::default();
            judge(&exchange, &[], &record, None, &mut outcome);
            (outcome.broke_off, outcome.problems)
        };
        let by_client = "client = ['head', 'close']\nsteps = ['echo.text a -> ok a']";
        let said = lines(&["the guest trapped: after-reply: unreachable"]);
        assert_eq!(trapped(by_client, &["ok a"]), (true, said));
        let by_step = "client = ['head', 'close']\nsteps = ['panic a -> ok']";
        assert_eq!(trapped(by_step, &["ok"]), (false, Vec::new()));
    }

    #[test]
    fn trailers_are_all_that_are_due() {
        let reply = |trailers: &[(&str, &[u8])]| Message {
            trailers: trailers
                .iter()
                .map(|(n, v)| ((*n).to_owned(), v.to_vec()))
                .collect(),
            head: crate::wire::Head {
                start: "HTTP/1.1 200 OK".to_owned(),
                fields: Vec::new(),
            },
            complete: true,
            ..Message::default()
        };
        let due: Reply = toml::from_str("trailers = {}").unwrap();
        assert!(judge_reply(&due, Some(&reply(&[]))).is_empty());
        assert_eq!(
            judge_reply(&due, Some(&reply(&[("x", b"1")]))),
            ["trailers: expected {}, got {\"x\": [\"1\"]}"]
        );
        let due: Reply = toml::from_str("trailers = { x = ['1'], y = [] }").unwrap();
        assert!(judge_reply(&due, Some(&reply(&[("x", b"1")]))).is_empty());
        assert_eq!(judge_reply(&due, Some(&reply(&[]))).len(), 1);
    }

    #[test]
    fn what_is_not_said_of_a_reply_is_200_and_whole() {
        let due = Reply::default();
        let told = judge_reply(&due, None);
        assert_eq!(
            told,
            [
                "status: expected 200, got 0",
                "the reply: expected whole, got cut"
            ]
        );
    }
}
