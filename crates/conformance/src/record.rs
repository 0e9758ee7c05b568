//! What one request does, as the hook is told it.

use edgewit_host::{Call, Value};

use crate::show::{Handles, Shown};
use crate::trace;
use crate::wit::name_of_method;
use crate::words;

/// The target of the events that are reports.
const REPORTS: &str = "conformance";

/// The report that an event is. A logger without targets says in the line that it is one.
fn report<'a>(target: &str, message: &'a str) -> Option<&'a str> {
    if target == REPORTS {
        return Some(message);
    }
    message.strip_prefix(REPORTS)?.strip_prefix(": ")
}

/// How many calls of one request are kept: a guest may call for as long as its case goes on.
const CALLS_MAX: usize = 100_000;

/// How much of what one request logs is kept.
const LOGGED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What one request did.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Its id, as the host's log has it.
    pub id: String,
    /// Reports, in order. One of another level than `info`, or with fields, is the whole event.
    pub reports: Vec<String>,
    /// Other events: `LEVEL TARGET TEXT NAME VALUE …` as words; among them [`trace::REPLY`].
    pub log: Vec<String>,
    /// Every other call with its result, but for what an SDK is free in: how a body is cut into reads and writes,
    /// whether its end is asked for again, and the texts of errors; among them [`trace::REPLY`], and handles that it
    /// dropped, those of `poll` left out.
    pub trace: Vec<String>,
    /// Handles that it held when nothing more of it was to run, each by the line that showed it first.
    pub kept: Vec<String>,
    /// What the host said of it as an error.
    pub errors: Vec<String>,
    /// Whether the guest did not return: it trapped, or a limit ended it.
    pub trapped: bool,
    /// Whether an error of its reply was let through by a type of the platform, and its handler has failed instead.
    pub late: bool,
    /// What its reply asks of who delivers it: `NAME VALUE` as words.
    pub hints: Vec<String>,
    /// What its client got, line by line; nothing where that is the reports.
    pub reply: Vec<String>,
}

/// One request while it is under way.
#[derive(Default)]
pub(crate) struct Request {
    pub(crate) record: Record,
    handles: Handles,
    logged_bytes: usize,
    /// Whether the handler has ended.
    has_ended: bool,
    moving: Option<Moving>,
}

/// Adjacent reads or writes of one body, which are one line of the trace.
struct Moving {
    at: usize,
    call: String,
    bytes: Shown,
}

/// `kv.open`, `store.get`.
pub(crate) fn name(call: &Call<'_>) -> String {
    match call.function.rsplit_once(']') {
        Some(_) => name_of_method(call.function).to_owned(),
        None => {
            let package = call.interface.trim_start_matches("edge:sdk/");
            let interface = package.split('@').next().unwrap_or_default();
            format!("{interface}.{}", call.function)
        }
    }
}

impl Request {
    /// A line of the guest: a report, or another.
    pub(crate) fn logged(&mut self, arguments: &[Value]) {
        let [
            Value::Case(level, _),
            Value::Text(target),
            Value::Text(message),
            Value::List(fields),
        ] = arguments
        else {
            return;
        };
        self.logged_bytes += message.len();
        if self.logged_bytes > LOGGED_BYTES_MAX {
            return;
        }
        let report = report(target, message);
        if let Some(report) = report
            && level == "info"
            && fields.is_empty()
        {
            self.record.reports.push(report.to_owned());
            return;
        }
        let mut line = vec![
            level.to_string(),
            words::report(target.as_bytes()),
            words::report(message.as_bytes()),
        ];
        for field in fields {
            if let Value::Tuple(pair) = field {
                line.extend(pair.iter().filter_map(|part| match part {
                    Value::Text(text) => Some(words::report(text.as_bytes())),
                    _ => None,
                }));
            }
        }
        match report {
            Some(_) => self.record.reports.push(line.join(" ")),
            None => self.record.log.push(line.join(" ")),
        }
    }

    /// The host wrote a line of how it failed.
    pub(crate) fn failed(&mut self, reason: &str) {
        self.handler_ended();
        self.record.errors.push(reason.to_owned());
    }

    /// Its handler returned a reply, and handed on the body with this handle, if it did.
    pub(crate) fn replied(&mut self, hints: &[(String, String)], handed_on: Option<u32>) {
        let word = |text: &String| words::report(text.as_bytes());
        let told = hints
            .iter()
            .map(|(name, value)| format!("{} {}", word(name), word(value)));
        self.record.hints.extend(told);
        self.handler_ended();
        handed_on.map(|handle| self.handles.gone(handle));
    }

    /// From where on the same may be told again.
    fn handler_ended(&mut self) {
        if !std::mem::replace(&mut self.has_ended, true) {
            self.moving = None;
            self.record.log.push(trace::REPLY.to_owned());
            self.line(trace::REPLY.to_owned());
        }
    }

    /// What goes with an instance that did not return is not the guest's to drop.
    pub(crate) fn returned(&mut self) {
        if self.record.trapped {
            return;
        }
        let numbers = self.handles.there().into_iter();
        let shown = numbers.map(|number| {
            let shows = |line: &&String| trace::shows(line, number);
            let first = self.record.trace.iter().find(shows);
            format!("#{number} of `{}`", first.map_or("", String::as_str))
        });
        self.record.kept = shown.collect();
    }

    fn line(&mut self, line: String) {
        if self.record.trace.len() < CALLS_MAX {
            self.record.trace.push(line);
        }
    }

    /// A handle that no call has shown has no number: a pollable's.
    pub(crate) fn dropped(&mut self, resource: &str, handle: u32) {
        if let Some(number) = self.handles.gone(handle) {
            self.line(trace::drop_of(resource, number));
        }
    }

    /// A call, before its result.
    pub(crate) fn begin(&mut self, call: &Call<'_>) {
        let mut shown: Vec<String> = call
            .arguments
            .iter()
            .map(|value| self.handles.show(value))
            .collect();
        match call.function {
            // How much is read or written at once is the SDK's affair.
            "[method]incoming-body.read" | "[method]outgoing-body.write" => shown.truncate(1),
            _ => {}
        }
        self.record
            .trace
            .push(format!("{}({})", name(call), shown.join(", ")));
        // A pending fetch, an upload, and the body that a request hands on.
        if let "wait" | "finish" | "send" | "send-streaming" = call.function {
            call.arguments.iter().for_each(|it| self.taken(it));
        }
    }

    /// Forgets the handles in what a call takes.
    fn taken(&mut self, value: &Value) {
        match value {
            Value::Handle(handle) => drop(self.handles.gone(*handle)),
            Value::Case(_, Some(carried)) => self.taken(carried),
            Value::Record(members) => members.iter().for_each(|(_, it)| self.taken(it)),
            _ => {}
        }
    }

    /// The same call, with its result or that it trapped.
    pub(crate) fn end(&mut self, call: &Call<'_>, result: Result<&Value, &str>) {
        // Calls do not nest: the last line is the call's.
        let Some(line) = self.record.trace.pop() else {
            return;
        };
        if let Some(bytes) = bytes_moved(call, result) {
            return self.moves(line, bytes);
        }
        let shown = match result {
            Ok(value) => self.handles.show(value),
            Err(_) => "trap".to_owned(),
        };
        let line = format!("{line} -> {shown}");
        let is_read = call.function.ends_with("incoming-body.read");
        let is_again = is_read && self.record.trace.contains(&line);
        if !is_again {
            // An SDK that refuses it by itself would not part what moves.
            if !trace::is_refused(&line) {
                self.moving = None;
            }
            self.line(line);
        }
    }

    /// One line for all that adjacent calls move, whatever is dropped in between.
    fn moves(&mut self, call: String, bytes: &[u8]) {
        let before = self.moving.take().filter(|moving| moving.call == call);
        let mut moving = before.unwrap_or_else(|| {
            self.line(String::new());
            let at = self.record.trace.len() - 1;
            let bytes = Shown::default();
            Moving { at, call, bytes }
        });
        moving.bytes.add(bytes);
        self.record.trace[moving.at] = format!("{} moves {}", moving.call, moving.bytes);
        self.moving = Some(moving);
    }
}

/// What a read gave or a write took.
fn bytes_moved<'a>(call: &'a Call<'_>, result: Result<&'a Value, &str>) -> Option<&'a [u8]> {
    let Ok(Value::Result(Ok(Some(given)))) = result else {
        return None;
    };
    match (call.function, &**given, call.arguments) {
        ("[method]incoming-body.read", Value::Case(_, Some(chunk)), _) => match &**chunk {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        },
        ("[method]outgoing-body.write", Value::Unsigned(taken), [_, Value::Bytes(bytes)]) => {
            bytes.get(..usize::try_from(*taken).ok()?)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_a_target_or_says_that_it_is_one() {
        assert_eq!(report("conformance", "ok a"), Some("ok a"));
        assert_eq!(report("guest", "conformance: ok a"), Some("ok a"));
        assert_eq!(report("guest", "conformance ok"), None);
        assert_eq!(report("guest", "ok a"), None);
    }
}
