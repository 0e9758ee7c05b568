//! Writing files and folders so that nobody ever sees half of one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use crate::Error;

/// Creates a folder and those above it.
pub(crate) fn create_folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(Error::io("create", path))
}

/// Writes a file, and the folders above it.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        create_folder(folder)?;
    }
    fs::write(path, bytes).map_err(Error::io("write", path))
}

/// Writes a file, or replaces it, in one step.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let partial = partial(path);
    let written = write(&partial, bytes)
        .and_then(|()| fs::rename(&partial, path).map_err(Error::io("write", path)));
    if written.is_err() {
        let _ = fs::remove_file(&partial);
    }
    written
}

/// Copies what is in the folder `from` into the folder `to`.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<(), Error> {
    create_folder(to)?;
    let entries = fs::read_dir(from).map_err(Error::io("read", from))?;
    for entry in entries {
        let entry = entry.map_err(Error::io("read", from))?;
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_folder(&path, &copy)?;
        } else {
            fs::copy(&path, &copy).map_err(Error::io("copy", &path))?;
        }
    }
    Ok(())
}

/// Makes a folder appear in one step: `fill` gets an empty one to write into.
pub(crate) fn publish(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), Error>,
) -> Result<(), Error> {
    let partial = partial(path);
    // What a process of the same number left behind.
    let _ = fs::remove_dir_all(&partial);
    let filled = create_folder(&partial)
        .and_then(|()| fill(&partial))
        .and_then(|()| fs::rename(&partial, path).map_err(Error::io("write", path)));
    if filled.is_err() {
        let _ = fs::remove_dir_all(&partial);
    }
    filled
}

/// A name beside `path`, on the same file system, that no other process uses.
fn partial(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.partial", process::id()))
}
