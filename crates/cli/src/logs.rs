//! Log lines: for people on a terminal, JSON elsewhere, and the last ones kept for the demo's page.

use std::collections::VecDeque;
use std::fmt::{self, Write};
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use tokio::time::timeout;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::error::Error;
use crate::sink::{Guard, Sink};

/// An event with its fields as text.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Line {
    pub level: String,
    pub message: String,
    pub fields: Vec<(String, String)>,
}

impl Line {
    fn of(event: &Event<'_>) -> Self {
        let mut line = Self {
            level: event.metadata().level().to_string(),
            ..Self::default()
        };
        event.record(&mut line);
        line
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message = value.to_owned();
        } else {
            self.fields
                .push((field.name().to_owned(), value.to_owned()));
        }
    }
}

/// Sends events to standard error. A slow reader delays nobody: lines beyond a bounded buffer are lost,
/// and one line says how many. What waits is written out when the guard is dropped.
/// Errors: `Filter` if EDGEWIT_LOG is not a filter.
pub fn start(kept: Option<Kept>) -> Result<Guard, Error> {
    let text = std::env::var_os("EDGEWIT_LOG").unwrap_or_default();
    let text = text.to_string_lossy();
    let text = if text.is_empty() { "info" } else { &*text };
    // A word alone would be a target of which nothing is logged, and everything else silent.
    if let Some(word) = misspelt(text) {
        return Err(Error::Level(word.to_owned()));
    }
    let filter = EnvFilter::try_new(text).map_err(|reason| Error::Filter {
        text: text.to_owned(),
        reason,
    })?;
    let is_terminal = std::io::stderr().is_terminal();
    let notice = if is_terminal { shown_lost } else { json_lost };
    let started = Sink::start(std::io::stderr(), notice);
    let (sink, guard) = started.map_err(Error::io("start", "the thread of the log".as_ref()))?;
    let layer = tracing_subscriber::fmt::layer().with_writer(sink);
    let layer = if is_terminal {
        layer.event_format(Terminal).boxed()
    } else {
        layer.event_format(Json).boxed()
    };
    tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        // The page waits for the line of each request, whatever is shown here.
        .with(kept.map(|kept| kept.with_filter(LevelFilter::INFO)))
        .init();
    Ok(guard)
}

/// A word that was meant as a level and is none: a target is one of ours.
fn misspelt(filter: &str) -> Option<&str> {
    let is_known = |word: &&str| {
        let is_target = word.contains(['=', '[']) || word.starts_with("edgewit");
        is_target || word.parse::<LevelFilter>().is_ok()
    };
    filter
        .split(',')
        .map(str::trim)
        .find(|word| !is_known(word))
}

fn now() -> String {
    let mut time = String::new();
    // A string takes whatever is written.
    let _ = SystemTime.format_time(&mut Writer::new(&mut time));
    time
}

/// Of UTC, and says so.
fn time_of_day() -> String {
    let time = now();
    time.get(11..19).unwrap_or(&time).to_owned() + "Z"
}

fn lost(lines: u64) -> String {
    format!("{lines} lines of the log were lost here: standard error was read too slowly")
}

/// The two forms of a line that is no event: an event could be lost itself.
fn json_lost(lines: u64) -> String {
    let line = serde_json::json!({
        "timestamp": now(), "level": "WARN", "message": lost(lines), "target": "edgewit::log",
        "lost": lines,
    });
    format!("{line}\n")
}

fn shown_lost(lines: u64) -> String {
    format!(
        "\x1b[2m{}\x1b[0m \x1b[33mWARN \x1b[0m {}\n",
        time_of_day(),
        lost(lines)
    )
}

/// An object of JSON a line: `timestamp` in UTC, `level`, `message`, what else the event has, and its `target`.
struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut object = Object(Map::new());
        let metadata = event.metadata();
        object.0.insert("timestamp".into(), now().into());
        object
            .0
            .insert("level".into(), metadata.level().as_str().into());
        event.record(&mut object);
        object.0.insert("target".into(), metadata.target().into());
        writeln!(out, "{}", Value::Object(object.0))
    }
}

struct Object(Map<String, Value>);

impl Object {
    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Object {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        // The host's text of what a guest logs is an object already.
        let object = (field.name() == "fields").then(|| serde_json::from_str::<Value>(value));
        self.set(
            field,
            object.and_then(Result::ok).unwrap_or_else(|| value.into()),
        );
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }
}

/// `12:30:01Z INFO  hello  GET /hello/ada 200  12 B, guest 81 µs, wall 240 µs  [id]`
struct Terminal;

impl<S, N> FormatEvent<S, N> for Terminal
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let line = Line::of(event);
        let time = time_of_day();
        let (color, level) = match *event.metadata().level() {
            Level::ERROR => (31, "ERROR"),
            Level::WARN => (33, "WARN "),
            Level::INFO => (32, "INFO "),
            Level::DEBUG => (34, "DEBUG"),
            Level::TRACE => (35, "TRACE"),
        };
        write!(out, "\x1b[2m{time}\x1b[0m \x1b[{color}m{level}\x1b[0m ")?;
        if let Some(app) = line.field("app") {
            write!(out, "{app}: ")?;
        }
        write!(out, "{}", printable(&line.message))?;
        if let Some(wall) = line.field("wall_us") {
            let field = |name| line.field(name).unwrap_or_default();
            let (bytes, guest) = (field("bytes"), field("guest_us"));
            write!(out, "  {bytes} B, guest {guest} µs, wall {wall} µs")?;
        } else if let Some(fields) = line.field("fields") {
            write!(out, "  {}", printable(fields))?;
        }
        if let Some(id) = line.field("request") {
            write!(out, "  \x1b[2m[{id}]\x1b[0m")?;
        }
        writeln!(out)
    }
}

/// Control characters would let a guest draw on the terminal. Line feeds are the host's own, in
/// backtraces, and are indented with them.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\n    "),
            c if c.is_control() && c != '\t' => {
                let _ = write!(shown, "{}", c.escape_default());
            }
            c => shown.push(c),
        }
    }
    shown
}

/// The last lines that belong to a request.
#[derive(Clone, Default)]
pub struct Kept {
    lines: Arc<Mutex<VecDeque<(String, Line)>>>,
    arrived: Arc<tokio::sync::Notify>,
}

const KEPT_LINES: usize = 2000;

/// How long a page waits for the next line.
const LINE_WAIT: Duration = Duration::from_secs(5);

impl Kept {
    /// The lines of one request, once its own line, the last of `handle`, has arrived. A busy server may
    /// have pushed that out already: what there is then has to do.
    pub async fn of_request(&self, id: &str) -> Vec<Line> {
        loop {
            let arrived = self.arrived.notified();
            let found = self.now(id);
            if found.iter().any(|line| line.field("wall_us").is_some()) {
                return found;
            }
            if timeout(LINE_WAIT, arrived).await.is_err() {
                return found;
            }
        }
    }

    fn now(&self, id: &str) -> Vec<Line> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let of_request = lines.iter().filter(|(request, _)| request == id);
        of_request.map(|(_, line)| line.clone()).collect()
    }
}

impl<S: Subscriber> Layer<S> for Kept {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let line = Line::of(event);
        let Some(id) = line.field("request").map(str::to_owned) else {
            return;
        };
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT_LINES {
            lines.pop_front();
        }
        lines.push_back((id, line));
        drop(lines);
        self.arrived.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use tracing_subscriber::fmt::format::DefaultFields;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written of the events of `work`.
    fn written<F>(format: F, work: impl FnOnce()) -> String
    where
        F: FormatEvent<tracing_subscriber::Registry, DefaultFields> + Send + Sync + 'static,
    {
        let written = Written::default();
        let writer = written.clone();
        let layer = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
        let layer = layer.event_format(format);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
        String::from_utf8(written.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn elsewhere_a_line_is_an_object() {
        let text = written(Json, || {
            let fields = r#"{"user":"ada","n":["1","2"]}"#;
            tracing::info!(target: "edgewit::guest", app = "hello", source = "a\nb", fields, "said");
            tracing::info!(bytes = 12, "no fields");
        });
        let time = |line: &str| {
            let (time, rest) = line.split_once(",").unwrap();
            assert!(
                time.starts_with("{\"timestamp\":\"20") && time.ends_with("Z\""),
                "{time}"
            );
            rest.to_owned()
        };
        let lines: Vec<_> = text.lines().map(time).collect();
        let guest = r#""level":"INFO","message":"said","app":"hello","source":"a\nb","#;
        let fields = r#""fields":{"user":"ada","n":["1","2"]},"target":"edgewit::guest"}"#;
        assert_eq!(lines[0], format!("{guest}{fields}"));
        let start = r#""level":"INFO","message":"no fields","bytes":12,"target":"edgewit::logs"#;
        assert!(lines[1].starts_with(start), "{text}");
    }

    /// What a terminal gets of the events of `work`, with the time of day as `TIME`.
    fn terminal(work: impl FnOnce()) -> String {
        let text = written(Terminal, work);
        let time = |line: &str| {
            let (before, rest) = line.split_at("\x1b[2m".len());
            let (time, rest) = rest.split_at("12:30:01Z".len());
            let digits = time
                .trim_end_matches('Z')
                .split(':')
                .map(|part| part.parse::<u8>().unwrap());
            assert!(
                digits.zip([24, 60, 61]).all(|(it, limit)| it < limit),
                "{time}"
            );
            format!("{before}TIME{rest}")
        };
        let is_first = |line: &&str| line.starts_with("\x1b[2m");
        let lines = text.lines();
        lines.map(|line| if is_first(&line) { time(line) } else { line.to_owned() } + "\n").collect()
    }

    #[test]
    fn a_terminal_shows_a_line_of_a_request_with_what_it_took() {
        let shown = terminal(|| {
            tracing::info!(
                target: "edgewit::request", app = "hello", request = "id", bytes = 12, guest_us = 81,
                wall_us = 240, "GET /hello/ada 200"
            );
        });
        let wanted = "\x1b[2mTIME\x1b[0m \x1b[32mINFO \x1b[0m hello: GET /hello/ada 200  12 B, guest \
                      81 µs, wall 240 µs  \x1b[2m[id]\x1b[0m\n";
        assert_eq!(shown, wanted);
    }

    #[test]
    fn no_guest_draws_on_a_terminal() {
        let shown = terminal(|| {
            let (message, fields) = ("a\x1b[2J\tb\r\nc", "{\"k\":\"\u{9b}\"}");
            tracing::warn!(app = "hello", request = "id", fields, "{message}");
            tracing::error!("the host's own");
        });
        let wanted = "\x1b[2mTIME\x1b[0m \x1b[33mWARN \x1b[0m hello: a\\u{1b}[2J\tb\\r\n    c  \
                      {\"k\":\"\\u{9b}\"}  \x1b[2m[id]\x1b[0m\n\x1b[2mTIME\x1b[0m \
                      \x1b[31mERROR\x1b[0m the host's own\n";
        assert_eq!(shown, wanted);
    }
}
