//! A hook that keeps what crosses the boundary between host and guest.

use std::collections::HashMap;
use std::sync::Mutex;

use edgewit_host::{Call, Hook, Value};
use tokio::sync::watch;

use crate::inject::Injections;
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

/// Keeps one record for each request, in the order in which they began, and answers calls as cases say.
#[derive(Default)]
pub struct Recorder {
    inner: Mutex<Inner>,
    /// What calls return in the host's place.
    pub injections: Injections,
    /// Requests that began, and how many of them have ended.
    counts: watch::Sender<(usize, usize)>,
}

#[derive(Default)]
struct Inner {
    by_id: HashMap<String, usize>,
    requests: Vec<Request>,
}

#[derive(Default)]
struct Request {
    record: Record,
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

impl Recorder {
    /// Waits until every request that began has ended, and gives the record of the one at `index`.
    pub async fn record(&self, index: usize) -> Record {
        let mut counts = self.counts.subscribe();
        // The sender is this.
        let _ = counts.wait_for(|(began, ended)| began == ended).await;
        self.so_far(index)
    }

    /// The same at once, whatever is under way.
    pub fn so_far(&self, index: usize) -> Record {
        let inner = self.inner.lock().expect("no panic under the lock");
        inner
            .requests
            .get(index)
            .map(|request| request.record.clone())
            .unwrap_or_default()
    }

    /// How many requests have begun.
    pub fn began(&self) -> usize {
        self.counts.borrow().0
    }

    fn with<T>(&self, id: &str, change: impl FnOnce(&mut Request) -> T) -> Option<T> {
        let mut inner = self.inner.lock().expect("no panic under the lock");
        let at = *inner.by_id.get(id)?;
        Some(change(&mut inner.requests[at]))
    }
}

impl Hook for Recorder {
    fn began(&self, request_id: &str) {
        {
            let mut inner = self.inner.lock().expect("no panic under the lock");
            let at = inner.requests.len();
            let mut request = Request::default();
            request.record.id = request_id.to_owned();
            if inner.by_id.insert(request_id.to_owned(), at).is_some() {
                let errors = &mut request.record.errors;
                errors.push("another request had its id".to_owned());
            }
            inner.requests.push(request);
        }
        self.counts.send_modify(|(began, _)| *began += 1);
    }

    fn failed(&self, request_id: &str, reason: &str) {
        self.with(request_id, |request| {
            request.handler_ended();
            request.record.errors.push(reason.to_owned());
        });
    }

    fn replied(&self, request_id: &str, hints: &[(String, String)], handed_on: Option<u32>) {
        self.with(request_id, |request| {
            let word = |text: &String| words::report(text.as_bytes());
            let told = hints
                .iter()
                .map(|(name, value)| format!("{} {}", word(name), word(value)));
            request.record.hints.extend(told);
            request.handler_ended();
            handed_on.map(|handle| request.handles.gone(handle));
        });
    }

    fn trapped(&self, request_id: &str) {
        self.with(request_id, |request| request.record.trapped = true);
    }

    fn returned(&self, request_id: &str) {
        self.with(request_id, Request::returned);
    }

    fn ended(&self, _: &str) {
        self.counts.send_modify(|(_, ended)| *ended += 1);
    }

    fn before(&self, call: &Call<'_>) -> Option<Value> {
        let injected = self.injections.result(&name(call));
        if call.function == "min-level" {
            // Whatever the process around this one does with lines, none is to be saved.
            let least = Value::Case("trace".into(), None);
            return injected.or(Some(Value::Option(Some(Box::new(least)))));
        }
        if is_free(call) {
            return injected;
        }
        if call.function == "log" {
            self.with(call.request_id, |request| request.logged(call.arguments));
        } else {
            // One that does not return, and the numbers of handles that a call takes.
            self.with(call.request_id, |request| request.begin(call));
        }
        injected
    }

    fn after(&self, call: &Call<'_>, result: Result<&Value, &str>) {
        if !is_free(call) && call.function != "log" {
            self.with(call.request_id, |request| request.end(call, result));
        }
    }

    fn dropped(&self, request_id: &str, resource: &str, handle: u32) {
        let resource = resource.rsplit_once('#').map_or(resource, |(_, name)| name);
        self.with(request_id, |request| request.dropped(resource, handle));
    }
}

/// What an SDK calls, or how often, is its own affair here: waiting, time, and what is asked to save work.
fn is_free(call: &Call<'_>) -> bool {
    let interface = call.interface;
    let free = |name: &str| interface.starts_with(&format!("edge:sdk/{name}@"));
    let asked = |name: &str| call.function.ends_with(name);
    !interface.starts_with("edge:sdk/")
        || free("poll")
        || free("system")
        || asked("subscribe")
        || asked("length")
        || asked("min-level")
}

/// `kv.open`, `store.get`.
fn name(call: &Call<'_>) -> String {
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
    fn logged(&mut self, arguments: &[Value]) {
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

    /// It has a reply, or has failed, from which on the same may be told again.
    fn handler_ended(&mut self) {
        if !std::mem::replace(&mut self.has_ended, true) {
            self.moving = None;
            self.record.log.push(trace::REPLY.to_owned());
            self.line(trace::REPLY.to_owned());
        }
    }

    /// What goes with an instance that did not return is not the guest's to drop.
    fn returned(&mut self) {
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
    fn dropped(&mut self, resource: &str, handle: u32) {
        if let Some(number) = self.handles.gone(handle) {
            self.line(trace::drop_of(resource, number));
        }
    }

    fn begin(&mut self, call: &Call<'_>) {
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

    fn end(&mut self, call: &Call<'_>, result: Result<&Value, &str>) {
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

    const FETCH: &str = "edge:sdk/fetch@0.1.0";
    const HTTP: &str = "edge:sdk/http@0.1.0";

    fn call(recorder: &Recorder, interface: &str, function: &str, with: &[Value], gives: Value) {
        let call = Call {
            request_id: "r",
            interface,
            function,
            arguments: with,
        };
        recorder.before(&call);
        recorder.after(&call, Ok(&gives));
    }

    fn end_of(recorder: &Recorder, body: u32) {
        let end = Value::Case("end".into(), Some(Box::new(Value::List(Vec::new()))));
        let read = "[method]incoming-body.read";
        let given = Value::Result(Ok(Some(Box::new(end))));
        call(recorder, HTTP, read, &[Value::Handle(body)], given);
    }

    #[test]
    fn a_report_has_a_target_or_says_that_it_is_one() {
        assert_eq!(report("conformance", "ok a"), Some("ok a"));
        assert_eq!(report("guest", "conformance: ok a"), Some("ok a"));
        assert_eq!(report("guest", "conformance ok"), None);
        assert_eq!(report("guest", "ok a"), None);
    }

    fn log(recorder: &Recorder, level: &'static str, text: &str, fields: &[(&str, &str)]) {
        let texts = |(name, value): &(&str, &str)| {
            Value::Tuple([*name, *value].map(|it| Value::Text(it.to_owned())).into())
        };
        let arguments = [
            Value::Case(level.into(), None),
            Value::Text(REPORTS.to_owned()),
            Value::Text(text.to_owned()),
            Value::List(fields.iter().map(texts).collect()),
        ];
        let logging = "edge:sdk/logging@0.1.0";
        call(
            recorder,
            logging,
            "log",
            &arguments,
            Value::Tuple(Vec::new()),
        );
    }

    #[test]
    fn a_report_is_an_event_of_info_without_fields() {
        let recorder = Recorder::default();
        Hook::began(&recorder, "r");
        log(&recorder, "info", "ok a", &[]);
        log(&recorder, "warn", "ok b", &[]);
        log(&recorder, "info", "ok", &[("x", "y")]);
        let lines = ["ok a", "warn conformance ok%20b", "info conformance ok x y"];
        assert_eq!(recorder.so_far(0).reports, lines);
    }

    #[test]
    fn what_is_before_and_behind_the_end_of_the_handler_is_told_apart() {
        let recorder = Recorder::default();
        let moves = || {
            let bytes = Value::Case("bytes".into(), Some(Box::new(Value::Bytes(b"a".to_vec()))));
            let given = Value::Result(Ok(Some(Box::new(bytes))));
            let read = "[method]incoming-body.read";
            call(&recorder, HTTP, read, &[Value::Handle(7)], given);
        };
        Hook::began(&recorder, "r");
        // What is dropped in between does not part them, and the end does.
        let store = Value::Result(Ok(Some(Box::new(Value::Handle(8)))));
        let name = [Value::Text("s".to_owned())];
        call(&recorder, "edge:sdk/kv@0.1.0", "open", &name, store);
        moves();
        recorder.dropped("r", "edge:sdk/kv@0.1.0#store", 8);
        moves();
        recorder.failed("r", "handler failed: no");
        recorder.failed("r", "after-reply: no");
        moves();
        recorder.returned("r");
        let record = recorder.so_far(0);
        let lines = [
            "kv.open(\"s\") -> ok(#1)",
            "incoming-body.read(#2) moves b\"aa\"",
            "drop(store #1)",
            "reply",
            "incoming-body.read(#2) moves b\"a\"",
        ];
        assert_eq!(
            (&record.trace[..], &record.log[..]),
            (&lines.map(str::to_owned)[..], &["reply".to_owned()][..])
        );
        // The first line that shows it.
        assert_eq!(
            record.kept,
            ["#2 of `incoming-body.read(#2) moves b\"aa\"`"]
        );
    }

    #[test]
    fn an_id_that_comes_again_is_told() {
        let recorder = Recorder::default();
        for id in ["a", "b", "a"] {
            Hook::began(&recorder, id);
        }
        let told = |index| recorder.so_far(index).errors.len();
        assert_eq!([0, 1, 2].map(told), [0, 0, 1]);
        assert_eq!(recorder.so_far(1).id, "b");
    }

    /// The host uses the number of a body that was handed on again.
    #[test]
    fn a_handle_that_was_handed_on_is_another_when_its_number_comes_again() {
        let recorder = Recorder::default();
        Hook::began(&recorder, "r");
        end_of(&recorder, 7);
        let body = Value::Case("incoming".into(), Some(Box::new(Value::Handle(7))));
        let request = Value::Record(vec![("body".into(), body)]);
        let pending = Value::Result(Ok(Some(Box::new(Value::Handle(8)))));
        call(&recorder, FETCH, "send", &[request], pending);
        end_of(&recorder, 7);
        recorder.replied("r", &[("a".to_owned(), "b c".to_owned())], Some(7));
        end_of(&recorder, 7);
        let record = recorder.so_far(0);
        let lines = [
            "incoming-body.read(#1) -> ok(end([]))",
            "fetch.send({body: incoming(#1)}) -> ok(#2)",
            "incoming-body.read(#3) -> ok(end([]))",
            "reply",
            "incoming-body.read(#4) -> ok(end([]))",
        ];
        assert_eq!(record.trace, lines);
        assert_eq!(record.hints, ["a b%20c"]);
    }
}
