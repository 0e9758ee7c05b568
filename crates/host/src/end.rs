//! Why a request ended without its guest's consent.

use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use http::StatusCode;
use wasmtime::component::ResourceTableError;
use wasmtime::{FrameInfo, FrameSymbol, Trap, WasmBacktrace};

use crate::state::State;

/// Ends that the host itself decides, carried through the guest as traps.
#[derive(Debug, thiserror::Error)]
pub(crate) enum End {
    #[error("{0}")]
    Abort(String),
    #[error("guest time: limit {} ms, met {} ms (guest-ms)", .limit.as_millis(), .met.as_millis())]
    GuestTime { limit: Duration, met: Duration },
    #[error("no reply within {} ms (head-ms)", .0.as_millis())]
    Wall(Duration),
    #[error("after-reply took longer than {} ms (after-reply-ms)", .0.as_millis())]
    AfterReply(Duration),
    #[error("the guest called exit without a reply")]
    Exit,
    #[error("poll.poll: an empty list without a timeout would wait for ever")]
    PollNothing,
    #[error("poll.poll: handles: limit {limit}, met {met} pollables")]
    PollMany { limit: u64, met: usize },
    #[error("{0} of WASI is refused: an edge application has no such thing")]
    Refused(String),
    #[error("system.random: at most 65536 bytes in a call, asked for {0}")]
    RandomLength(u64),
}

/// An end, told apart for the client and for the log.
pub(crate) struct Ended {
    pub(crate) status: StatusCode,
    /// What the request's one line says.
    reason: String,
    /// Frames of the guest, one a line, where the component carries names.
    backtrace: String,
}

impl Ended {
    pub(crate) fn of(error: &wasmtime::Error, state: &State) -> Self {
        let status = match error.downcast_ref::<End>() {
            Some(End::GuestTime { .. } | End::Wall(_) | End::AfterReply(_)) => {
                StatusCode::GATEWAY_TIMEOUT
            }
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut reason = if let Some(end) = error.downcast_ref::<End>() {
            end.to_string()
        } else if let Some(trap) = error.downcast_ref::<Trap>() {
            trap.to_string()
        } else if let Some(ResourceTableError::Full) = error.downcast_ref() {
            let limit = state.app.limits.handles;
            format!("handles: limit {limit}, met {} at once", limit + 1)
        } else {
            // Errors of the engine hold their cause below a context that speaks of the engine.
            error.root_cause().to_string()
        };
        if let Some(bytes) = state.usage.memory_refused {
            let limit = state.app.limits.memory_bytes;
            let _ = write!(reason, "; memory-bytes: limit {limit}, met {bytes}");
        }
        let mut backtrace = String::new();
        if let Some(frames) = error.downcast_ref::<WasmBacktrace>() {
            backtrace = named_frames(frames);
            if backtrace.is_empty() && !state.app.told_of_names.swap(true, Relaxed) {
                backtrace.push_str(NO_NAMES);
            }
        }
        Self {
            status,
            reason,
            backtrace,
        }
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)?;
        f.write_str(&self.backtrace)
    }
}

/// Said once of an application, where a backtrace would be.
const NO_NAMES: &str = "\n  the component carries no names of functions: one that `edgewit build --debug` makes \
                        shows where this was";

/// A line for each frame that has a name, without those of a panic itself; a component without names has
/// no backtrace worth a line.
fn named_frames(backtrace: &WasmBacktrace) -> String {
    let frames: Vec<String> = backtrace.frames().iter().flat_map(lines_of).collect();
    let cut = of_panic(&frames);
    let mut text = String::new();
    for frame in &frames[cut..] {
        let _ = write!(text, "\n  at {frame}");
    }
    if cut > 0 {
        let _ = write!(text, "\n  ({cut} frames of the panic itself are left out)");
    }
    text
}

/// How many of the first frames are Rust's own way from a panic to its hook, and what the hook calls: all up to the
/// function that the language calls at a panic, and what of the standard library called that. None, if nothing
/// would be left.
fn of_panic(frames: &[String]) -> usize {
    let is_handler = |frame: &String| frame.contains("rust_begin_unwind");
    let Some(handler) = frames.iter().position(is_handler) else {
        return 0;
    };
    let is_library = |frame: &String| {
        let own = [
            "core::", "std::", "alloc::", "<core::", "<std::", "<alloc::",
        ];
        own.iter().any(|start| frame.starts_with(start)) || frame.contains("(/rustc/")
    };
    let users = |frame: &String| !is_library(frame);
    let after = frames[handler + 1..].iter().position(users);
    after.map_or(0, |count| handler + 1 + count)
}

/// A line for each function that was inlined into a frame, innermost first, and one for the frame's
/// own. Debug information names that one without its path, so the component's own name is preferred.
fn lines_of(frame: &FrameInfo) -> Vec<String> {
    let line = |name: &str, symbol: Option<&FrameSymbol>| {
        let mut line = format!("{:#}", rustc_demangle::demangle(name));
        if let Some((file, number)) = symbol.and_then(|it| it.file().zip(it.line())) {
            let _ = write!(line, " ({file}:{number})");
        }
        line
    };
    let Some((own, inlined)) = frame.symbols().split_last() else {
        return frame
            .func_name()
            .map(|name| line(name, None))
            .into_iter()
            .collect();
    };
    let inlined = inlined
        .iter()
        .filter_map(|it| Some(line(it.name()?, Some(it))));
    let own = frame
        .func_name()
        .or(own.name())
        .map(|name| line(name, Some(own)));
    inlined.chain(own).collect()
}
