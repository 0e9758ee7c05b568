//! Values as the lines of traces show them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use edgewit_host::Value;

use crate::words;

/// A text or list of bytes that is longer is shown by its length and hash.
const SHOWN_BYTES_MAX: usize = 64;

/// The numbers of handles, in the order in which calls showed them.
#[derive(Default)]
pub struct Handles {
    /// Of those that are there, by the host's own, which it uses again.
    there: HashMap<u32, usize>,
    seen: usize,
}

/// The line of a call whose arguments come after the last of so many handles that were met before, if it is a method.
pub(crate) fn shown_call(
    function: &str,
    handles: u32,
    arguments: &[Value],
    result: &Value,
) -> String {
    let mut numbers = Handles::default();
    let before: Vec<String> = (1..=handles).map(|it| numbers.number(it)).collect();
    let own = before.into_iter().next_back();
    let shown: Vec<String> = own
        .into_iter()
        .chain(arguments.iter().map(|value| numbers.show(value)))
        .collect();
    match (function, arguments, result) {
        ("outgoing-body.write", [Value::Bytes(bytes)], Value::Result(Ok(_))) => {
            format!("{function}({}) moves {}", shown[0], shown_bytes(bytes))
        }
        ("outgoing-body.write", ..) => {
            format!("{function}({}) -> {}", shown[0], numbers.show(result))
        }
        _ => format!(
            "{function}({}) -> {}",
            shown.join(", "),
            numbers.show(result)
        ),
    }
}

impl Handles {
    pub fn show(&mut self, value: &Value) -> String {
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
            Value::Handle(handle) => self.number(*handle),
        }
    }

    fn all(&mut self, items: &[Value]) -> String {
        let shown: Vec<String> = items.iter().map(|item| self.show(item)).collect();
        shown.join(", ")
    }

    fn record(&mut self, fields: &[(Cow<'static, str>, Value)]) -> String {
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
        match value.as_deref() {
            // A result of nothing, which the host carries as one of no parts.
            Some(Value::Tuple(parts)) if parts.is_empty() => String::new(),
            Some(value) => self.show(value),
            None => String::new(),
        }
    }

    /// Forgets one that is no longer the guest's: the host may give its number to another.
    pub fn gone(&mut self, handle: u32) -> Option<usize> {
        self.there.remove(&handle)
    }

    /// Those that are there, in order.
    pub fn there(&self) -> Vec<usize> {
        let mut there: Vec<usize> = self.there.values().copied().collect();
        there.sort_unstable();
        there
    }

    fn number(&mut self, handle: u32) -> String {
        let seen = &mut self.seen;
        let number = *self.there.entry(handle).or_insert_with(|| {
            *seen += 1;
            *seen
        });
        format!("#{number}")
    }
}

/// Field lines as they would leave: names in lower case and sorted, values without blanks around, those of one name
/// joined but for `set-cookie`. `None` if the list holds anything else.
fn fields(items: &[Value]) -> Option<Vec<String>> {
    let mut fields: BTreeMap<String, Vec<&[u8]>> = BTreeMap::new();
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
        let values = fields.entry(name.to_lowercase()).or_default();
        values.push(&value[start..end]);
    }
    let shown = fields.into_iter().flat_map(|(name, values)| {
        let values = match name.as_str() {
            "set-cookie" => values.into_iter().map(shown_bytes).collect(),
            _ => vec![shown_bytes(&values.join(&b", "[..]))],
        };
        let line = move |value| format!("{name}: {value}");
        values.into_iter().map(line).collect::<Vec<_>>()
    });
    Some(shown.collect())
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
pub struct Shown {
    first: Vec<u8>,
    length: usize,
    hash: words::Hash,
}

impl Shown {
    pub fn add(&mut self, bytes: &[u8]) {
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
