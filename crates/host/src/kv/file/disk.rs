//! The file on its disk: made, opened again, and asked for room.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use redb::{Database, DatabaseError};

use super::fault::{Fault, is_full};

/// Where a database has its bytes. A test puts a failing one in the place of a disk.
pub(super) trait Medium: Send + 'static {
    /// For a log.
    fn name(&self) -> String;
    /// Opens what was there before, and makes nothing: a file that has gone is not the same as an empty one.
    fn open(&self) -> Result<Database, Fault>;
    /// Whether `bytes` more would find room, asked after a write that did not.
    fn has_room(&self, bytes: u64) -> bool;
}

pub(super) struct Disk {
    pub(super) path: PathBuf,
}

/// What redb writes beyond the values: the pages on the way to them.
const ROOM_BYTES: u64 = 1024 * 1024;

impl Medium for Disk {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn open(&self) -> Result<Database, Fault> {
        Ok(Database::open(&self.path)?)
    }

    /// Found out by writing as much into a file beside it: a write of the database that fails makes it
    /// read the whole file before it answers again, some seconds for each GiB, and readers wait.
    fn has_room(&self, bytes: u64) -> bool {
        let mut scratch = self.path.clone().into_os_string();
        scratch.push(".room");
        let written = fill(scratch.as_ref(), bytes.saturating_add(ROOM_BYTES));
        let _ = fs::remove_file(&scratch);
        // A folder that takes no file says nothing about room.
        !written.is_err_and(|error| is_full(&error))
    }
}

fn fill(path: &Path, bytes: u64) -> io::Result<()> {
    let mut file = File::create(path)?;
    io::copy(&mut io::repeat(0x5a).take(bytes), &mut file)?;
    file.sync_all()
}

impl Disk {
    /// Opens the file, or makes it.
    pub(super) fn create(&self) -> Result<Database, DatabaseError> {
        match Database::create(&self.path) {
            Err(DatabaseError::Storage(redb::StorageError::Io(error)))
                if error.kind() == io::ErrorKind::InvalidData && self.clear_unfinished()? =>
            {
                Database::create(&self.path)
            }
            done => done,
        }
    }

    /// Empties a file whose making was broken off, by a kill or a full disk, and says whether it was
    /// one. redb writes its magic number last of all, and takes a file without it for another program's.
    fn clear_unfinished(&self) -> io::Result<bool> {
        let mut file = OpenOptions::new().read(true).write(true).open(&self.path)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(false),
            other => other?,
        }
        let unfinished = is_unfinished(&mut file)?;
        if unfinished {
            file.set_len(0)?;
        }
        // Closing alone lets go of it later where a process is being started, which has the file until it runs.
        file.unlock()?;
        Ok(unfinished)
    }
}

/// A file that is made has a few MiB.
const UNFINISHED_BYTES_MAX: u64 = 64 * 1024 * 1024;
const MAGIC: usize = 9;
const PAGE: usize = 4096;

/// Nothing but zeros, save in the first page behind the place of the magic number.
fn is_unfinished(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() > UNFINISHED_BYTES_MAX {
        return Ok(false);
    }
    file.rewind()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let zero = |part: Option<&[u8]>| part.is_none_or(|part| part.iter().all(|byte| *byte == 0));
    Ok(bytes.len() >= MAGIC && zero(bytes.get(..MAGIC)) && zero(bytes.get(PAGE..)))
}
