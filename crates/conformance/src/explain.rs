//! A case for a reader.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::case::{Exchange, Fails, Level, Upstream};
use crate::suite::Suite;

impl Suite {
    /// A case for a reader: the rule it pins, all that is asked, and all that is due. None: there is no such case.
    pub fn explain(&self, name: &str) -> Option<String> {
        let case = self.cases.iter().find(|case| case.name() == name)?;
        let mut text = format!("{name}\n");
        let recommended = match case.level {
            Level::Required => "",
            Level::Recommended => ", recommended",
        };
        let _ = writeln!(
            text,
            "  rule {}, layer {}{recommended}",
            case.rule,
            case.layer.name()
        );
        if let Some(rule) = self.rules.get(&case.rule) {
            let _ = writeln!(text, "  {rule}");
        }
        if !case.app.is_empty() {
            let app = toml::Value::Table(case.app.clone());
            let _ = writeln!(text, "  granted and limited: {app}");
        }
        contents(&mut text, "stores before", &case.stores);
        for it in &case.upstream {
            upstream(&mut text, it);
        }
        for it in &case.request {
            exchange(&mut text, it);
        }
        contents(&mut text, "stores after", &case.stores_after);
        for relaxed in &case.relaxed {
            let what = relaxed.what.name();
            let _ = writeln!(text, "  relaxed: {what} of calls: {}", relaxed.reason);
        }
        Some(text)
    }
}

fn contents(text: &mut String, what: &str, stores: &BTreeMap<String, BTreeMap<String, String>>) {
    for (store, pairs) in stores {
        for (key, value) in pairs {
            let _ = writeln!(text, "  {what}: {store}, {key} is {value}");
        }
    }
}

fn upstream(text: &mut String, upstream: &Upstream) {
    let _ = writeln!(text, "  server {}", upstream.origin);
    if upstream.connections.is_empty() {
        let _ = writeln!(text, "    nobody listens");
    }
    for (at, steps) in upstream.connections.iter().enumerate() {
        let number = at + 1;
        steps.iter().for_each(|step| {
            let _ = writeln!(text, "    connection {number}: {}", step.escape_debug());
        });
    }
    lines(text, "must have received", upstream.saw.as_deref());
}

fn exchange(text: &mut String, exchange: &Exchange) {
    let _ = writeln!(text, "\n  {}", exchange.request);
    for field in &exchange.fields {
        let _ = writeln!(text, "    {field}");
    }
    if let Some(body) = &exchange.body {
        let _ = writeln!(text, "    body {body}");
    }
    lines(text, "the client", exchange.client.as_deref());
    for inject in &exchange.inject {
        let which = inject.at.map_or("every".to_owned(), |at| format!("{at}."));
        let (call, result) = (&inject.call, &inject.result);
        let _ = writeln!(text, "    {which} call of {call} returns {result}");
    }
    for step in &exchange.steps {
        let due = step.due.as_deref().unwrap_or("(nothing)");
        let _ = writeln!(text, "    {}\n      {due}", step.line);
    }
    let reply = &exchange.reply;
    if exchange.reads() {
        let end = match (reply.cut, exchange.is_reported_whole()) {
            (true, _) => ", cut",
            (false, true) => " with the reports",
            (false, false) => "",
        };
        let _ = writeln!(text, "  replied: {}{end}", reply.status);
    }
    let trailers = reply.trailers.iter().flatten();
    for (name, values) in reply.fields.iter().chain(trailers) {
        let _ = writeln!(text, "  replied: {name}: {values:?}");
    }
    if let Some(body) = &reply.body {
        let _ = writeln!(text, "  replied: body {body}");
    }
    if let Some(fails) = &exchange.fails {
        let (how, said) = match fails {
            Fails::Error(said) => ("an error", said),
            Fails::Trap(said) => ("a trap", said),
        };
        let _ = writeln!(text, "  fails: with {how} of {said:?}");
    }
    lines(text, "logged", exchange.log.as_deref());
    lines(text, "calls", exchange.trace.as_deref());
}

/// Lines of a list that the case has, even an empty one.
fn lines(text: &mut String, what: &str, lines: Option<&[String]>) {
    match lines {
        None => {}
        Some([]) => {
            let _ = writeln!(text, "    {what}: nothing");
        }
        Some(lines) => lines.iter().for_each(|line| {
            let _ = writeln!(text, "    {what}: {}", line.escape_debug());
        }),
    }
}
