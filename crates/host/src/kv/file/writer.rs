//! The one thread that writes: in batches, and opening the database again after a fault.

use std::sync::{Arc, mpsc};

use redb::{Database, WriteTransaction};
use tokio::sync::{RwLock, oneshot};

use super::disk::Medium;
use super::fault::Fault;
use super::tables::{OneStore, Tables};
use crate::kv::Error;

/// So many waiting writes share one commit at the most.
const BATCH: usize = 256;

/// The database, or why there is none. A reader holds it for one read, the writer while it opens it again.
pub(super) type Slot = Arc<RwLock<Result<Database, Error>>>;

/// What the writer is asked for.
pub(super) enum Call {
    Write(Box<dyn Job>),
    /// Open the database again if a fault has ended it. Dropped once that was tried.
    Mend(oneshot::Sender<()>),
}

/// One write that waits for its commit.
pub(super) trait Job: Send {
    /// Roughly what it needs of the disk.
    fn bytes(&self) -> u64;
    fn run(&mut self, tables: &mut Tables<'_>) -> Result<(), Fault>;
    fn answer(self: Box<Self>, committed: Result<(), Error>);
}

/// A job made of a step, for the caller that waits at the other end of `tell`.
pub(super) struct Write<T, S> {
    pub(super) now_ms: u64,
    pub(super) store: String,
    pub(super) bytes: u64,
    pub(super) step: Option<S>,
    pub(super) result: Result<T, Error>,
    pub(super) tell: oneshot::Sender<Result<T, Error>>,
}

impl<T, S> Job for Write<T, S>
where
    T: Send,
    S: FnOnce(&mut OneStore<'_, '_>) -> Result<Result<T, Error>, Fault> + Send,
{
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn run(&mut self, tables: &mut Tables<'_>) -> Result<(), Fault> {
        let Some(step) = self.step.take() else {
            return Ok(());
        };
        self.result = match step(&mut tables.store(&self.store)) {
            // Found before anything was written, and no concern of the other jobs.
            Err(fault @ (Fault::Damaged { .. } | Fault::Versions)) => Err(fault.answer()),
            done => done?,
        };
        tables.remove_expired(self.now_ms)
    }

    fn answer(self: Box<Self>, committed: Result<(), Error>) {
        // The caller may have gone.
        let _ = self.tell.send(committed.and(self.result));
    }
}

pub(super) struct Writer<M> {
    medium: M,
    slot: Slot,
    /// The last commit failed: the log has said so.
    failing: bool,
    /// The last commit found no room.
    full: bool,
}

impl<M: Medium> Writer<M> {
    pub(super) fn new(medium: M, slot: Slot) -> Self {
        Self {
            medium,
            slot,
            failing: false,
            full: false,
        }
    }

    /// Ends when the last sender is gone, and closes the database before that.
    pub(super) fn run(mut self, calls: &mpsc::Receiver<Call>) {
        while let Ok(first) = calls.recv() {
            let mut jobs = Vec::new();
            for call in std::iter::once(first).chain(calls.try_iter()).take(BATCH) {
                match call {
                    Call::Write(job) => jobs.push(job),
                    Call::Mend(asked) => {
                        self.mend();
                        drop(asked);
                    }
                }
            }
            if !jobs.is_empty() {
                self.write(jobs);
            }
        }
        *self.slot.blocking_write() = Err(Error::Other("the file of stores: closed".to_owned()));
    }

    fn write(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        let bytes = jobs.iter().map(|job| job.bytes()).sum();
        let done = if self.full && !self.medium.has_room(bytes) {
            Err(Error::Unavailable(
                "the file of stores: no room on the disk".to_owned(),
            ))
        } else {
            let done = self.commit(&mut jobs);
            self.note(&done);
            done.map_err(|fault| fault.answer())
        };
        for job in jobs {
            job.answer(done.clone());
        }
        if done.is_err() {
            self.mend();
        }
    }

    /// One line when writing begins to fail and one when it works again, however many calls there are.
    fn note(&mut self, done: &Result<(), Fault>) {
        let path = self.medium.name();
        match done {
            Err(fault) if !self.failing => tracing::error!(
                target: "edgewit::kv",
                "{path}: can't be written, and is tried again with each call: {fault}"
            ),
            Ok(()) if self.failing => {
                tracing::info!(target: "edgewit::kv", "{path}: can be written again");
            }
            _ => {}
        }
        self.failing = done.is_err();
        self.full = done.as_ref().is_err_and(Fault::is_full);
    }

    fn commit(&self, jobs: &mut [Box<dyn Job>]) -> Result<(), Fault> {
        let transaction = self.begin()?;
        let mut tables = Tables::open(&transaction)?;
        for job in jobs {
            job.run(&mut tables)?;
        }
        drop(tables);
        Ok(transaction.commit()?)
    }

    /// Readers need the database too, and do not wait for the next write.
    fn mend(&self) {
        // Why it failed is in the slot for whoever asks next.
        let _ = self.begin();
    }

    fn begin(&self) -> Result<WriteTransaction, Fault> {
        if let Ok(transaction) = begin_write(&self.slot) {
            return Ok(transaction);
        }
        self.open_again();
        begin_write(&self.slot)
    }

    fn open_again(&self) {
        let mut slot = self.slot.blocking_write();
        // The file is let go of when the database is dropped, and only then can it be opened.
        *slot = Err(Error::Unavailable("the file of stores: closed".to_owned()));
        *slot = self.medium.open().map_err(|fault| fault.answer());
    }
}

fn begin_write(slot: &Slot) -> Result<WriteTransaction, Fault> {
    match &*slot.blocking_read() {
        Ok(database) => Ok(database.begin_write()?),
        Err(reason) => Err(Fault::Closed(reason.clone())),
    }
}
