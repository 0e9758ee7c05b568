//! A file whose disk fails when a test says so.

use std::fs::OpenOptions;
use std::io;
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};

use redb::backends::FileBackend;
use redb::{BackendError, Database, StorageBackend};

use super::super::disk::Medium;
use super::super::fault::Fault;
use super::HANG;

/// What fails from now on.
#[derive(Debug, Default)]
pub struct Faults {
    /// A write finds no room.
    pub full: AtomicBool,
    /// So many reads fail.
    pub unreadable: AtomicUsize,
    /// The file can't be opened.
    pub away: AtomicBool,
    /// How often it was opened.
    pub opened: AtomicUsize,
    /// Where a commit stands still before its bytes are on the disk.
    pub sync: Gate,
    /// Where a read stands still.
    pub read: Gate,
}

#[derive(Debug, Default)]
pub struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    closed: bool,
    waiting: bool,
}

impl Gate {
    pub fn close(&self) {
        self.state.lock().unwrap().closed = true;
    }

    pub fn open(&self) {
        self.state.lock().unwrap().closed = false;
        self.changed.notify_all();
    }

    fn pass(&self) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.waiting = true;
        self.changed.notify_all();
        let (mut state, deadline) = self
            .changed
            .wait_timeout_while(state, HANG, |state| state.closed)
            .unwrap();
        state.waiting = false;
        if deadline.timed_out() {
            return Err(io::Error::other("nobody opened the gate"));
        }
        Ok(())
    }

    /// Returns once somebody stands in front of it.
    pub fn reached(&self) {
        let state = self.state.lock().unwrap();
        let (state, deadline) = self
            .changed
            .wait_timeout_while(state, HANG, |state| !state.waiting)
            .unwrap();
        drop(state);
        assert!(!deadline.timed_out(), "nobody came to the gate");
    }
}

#[derive(Clone)]
pub struct Faulty {
    pub path: PathBuf,
    pub faults: Arc<Faults>,
}

impl Faulty {
    pub fn database(&self) -> Result<Database, Fault> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(&self.path).map_err(redb::Error::Io)?;
        let disk = FaultyFile {
            file: FileBackend::new(file)?,
            faults: self.faults.clone(),
        };
        Ok(Database::builder()
            // Next to nothing, so that a read reaches the disk.
            .set_cache_size(0)
            .create_with_backend(disk)?)
    }
}

impl Medium for Faulty {
    fn name(&self) -> String {
        "a file of a test".to_owned()
    }

    fn open(&self) -> Result<Database, Fault> {
        self.faults.opened.fetch_add(1, SeqCst);
        if self.faults.away.load(SeqCst) {
            let away = io::Error::from(io::ErrorKind::NotFound);
            return Err(Fault::Database(redb::Error::Io(away)));
        }
        self.database()
    }

    fn has_room(&self, _: u64) -> bool {
        !self.faults.full.load(SeqCst)
    }
}

#[derive(Debug)]
struct FaultyFile {
    file: FileBackend,
    faults: Arc<Faults>,
}

impl StorageBackend for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.faults.read.pass()?;
        let fail = |left: usize| left.checked_sub(1);
        if self
            .faults
            .unreadable
            .fetch_update(SeqCst, SeqCst, fail)
            .is_ok()
        {
            return Err(io::Error::other("a bad sector"));
        }
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.faults.sync.pass()?;
        self.file.sync_data()
    }

    /// As on a disk, what overwrites has its place already; the first page is always there.
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if offset > 0 && self.faults.full.load(SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }
}
