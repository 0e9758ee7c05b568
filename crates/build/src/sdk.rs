//! The SDKs that this library carries, for applications to build against.

use std::path::PathBuf;

use crate::{Cache, Error, Report, files};

include!(concat!(env!("OUT_DIR"), "/sdk.rs"));

/// The folder of the Rust SDK (the package `edgewit`) in the cache; its files are written there if
/// they are not there yet. The folder is named after version and content, and appears whole.
/// Those of other versions stay: an application points to the one it was last built with, and another
/// version of the command, installed beside this one, would only write its own again.
/// Errors: `Io` if the cache can't be written.
pub fn unpack_rust(cache: &Cache, report: Report<'_>) -> Result<PathBuf, Error> {
    let name = format!("{}-{RUST_HASH:016x}", env!("CARGO_PKG_VERSION"));
    let folder = cache.root().join("sdk/rust").join(name);
    if folder.is_dir() {
        return Ok(folder);
    }
    let _lock = cache.lock(report)?;
    if !folder.is_dir() {
        files::publish(&folder, |folder| {
            RUST.iter()
                .try_for_each(|(name, bytes)| files::write(&folder.join(name), bytes))
        })?;
    }
    Ok(folder)
}
