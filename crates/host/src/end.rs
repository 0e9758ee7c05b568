//! Why a request ended without its guest's consent.

use std::fmt::Write;
use std::time::Duration;

use http::StatusCode;
use wasmtime::{Trap, WasmBacktrace};

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
    #[error("{0} is not offered by this host yet")]
    NotOffered(&'static str),
    #[error("{0} of WASI is refused: an edge application has no such thing")]
    Refused(String),
    #[error("system.random: at most 65536 bytes in a call, asked for {0}")]
    RandomLength(u32),
}

/// An end, told apart for the client and for the log.
pub(crate) struct Ended {
    pub(crate) status: StatusCode,
    /// What the request's one line says.
    pub(crate) reason: String,
    /// Frames of the guest, one a line, where the component carries names.
    pub(crate) backtrace: Option<String>,
}

impl Ended {
    pub(crate) fn of(error: &wasmtime::Error, memory_refused: Option<usize>) -> Self {
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
        } else {
            // Errors of the engine hold their cause below a context that speaks of the engine.
            error.root_cause().to_string()
        };
        if let Some(bytes) = memory_refused {
            let _ = write!(
                reason,
                "; memory: growing to {bytes} bytes was refused (memory-bytes)"
            );
        }
        let backtrace = error.downcast_ref::<WasmBacktrace>().and_then(named_frames);
        Self {
            status,
            reason,
            backtrace,
        }
    }
}

/// The frames that have a name; a component without names has no backtrace worth a line.
fn named_frames(backtrace: &WasmBacktrace) -> Option<String> {
    let mut text = String::new();
    for frame in backtrace.frames() {
        let symbols = frame.symbols();
        for symbol in symbols {
            let Some(name) = symbol.name() else { continue };
            let _ = write!(text, "\n  at {name}");
            if let (Some(file), Some(line)) = (symbol.file(), symbol.line()) {
                let _ = write!(text, " ({file}:{line})");
            }
        }
        if symbols.is_empty()
            && let Some(name) = frame.func_name()
        {
            let _ = write!(text, "\n  at {name}");
        }
    }
    (!text.is_empty()).then_some(text)
}
