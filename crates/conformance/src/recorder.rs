//! A hook that keeps what crosses the boundary between host and guest.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Mutex;

use edgewit_host::{Call, Hook, Value};
use tokio::sync::watch;

use crate::case::Inject;
use crate::wit::{EDGE, name_of_method};
use crate::words;

/// The target of the events that are reports.
const REPORTS: &str = "conformance";

/// A text or list of bytes that is longer is shown by its length and hash.
const SHOWN_BYTES_MAX: usize = 64;

/// How many calls of one request are kept: a guest may call for as long as its case goes on.
const CALLS_MAX: usize = 100_000;

/// How much of what one request logs is kept.
const LOGGED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What one request did.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Reports, in order.
    pub reports: Vec<String>,
    /// Other events: `LEVEL TARGET TEXT NAME VALUE …` as words.
    pub log: Vec<String>,
    /// Every other call with its result, but for what an SDK is free in: how a body is cut into reads and writes,
    /// whether its end is asked for again, what an SDK refuses by itself, and the texts of errors.
    pub trace: Vec<String>,
    /// Handles that it dropped, sorted, those of `poll` left out.
    pub drops: Vec<String>,
    /// What the host said of it as an error.
    pub errors: Vec<String>,
    /// The status and the body that its client got.
    pub reply: String,
}

/// Keeps one record for each request, in the order in which they began, and answers calls as cases say.
#[derive(Default)]
pub struct Recorder {
    inner: Mutex<Inner>,
    injected: Mutex<Vec<Injected>>,
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
    /// Numbers of the handles that are there, by the host's own, which it uses again.
    handles: HashMap<u32, usize>,
    handles_seen: usize,
    logged_bytes: usize,
    /// The line that stands for adjacent reads or writes of one body, and the bytes that they moved.
    moving: Option<(String, Shown)>,
}

/// What calls of one function return, and how many there have been.
struct Injected {
    function: String,
    at: Option<usize>,
    result: Value,
    calls: usize,
}

impl Recorder {
    /// What calls return from now on, in place of what was said before. Errors: a result that does not fit.
    pub fn inject(&self, injects: &[Inject]) -> Result<(), String> {
        let injected = injects.iter().map(|inject| {
            Ok(Injected {
                function: inject.call.clone(),
                at: inject.at,
                result: EDGE.result(&inject.call, &inject.result)?,
                calls: 0,
            })
        });
        *self.injected.lock().expect("no panic under the lock") =
            injected.collect::<Result<_, String>>()?;
        Ok(())
    }

    /// Which of these results no call has returned.
    pub fn not_injected(&self) -> Vec<String> {
        let injected = self.injected.lock().expect("no panic under the lock");
        let missed = injected.iter().filter(|it| it.calls < it.at.unwrap_or(1));
        let said = missed.map(|it| {
            format!(
                "{} calls of {}; a result was due for one more",
                it.calls, it.function
            )
        });
        said.collect()
    }

    fn injected(&self, call: &Call<'_>) -> Option<Value> {
        let mut injected = self.injected.lock().expect("no panic under the lock");
        let function = name(call);
        let mut answer = None;
        for it in injected.iter_mut().filter(|it| it.function == function) {
            it.calls += 1;
            if it.at.is_none_or(|at| at == it.calls) {
                answer = Some(it.result.clone());
            }
        }
        answer
    }

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
            inner.by_id.insert(request_id.to_owned(), at);
            inner.requests.push(Request::default());
        }
        self.counts.send_modify(|(began, _)| *began += 1);
    }

    fn failed(&self, request_id: &str, reason: &str) {
        self.with(request_id, |request| {
            request.record.errors.push(reason.to_owned())
        });
    }

    fn ended(&self, _: &str) {
        self.counts.send_modify(|(_, ended)| *ended += 1);
    }

    fn before(&self, call: &Call<'_>) -> Option<Value> {
        let injected = self.injected(call);
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

/// The line of a call whose arguments come after the last of so many handles that were met before, if it is a method.
pub(crate) fn shown_call(
    function: &str,
    handles: u32,
    arguments: &[Value],
    result: &Value,
) -> String {
    let mut request = Request::default();
    let before: Vec<String> = (1..=handles).map(|handle| request.handle(handle)).collect();
    let own = before.into_iter().next_back();
    let shown: Vec<String> = own
        .into_iter()
        .chain(arguments.iter().map(|value| request.show(value)))
        .collect();
    match (function, arguments) {
        ("outgoing-body.write", [Value::Bytes(bytes)]) => {
            format!("{function}({}) moves {}", shown[0], shown_bytes(bytes))
        }
        _ => format!(
            "{function}({}) -> {}",
            shown.join(", "),
            request.show(result)
        ),
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
        if target == REPORTS {
            self.record.reports.push(message.clone());
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
        self.record.log.push(line.join(" "));
    }

    /// A handle that no call has shown has no number: a pollable's.
    fn dropped(&mut self, resource: &str, handle: u32) {
        if let Some(number) = self.handles.remove(&handle) {
            let drops = &mut self.record.drops;
            drops.push(format!("{resource} #{number}"));
            drops.sort();
        }
    }

    fn begin(&mut self, call: &Call<'_>) {
        let mut shown: Vec<String> = call
            .arguments
            .iter()
            .map(|value| self.show(value))
            .collect();
        match call.function {
            // How much is read or written at once is the SDK's affair.
            "[method]incoming-body.read" | "[method]outgoing-body.write" => shown.truncate(1),
            // Where a panic was, each language says in its own words.
            "abort" => shown.clear(),
            _ => {}
        }
        self.record
            .trace
            .push(format!("{}({})", name(call), shown.join(", ")));
        // These take the handle: the host may give its number to another.
        if let ("wait" | "finish", [Value::Handle(taken), ..]) = (call.function, call.arguments) {
            self.handles.remove(taken);
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
            Ok(value) => self.show(value),
            Err(_) => "trap".to_owned(),
        };
        let line = format!("{line} -> {shown}");
        let is_read = call.function.ends_with("incoming-body.read");
        let is_again = is_read && self.record.trace.contains(&line);
        if !is_again && !shown.starts_with("err(invalid-") {
            self.moving = None;
            self.record.trace.push(line);
            self.record.trace.truncate(CALLS_MAX);
        }
    }

    /// One line for all that adjacent calls move.
    fn moves(&mut self, line: String, bytes: &[u8]) {
        let mut moved = match self.moving.take() {
            Some((before, moved)) if before == line => {
                self.record.trace.pop();
                moved
            }
            _ => Shown::default(),
        };
        moved.add(bytes);
        self.record.trace.push(format!("{line} moves {moved}"));
        self.moving = Some((line, moved));
    }

    fn show(&mut self, value: &Value) -> String {
        match value {
            Value::Bool(value) => value.to_string(),
            Value::Unsigned(value) => value.to_string(),
            Value::Signed(value) => value.to_string(),
            Value::Float(value) => value.to_string(),
            Value::Text(text) => shown_text(text),
            Value::Bytes(bytes) => shown_bytes(bytes),
            Value::List(items) => match fields(items) {
                Some(fields) => format!("[{}]", fields.join(", ")),
                None => format!("[{}]", self.all(items)),
            },
            Value::Tuple(items) => format!("({})", self.all(items)),
            Value::Record(fields) => self.record(fields),
            Value::Case(name, None) => name.to_string(),
            // The texts of errors are for people.
            Value::Case(name, Some(value)) if matches!(**value, Value::Text(_)) => name.to_string(),
            Value::Case(name, Some(value)) => format!("{name}({})", self.show(value)),
            Value::Flags(flags) => format!("{{{}}}", flags.join(", ")),
            Value::Option(None) => "none".to_owned(),
            Value::Option(Some(value)) => format!("some({})", self.show(value)),
            Value::Result(Ok(value)) => format!("ok({})", self.optional(value)),
            Value::Result(Err(value)) => format!("err({})", self.optional(value)),
            Value::Handle(handle) => self.handle(*handle),
        }
    }

    fn all(&mut self, items: &[Value]) -> String {
        let shown: Vec<String> = items.iter().map(|item| self.show(item)).collect();
        shown.join(", ")
    }

    fn record(&mut self, fields: &[(std::borrow::Cow<'static, str>, Value)]) -> String {
        let mut text = "{".to_owned();
        for (at, (name, value)) in fields.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            let shown = match (name.as_ref(), value) {
                // What the host adds of its own: an address with a port, say.
                ("attributes", _) => "…".to_owned(),
                // Whole milliseconds go by meanwhile.
                ("expires-in-ms", Value::Option(Some(_))) => "some(…)".to_owned(),
                _ => self.show(value),
            };
            let _ = write!(text, "{comma}{name}: {shown}");
        }
        text.push('}');
        text
    }

    fn optional(&mut self, value: &Option<Box<Value>>) -> String {
        value
            .as_deref()
            .map(|value| self.show(value))
            .unwrap_or_default()
    }

    fn handle(&mut self, handle: u32) -> String {
        let seen = &mut self.handles_seen;
        let number = *self.handles.entry(handle).or_insert_with(|| {
            *seen += 1;
            *seen
        });
        format!("#{number}")
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

/// Field lines as they would leave: names in lower case and sorted, stably, values without blanks around. `None` if
/// the list holds anything else.
fn fields(items: &[Value]) -> Option<Vec<String>> {
    let mut fields = Vec::new();
    for item in items {
        let Value::Tuple(pair) = item else {
            return None;
        };
        let [Value::Text(name), Value::Bytes(value)] = &pair[..] else {
            return None;
        };
        let kept = |byte: &u8| !matches!(byte, b' ' | b'\t');
        let start = value.iter().position(kept).unwrap_or(value.len());
        let end = value.iter().rposition(kept).map_or(start, |last| last + 1);
        fields.push((name.to_lowercase(), shown_bytes(&value[start..end])));
    }
    fields.sort_by(|(one, _), (other, _)| one.cmp(other));
    Some(
        fields
            .into_iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect(),
    )
}

fn shown_text(text: &str) -> String {
    if text.len() > SHOWN_BYTES_MAX {
        return format!(
            "text of {} bytes, {:016x}",
            text.len(),
            words::hash(text.as_bytes())
        );
    }
    format!("{text:?}")
}

/// Bytes as they are shown, without keeping them all: a body may be long, and comes in pieces.
#[derive(Default)]
struct Shown {
    first: Vec<u8>,
    length: usize,
    hash: words::Hash,
}

impl Shown {
    fn add(&mut self, bytes: &[u8]) {
        let room = SHOWN_BYTES_MAX.saturating_sub(self.first.len());
        self.first.extend(bytes.iter().take(room));
        self.length += bytes.len();
        self.hash.add(bytes);
    }
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.length > SHOWN_BYTES_MAX {
            return write!(f, "{} bytes, {:016x}", self.length, self.hash.value());
        }
        write!(f, "b\"{}\"", self.first.escape_ascii())
    }
}

fn shown_bytes(bytes: &[u8]) -> String {
    let mut shown = Shown::default();
    shown.add(bytes);
    shown.to_string()
}
