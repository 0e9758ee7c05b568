//! Everything that the host gives, behind one face: the imports in a component, memory in a test.

#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod native;
#[cfg(target_arch = "wasm32")]
mod wasm;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::*;
#[cfg(target_arch = "wasm32")]
pub(crate) use wasm::*;

use bytes::Bytes;
use http::HeaderMap;

/// What reading a body yields: the next bytes, or the end with the trailer fields.
pub(crate) enum Chunk {
    Bytes(Bytes),
    End(HeaderMap),
}
