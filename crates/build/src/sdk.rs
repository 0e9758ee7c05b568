//! The SDKs that this library carries, for applications to build against.

use std::path::{Path, PathBuf};

use crate::{Cache, Error, Report, files};

/// An SDK's files, by their paths within its folder.
pub(crate) struct Sdk {
    /// Its folder in the cache's `sdk/`.
    folder: &'static str,
    hash: u64,
    files: &'static [(&'static str, &'static [u8])],
}

include!(concat!(env!("OUT_DIR"), "/sdk.rs"));

/// The folder of the Rust SDK (the package `edgewit`) in the cache; its files are written there if
/// they are not there yet. The folder is named after version and content, and appears whole.
/// Those of other versions stay: an application points to the one it was last built with, and another
/// version of the command, installed beside this one, would only write its own again.
/// Errors: `Io` if the cache can't be written.
pub fn unpack_rust(cache: &Cache, report: Report<'_>) -> Result<PathBuf, Error> {
    unpack(cache, &RUST, report, |_| Ok(()))
}

/// As [`unpack_rust`], for any SDK; `finish` makes of the written files what is used.
pub(crate) fn unpack(
    cache: &Cache,
    sdk: &Sdk,
    report: Report<'_>,
    finish: impl FnOnce(&Path) -> Result<(), Error>,
) -> Result<PathBuf, Error> {
    let name = format!("{}-{:016x}", env!("CARGO_PKG_VERSION"), sdk.hash);
    let folder = cache.root().join("sdk").join(sdk.folder).join(name);
    if folder.is_dir() {
        return Ok(folder);
    }
    let _lock = cache.lock(report)?;
    if !folder.is_dir() {
        files::publish(&folder, |folder| {
            sdk.files
                .iter()
                .try_for_each(|(name, bytes)| files::write(&folder.join(name), bytes))?;
            finish(folder)
        })?;
    }
    Ok(folder)
}
