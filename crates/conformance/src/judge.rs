//! What came of a request beside what is due.

use std::collections::BTreeMap;
use std::fmt::Display;

use crate::case::{Exchange, Fails, Reply};
use crate::expect::{Drops, Expect};
use crate::record::Record;
use crate::run::Outcome;
use crate::step::{self, Step};
use crate::trace::{differs, looked_at};
use crate::wire::{Message, values};
use crate::words;

/// What differs, as every problem of a case says it.
pub(crate) fn expected(what: &str, due: impl Display, met: impl Display) -> String {
    let (due, met) = (cut(&due.to_string()), cut(&met.to_string()));
    format!("{what}: expected {due}, got {met}")
}

/// How much of one value is shown.
const SHOWN_CHARS_MAX: usize = 1000;

/// The beginning of a long value: a server may send megabytes.
pub(crate) fn cut(value: &str) -> String {
    match value.char_indices().nth(SHOWN_CHARS_MAX) {
        None => value.to_owned(),
        Some((at, _)) => {
            let more = value.len() - at;
            format!("{}… and {more} bytes more", &value[..at])
        }
    }
}

/// Compares what came of a request with what is due. Whether the handler must have failed late.
pub(crate) fn judge(
    exchange: &Exchange,
    expect: &Expect,
    record: &Record,
    reply: Option<&Message>,
    outcome: &mut Outcome,
) -> bool {
    let has_failed = judge_reports(exchange, expect, &record.reports, outcome);
    if exchange.reads() {
        let due = due_reply(exchange, has_failed, &record.reports);
        outcome
            .problems
            .extend(judge_reply(&due, reply, expect.joins));
    }
    let late = Fails::Error(String::new());
    let due = exchange.fails.as_ref().or(has_failed.then_some(&late));
    judge_end(due, record, outcome);
    if let Some(due) = &exchange.log
        && !same_events(due, &looked_at(due, &record.log))
    {
        let (due, met) = (format!("{due:?}"), format!("{:?}", record.log));
        outcome.problems.push(expected("the log", due, met));
    }
    if let Some(due) = &exchange.trace
        && let Some(difference) = differs(due, &record.trace)
    {
        outcome.problems.push(difference);
    }
    if expect.drops != Drops::Deferred {
        let kept = record.kept.iter();
        let said = kept.map(|handle| format!("a handle that was not dropped: {handle}"));
        outcome.problems.extend(said);
    }
    has_failed
}

/// Compares how a guest ended with how it must fail, if it must: what the host says of it shows nowhere else.
fn judge_end(due: Option<&Fails>, record: &Record, outcome: &mut Outcome) {
    let said = record.errors.join("; ");
    match due {
        Some(Fails::Trap(due)) if !record.trapped => {
            let due = format!("a trap of {due:?}");
            let met = format!("none, and {said:?} of the host");
            outcome.problems.push(expected("the end", due, met));
        }
        None | Some(Fails::Error(_)) if record.trapped => {
            outcome.broke_off = true;
            outcome.problems.push(format!("the guest trapped: {said}"));
        }
        None => {
            let errors = record.errors.iter();
            let said = errors.map(|error| format!("the host says: {error}"));
            outcome.problems.extend(said);
        }
        Some(Fails::Error(due) | Fails::Trap(due)) => {
            if record.errors.is_empty() || !said.contains(due) {
                let (due, said) = (format!("{due:?}"), format!("{said:?}"));
                outcome
                    .problems
                    .push(expected("what the host says", due, said));
            }
        }
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
    let mut lines = vec![status.to_string()];
    lines.extend(field_lines(fields));
    lines.push(format!("= {}", shown_body(exchange, &reply.body)));
    lines.extend(field_lines(reply.trailers.iter()).map(|it| format!("+ {it}")));
    lines
}

/// Fields by their names, those of one name joined: a platform's type may have done so.
fn field_lines<'a>(
    fields: impl Iterator<Item = &'a (String, Vec<u8>)>,
) -> impl Iterator<Item = String> {
    let mut named: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, value) in fields {
        named.entry(name).or_default().push(words::report(value));
    }
    named.into_iter().flat_map(|(name, values)| {
        let line = |value| format!("{name}: {value}");
        words::joined(name, &values)
            .into_iter()
            .map(line)
            .collect::<Vec<_>>()
    })
}

/// A body. In one that may be reports the fields of one name are joined, and what a platform's own type may throw is the error
/// in whose place it is.
fn shown_body(exchange: &Exchange, body: &[u8]) -> String {
    let due = exchange.steps.iter();
    let due = due.filter_map(|step| Some((step, step.due.as_deref()?)));
    let text = String::from_utf8_lossy(body);
    if !text.ends_with('\n') || text.lines().count() != due.clone().count() {
        return words::report(body);
    }
    let lines = due.zip(text.lines()).map(|((step, due), line)| {
        let line = match step::is_thrown(step, due, line) {
            true => due,
            false => line,
        };
        step::joined(step, line) + "\n"
    });
    words::report(lines.collect::<String>().as_bytes())
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
    expect: &Expect,
    reports: &[String],
    outcome: &mut Outcome,
) -> bool {
    let is_late = |step: &Step, due: &str, report: &str| {
        let error = due.strip_prefix("err ").unwrap_or_default();
        report == "ok"
            && step.line.starts_with("reply.")
            && expect.late.iter().any(|late| late == error)
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
        let joined = |text: &str| step::joined(step, text);
        let matches = step::matches(step, due, report)
            || expect.joins && step::matches(step, &joined(due), &joined(report));
        if !matches {
            let step = format!("`{}`", step.line);
            let (due, report) = (format!("`{due}`"), format!("`{report}`"));
            outcome.problems.push(expected(&step, due, report));
        }
    }
    // A guest that floods is told by the first.
    for more in met.take(3) {
        outcome
            .problems
            .push(format!("a report that no step is due: `{}`", cut(more)));
    }
    has_failed
}

/// Compares a reply with what is due; with `joins` whatever fields of one name it has joined.
pub(crate) fn judge_reply(due: &Reply, reply: Option<&Message>, joins: bool) -> Vec<String> {
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
    let listed = |name: &str, values: Vec<String>| match joins {
        true => words::joined(name, &values),
        false => values,
    };
    for (name, values) in &due.fields {
        let due = listed(name, values.clone());
        let met = listed(name, reply.head.all(name));
        differ(name, format!("{due:?}"), format!("{met:?}"));
    }
    if let Some(body) = &due.body {
        let due = words::decode(body)
            .map(|bytes| words::report(&bytes))
            .unwrap_or_default();
        differ("body", due, words::report(&reply.body));
    }
    if let Some(due) = &due.trailers {
        let names = reply.trailers.iter().map(|(name, _)| name);
        let met = names.map(|it| (it, listed(it, values(&reply.trailers, it))));
        let met: BTreeMap<_, _> = met.collect();
        let due = due.iter().filter(|(_, values)| !values.is_empty());
        let due = due.map(|(it, values)| (it, listed(it, values.clone())));
        let due: BTreeMap<_, _> = due.collect();
        differ("trailers", format!("{due:?}"), format!("{met:?}"));
    }
    let end = |cut: bool| if cut { "cut" } else { "whole" }.to_owned();
    differ("the reply", end(due.cut), end(!reply.complete));
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    /// What is told of a guest that ended so where a case has this, and whether it broke off.
    fn told(of_case: &str, errors: &[&str], trapped: bool) -> (bool, Vec<String>) {
        let exchange = format!("client = ['head', 'close']\n{of_case}");
        let exchange: Exchange = toml::from_str(&exchange).unwrap();
        let record = Record {
            errors: lines(errors),
            trapped,
            ..Record::default()
        };
        let mut outcome = Outcome::default();
        judge(&exchange, &Expect::default(), &record, None, &mut outcome);
        (outcome.broke_off, outcome.problems)
    }

    #[test]
    fn a_failure_that_a_case_does_not_say_is_told_and_a_trap_is_known_by_nothing() {
        let said = |lines: &[&str]| lines.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let error = told("", &["handler failed: no"], false);
        assert_eq!(error, (false, said(&["the host says: handler failed: no"])));
        let trap = (true, said(&["the guest trapped: unreachable"]));
        assert_eq!(told("", &["unreachable"], true), trap);
        // An error that is done as a trap.
        let due = "fails = { error = 'no' }";
        assert_eq!(told(due, &["unreachable"], true), trap);
    }

    #[test]
    fn a_failure_is_the_one_that_a_case_says() {
        let passed = (false, Vec::new());
        let (error, trap) = ("fails = { error = 'no' }", "fails = { trap = 'no' }");
        assert_eq!(told(error, &["handler failed: no"], false), passed);
        assert_eq!(told(trap, &["no"], true), passed);
        assert_eq!(
            told("fails = { trap = '' }", &["what it says"], true),
            passed
        );
        for (due, errors, trapped, why) in [
            (error, &["other"][..], false, "what the host says: expected"),
            (
                "fails = { error = '' }",
                &[],
                false,
                "what the host says: expected",
            ),
            (trap, &["other"], true, "what the host says: expected"),
            (
                trap,
                &["handler failed: no"],
                false,
                "the end: expected a trap",
            ),
        ] {
            let (_, problems) = told(due, errors, trapped);
            assert!(problems[0].starts_with(why), "{problems:?}");
        }
    }

    #[test]
    fn handles_go_with_the_request_unless_a_collector_has_them() {
        let judged = |drops: Drops| {
            let record = Record {
                kept: lines(&["#1 of `kv.open(\"s\") -> ok(#1)`"]),
                ..Record::default()
            };
            let expect = Expect {
                drops,
                ..Expect::default()
            };
            let exchange = toml::from_str("client = ['head', 'close']").unwrap();
            let mut outcome = Outcome::default();
            judge(&exchange, &expect, &record, None, &mut outcome);
            outcome.problems.len()
        };
        assert_eq!(
            [Drops::Scope, Drops::Request, Drops::Deferred].map(judged),
            [1, 1, 0]
        );
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
        assert!(judge_reply(&due, Some(&reply(&[])), false).is_empty());
        assert_eq!(
            judge_reply(&due, Some(&reply(&[("x", b"1")])), false),
            ["trailers: expected {}, got {\"x\": [\"1\"]}"]
        );
        let due: Reply = toml::from_str("trailers = { x = ['1'], y = [] }").unwrap();
        assert!(judge_reply(&due, Some(&reply(&[("x", b"1")])), false).is_empty());
        assert_eq!(judge_reply(&due, Some(&reply(&[])), false).len(), 1);
    }

    #[test]
    fn reports_are_compared_as_if_the_platform_were_the_same() {
        let shown = |body: &str| {
            let steps =
                "steps = ['req.field a -> ok 2 1 2', 'fetch.get x s -> err invalid-request']";
            let exchange: Exchange = toml::from_str(steps).unwrap();
            let reply = Message {
                body: body.as_bytes().to_vec(),
                complete: true,
                ..Message::default()
            };
            shown(&exchange, &reply)
        };
        let joined = shown("ok 1 1%2C%202\nthrow TypeError\n");
        assert_eq!(joined, shown("ok 2 1 2\nerr invalid-request\n"));
        for other in [
            "ok 2 2 1\nerr invalid-request\n",
            "ok 2 1 2\nthrow RangeError\n",
            "ok 2 1 2\n",
        ] {
            assert_ne!(joined, shown(other), "{other}");
        }
    }

    #[test]
    fn fields_of_one_name_are_joined_where_the_platform_joins() {
        let judged = |joins: bool, values: &[&[u8]], due: &str| {
            let fields = values.iter().map(|it| ("a".to_owned(), it.to_vec()));
            let reply = Message {
                trailers: fields.clone().collect(),
                head: crate::wire::Head {
                    start: "HTTP/1.1 200 OK".to_owned(),
                    fields: fields.collect(),
                },
                complete: true,
                ..Message::default()
            };
            let due = format!("fields = {{ a = {due} }}\ntrailers = {{ a = {due} }}");
            judge_reply(&toml::from_str(&due).unwrap(), Some(&reply), joins).len()
        };
        let due = "['1', '2']";
        for joins in [false, true] {
            assert_eq!(judged(joins, &[b"1", b"2"], due), 0);
            assert_eq!(judged(joins, &[b"2", b"1"], due), 2);
            assert_eq!(judged(joins, &[b"1"], due), 2);
        }
        assert_eq!(judged(true, &[b"1, 2"], due), 0);
        assert_eq!(judged(false, &[b"1, 2"], due), 2);
    }

    #[test]
    fn what_is_not_said_of_a_reply_is_200_and_whole() {
        let due = Reply::default();
        let told = judge_reply(&due, None, false);
        assert_eq!(
            told,
            [
                "status: expected 200, got 0",
                "the reply: expected whole, got cut"
            ]
        );
    }
}
