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
            of_trap(*trap, error)
        } else if let Some(ResourceTableError::Full) = error.downcast_ref() {
            let limit = state.app.limits.handles;
            format!("handles: limit {limit}, met {} at once", limit + 1)
        } else if let Some(error) = error.downcast_ref::<std::str::Utf8Error>() {
            format!("a string of the guest is not UTF-8: {error}")
        } else {
            // Errors of the engine hold their cause below a context that speaks of the engine.
            error.root_cause().to_string()
        };
        reason.push_str(&state.memory_refused());
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

/// What a trap is to whoever reads the log. A guest's stack has two parts: the engine's, of whose end it knows, and the
/// guest's own in its memory, which it knows nothing of.
fn of_trap(trap: Trap, error: &wasmtime::Error) -> String {
    match trap {
        Trap::StackOverflow => "stack overflow: the guest's calls are nested too deep".to_owned(),
        Trap::MemoryOutOfBounds => out_of_bounds(error),
        _ => trap.to_string(),
    }
}

/// Linkers put the stack first in memory: below it are the last addresses that 32 bits hold. Of a fill or a copy the
/// engine tells no address.
fn out_of_bounds(error: &wasmtime::Error) -> String {
    let trap = Trap::MemoryOutOfBounds;
    let below = BEYOND - STACK_BYTES_MAX;
    let met = match fault(error) {
        Some((address, memory)) if address >= below && memory < below => {
            format!("an access at 0x{address:x}, as with a stack pointer below 0")
        }
        Some((address, memory)) => return format!("{trap}: at 0x{address:x}, of {memory} bytes"),
        None if is_nested(error) => {
            "a fill or copy out of bounds, by a function that calls itself".to_owned()
        }
        None => {
            return format!(
                "{trap}: by a fill or copy, as where one frame is larger than the stack (stack-bytes in edge.toml)"
            );
        }
    };
    format!(
        "stack overflow, most likely: {met} (stack-bytes in edge.toml is the size of the guest's stack)"
    )
}

/// The first address that 32 bits do not hold, and the largest stack that a manifest can ask for.
const BEYOND: u64 = 1 << 32;
const STACK_BYTES_MAX: u64 = 8 << 20;

/// So often the same function among the last calls is no accident.
const NESTED: usize = 4;

fn is_nested(error: &wasmtime::Error) -> bool {
    let frames = error
        .downcast_ref::<WasmBacktrace>()
        .map_or(&[][..], |it| it.frames());
    frames.first().is_some_and(|last| {
        let same = |frame: &&FrameInfo| frame.func_index() == last.func_index();
        frames.iter().filter(same).count() >= NESTED
    })
}

/// The address that was out of bounds, and the size of the memory, in bytes. The engine tells them in words alone.
fn fault(error: &wasmtime::Error) -> Option<(u64, u64)> {
    let number = |text: &str| u64::from_str_radix(text, 16).ok();
    error.chain().find_map(|cause| {
        let text = cause.to_string();
        let at = text.strip_prefix("memory fault at wasm address 0x")?;
        let (address, memory) = at.split_once(" in linear memory of size 0x")?;
        Some((number(address)?, number(memory)?))
    })
}

/// Said once of an application, where a backtrace would be.
const NO_NAMES: &str = "\n  the component carries no names of functions: `edgewit build --debug` keeps those of a \
                        compiled language, and this then shows where it was";

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
