//! What `bindgen!` makes of `wit/`: the types that cross the boundary and the calls into a guest.
//! Imports are registered by [`crate::seam`] instead of the generated `add_to_linker`, which has no
//! place for a hook.

#![allow(
    missing_docs,
    reason = "generated from the WIT, and private to this crate"
)]

wasmtime::component::bindgen!({
    path: "wit",
    world: "app",
    imports: { default: async | trappable },
    exports: { default: async },
    with: {
        "edge:sdk/http.incoming-body": crate::body::IncomingHandle,
        "edge:sdk/poll.pollable": crate::handle::Pollable,
        "edge:sdk/fetch.pending": crate::fetch::PendingHandle,
        "edge:sdk/fetch.outgoing-body": crate::fetch::OutgoingHandle,
        "edge:sdk/kv.store": crate::kv::Store,
    },
});

pub use edge::sdk::fetch::{FetchError, Options, Redirect, Timeouts};
pub use edge::sdk::http::{Body, BodyError, Chunk, Request, Response};
pub use edge::sdk::kv::{Condition, Entry, KvError, Page, SetOptions};
pub use edge::sdk::logging::Level;
pub use exports::edge::sdk::handler::{Context, Reply, ReplyBody};

/// One field line: name and value.
pub type Field = (String, Vec<u8>);

impl BodyError {
    /// For a log.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Closed => "closed before its end".to_owned(),
            Self::Incomplete => "incomplete".to_owned(),
            Self::Unwanted => "no more of it is wanted".to_owned(),
            Self::Timeout => "no byte in time".to_owned(),
            Self::TooLarge(limit) => format!("larger than {limit} bytes"),
            Self::Other(text) => text.clone(),
        }
    }

    /// The name of its case.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Incomplete => "incomplete",
            Self::Unwanted => "unwanted",
            Self::Timeout => "timeout",
            Self::TooLarge(_) => "too-large",
            Self::Other(_) => "other",
        }
    }
}
