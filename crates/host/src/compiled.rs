//! What is compiled, kept by content in files that are mapped: a host reads of a component only what runs, and holds
//! none of it that could be read again.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ring::digest::{SHA256, digest};
use wasmtime::component::Component;
use wasmtime::{Engine, Result};

/// All that a folder may hold, in bytes; a component in JavaScript is 40 MB.
const LIMIT: u64 = 1 << 30;

/// What the names of its files end with, those that are under way included; a folder may hold others.
const SUFFIX: &str = ".cwasm";

/// A folder of compiled components, or none.
#[derive(Clone)]
pub(crate) struct Compiled {
    folder: Option<PathBuf>,
}

impl Compiled {
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// The component of these bytes, compiled if it was not yet.
    pub(crate) fn component(&self, engine: &Engine, wasm: &[u8]) -> Result<Component> {
        let Some(folder) = &self.folder else {
            return Component::from_binary(engine, wasm);
        };
        let file = folder.join(name(engine, wasm));
        if let Some(component) = kept(engine, &file) {
            return Ok(component);
        }
        let compiled = engine.precompile_component(wasm)?;
        if let Err(error) = keep(folder, &file, &compiled) {
            tracing::debug!(
                "components are compiled each time: {}: {error}",
                folder.display()
            );
        } else if let Some(component) = kept(engine, &file) {
            return Ok(component);
        }
        read(engine, &compiled)
    }
}

/// By what was compiled and by all of the engine that bears on it.
fn name(engine: &Engine, wasm: &[u8]) -> String {
    let mut how = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut how);
    let what = digest(&SHA256, wasm);
    let what: String = what.as_ref().iter().map(|it| format!("{it:02x}")).collect();
    format!("{what}-{:016x}{SUFFIX}", how.finish())
}

/// What a file holds, and that it was asked for; none where it is not there or not whole.
fn kept(engine: &Engine, file: &Path) -> Option<Component> {
    let opened = File::open(file).ok()?;
    // Whoever may not note it here has his files go a little early.
    let _ = opened.set_modified(SystemTime::now());
    // No code can be mapped from a file system that is mounted `noexec`.
    map(engine, file)
        .or_else(|_| read(engine, &fs::read(file)?))
        .inspect_err(|error| tracing::debug!("{}: {error:#}", file.display()))
        .ok()
}

#[expect(
    unsafe_code,
    reason = "the engine can't check what it did not compile itself"
)]
fn map(engine: &Engine, file: &Path) -> Result<Component> {
    // SAFETY: `keep` alone makes such files, of what the engine compiled, and none is written to once it has its name:
    // one that is too old is unlinked, and stays as long as it is mapped. Whoever else may write to the folder is
    // trusted as the host itself, as `Builder::cache` says. The engine refuses what another version of it compiled.
    unsafe { Component::deserialize_file(engine, file) }
}

#[expect(
    unsafe_code,
    reason = "the engine can't check what it did not compile itself"
)]
fn read(engine: &Engine, compiled: &[u8]) -> Result<Component> {
    // SAFETY: as for `map`.
    unsafe { Component::deserialize(engine, compiled) }
}

/// Writes a file whole or not at all, also where the machine stops meanwhile.
fn keep(folder: &Path, file: &Path, compiled: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut new = tempfile::Builder::new()
        .suffix(SUFFIX)
        .tempfile_in(folder)?;
    new.write_all(compiled)?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    // A folder that can't be looked through only grows.
    let _ = make_room(folder, LIMIT);
    Ok(())
}

/// Removes the files that were not asked for the longest.
fn make_room(folder: &Path, limit: u64) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        // Another process may have made room meanwhile.
        if let Ok(metadata) = entry.metadata()
            && path.to_string_lossy().ends_with(SUFFIX)
        {
            files.push((metadata.modified()?, metadata.len(), path));
        }
    }
    files.sort_unstable_by(|one, other| other.cmp(one));
    let mut held = 0;
    for (_, bytes, path) in files {
        held += bytes;
        if held > limit {
            let _ = fs::remove_file(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_files_that_were_long_not_asked_for_go_first() {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        for (name, days) in [
            ("used.cwasm", 1),
            ("old.cwasm", 3),
            ("new.cwasm", 0),
            ("older.cwasm", 4),
            ("else", 5),
        ] {
            let file = File::create_new(folder.path().join(name)).unwrap();
            file.set_len(10).unwrap();
            file.set_modified(now - Duration::from_secs(days * 86_400))
                .unwrap();
        }
        let names = || {
            let entries = fs::read_dir(folder.path()).unwrap();
            let mut names: Vec<_> = entries.map(|it| it.unwrap().file_name()).collect();
            names.sort();
            names
        };
        make_room(folder.path(), 40).unwrap();
        assert_eq!(names().len(), 5);
        make_room(folder.path(), 29).unwrap();
        assert_eq!(names(), ["else", "new.cwasm", "used.cwasm"]);
    }
}
