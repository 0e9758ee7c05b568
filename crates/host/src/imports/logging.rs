use std::borrow::Cow;

use serde_json::{Map, Value};
use tracing::enabled;
use wasmtime::Result;

use crate::bindings::Level;
use crate::end::End;
use crate::seam::Interface;
use crate::state::State;

/// A longer message is cut.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// What each line counts at least.
const LINE_BYTES_MIN: usize = 16;

pub(super) fn register(interface: &mut Interface<'_>) -> Result<()> {
    interface.func("min-level", |_, (): ()| {
        Box::new(async { Ok((min_level(),)) })
    })?;
    interface.func(
        "log",
        |mut context,
         (level, target, message, fields): (Level, String, String, Vec<(String, String)>)| {
            Box::new(async move {
                log(context.data_mut(), level, &target, &message, &fields);
                Ok(())
            })
        },
    )?;
    interface.func("abort", |_, (reason,): (String,)| {
        Box::new(async move { Err::<(), _>(End::Abort(cut(&reason).into_owned()).into()) })
    })
}

/// The target of guests' events; what the guest calls its target is a field of them.
macro_rules! guest_target {
    () => {
        "edgewit::guest"
    };
}

fn min_level() -> Option<Level> {
    if enabled!(target: guest_target!(), tracing::Level::TRACE) {
        Some(Level::Trace)
    } else if enabled!(target: guest_target!(), tracing::Level::DEBUG) {
        Some(Level::Debug)
    } else if enabled!(target: guest_target!(), tracing::Level::INFO) {
        Some(Level::Info)
    } else if enabled!(target: guest_target!(), tracing::Level::WARN) {
        Some(Level::Warn)
    } else if enabled!(target: guest_target!(), tracing::Level::ERROR) {
        Some(Level::Error)
    } else {
        None
    }
}

/// One event, within what a request may log.
pub(super) fn log(
    state: &mut State,
    level: Level,
    target: &str,
    message: &str,
    fields: &[(String, String)],
) {
    let of_fields = fields.iter().map(|(name, value)| name.len() + value.len());
    // A message is cut where it is too long; its fields are kept whole, and count whole.
    let size = message.len().min(LINE_BYTES_MAX) + target.len() + of_fields.sum::<usize>();
    if !within_limit(state, size) {
        return;
    }
    let message = cut(message);
    let id = &*state.request_id();
    let app = &*state.app.name;
    let object = (!fields.is_empty()).then(|| object(fields).to_string());
    let fields = object.as_deref();
    macro_rules! event {
        ($level:ident) => {
            tracing::event!(
                target: guest_target!(), tracing::Level::$level,
                request = id, app, source = target, fields, "{message}"
            )
        };
    }
    match level {
        Level::Trace => event!(TRACE),
        Level::Debug => event!(DEBUG),
        Level::Info => event!(INFO),
        Level::Warn => event!(WARN),
        Level::Error => event!(ERROR),
    }
}

/// Fields as one object of JSON, in their order; a name that comes more than once has a list.
fn object(fields: &[(String, String)]) -> Value {
    let mut object = Map::new();
    for (name, value) in fields {
        match object.get_mut(name) {
            None => drop(object.insert(name.clone(), value.clone().into())),
            Some(Value::Array(values)) => values.push(value.clone().into()),
            Some(first) => *first = Value::Array(vec![first.take(), value.clone().into()]),
        }
    }
    object.into()
}

/// Whether a line of `size` bytes is kept. An empty one costs as well: what is around it is longer.
pub(crate) fn within_limit(state: &mut State, size: usize) -> bool {
    state.usage.log_bytes += size.max(LINE_BYTES_MIN) as u64;
    let within = state.usage.log_bytes <= state.app.limits.log_bytes;
    state.usage.log_lines_lost += u64::from(!within);
    within
}

/// A line as far as it is kept.
pub(crate) fn cut(message: &str) -> Cow<'_, str> {
    if message.len() <= LINE_BYTES_MAX {
        return Cow::Borrowed(message);
    }
    let end = message.floor_char_boundary(LINE_BYTES_MAX);
    Cow::Owned(format!(
        "{} [cut: {} bytes more]",
        &message[..end],
        message.len() - end
    ))
}

/// Bytes of a runtime's stdout (0) or stderr (1): each line is an event.
pub(super) fn write_stream(state: &mut State, stream: usize, bytes: &[u8]) {
    let mut pending = std::mem::take(&mut state.part_lines[stream]);
    pending.extend_from_slice(bytes);
    let mut rest = pending.as_slice();
    while let Some(end) = rest.iter().position(|b| *b == b'\n') {
        log_stream(state, stream, &rest[..end]);
        rest = &rest[end + 1..];
    }
    while rest.len() > LINE_BYTES_MAX {
        log_stream(state, stream, &rest[..LINE_BYTES_MAX]);
        rest = &rest[LINE_BYTES_MAX..];
    }
    state.part_lines[stream] = rest.to_vec();
}

fn log_stream(state: &mut State, stream: usize, line: &[u8]) {
    let (level, target) = if stream == 0 {
        (Level::Info, "stdout")
    } else {
        (Level::Error, "stderr")
    };
    log(state, level, target, &String::from_utf8_lossy(line), &[]);
}

/// Once, at the end of a request: what was printed without a line feed behind it, and how much was lost.
pub(crate) fn flush_part_lines(state: &mut State) {
    for stream in 0..2 {
        let line = std::mem::take(&mut state.part_lines[stream]);
        if !line.is_empty() {
            log_stream(state, stream, &line);
        }
    }
    let lost = state.usage.log_lines_lost;
    if lost > 0 {
        tracing::warn!(
            target: "edgewit::host", request = &*state.request_id(), app = &*state.app.name,
            "log-bytes: limit {}, {lost} more lines were not kept", state.app.limits.log_bytes
        );
    }
}
