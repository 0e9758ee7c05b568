//! Stores in a file: reads where they are asked for, writes through one thread.

mod disk;
mod fault;
mod tables;
#[cfg(test)]
mod tests;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use redb::{Database, DatabaseError};
use tokio::sync::{RwLock, oneshot};

use self::disk::{Disk, Medium};
use self::fault::Fault;
use self::tables::OneStore;
use self::writer::{Call, Slot, Write, Writer};
use super::records::{self, Records};
use super::{Backend, Entry, Error, Page, Reply, SetOptions};

/// Stores in one file (redb), shared by the stores of one application.
///
/// A write is acknowledged once it is on the disk. Writes that wait together share one commit. One
/// process holds the file at a time.
///
/// Each write removes some of the keys that have expired, in the same commit. What they took of the file
/// is used again; the file itself never gets shorter.
///
/// After a fault of the disk, a full one for instance, the file is opened again: calls are
/// `Unavailable` while the fault lasts and work afterwards. A write that was answered `Unavailable`
/// is usually not done; where the disk failed at the last moment it may be.
pub struct File {
    slot: Slot,
    /// Both are there until the file is dropped.
    writer: Option<mpsc::Sender<Call>>,
    thread: Option<JoinHandle<()>>,
}

/// The file can be opened again once this returns: what waits to be written is written first.
impl Drop for File {
    fn drop(&mut self) {
        drop(self.writer.take());
        if let Some(thread) = self.thread.take() {
            // A writer that panicked has nothing left to write.
            let _ = thread.join();
        }
    }
}

/// Why a file of stores can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open, or another host of this one.
    #[error("{}: another process or host has this file of stores open; stop it, or name another file", .0.display())]
    InUse(PathBuf),
    /// It is no file of stores, or can't be read or created.
    #[error("{}: {reason}; moved elsewhere, it gives way to a new one", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl File {
    /// Opens the file, which is created where there is none; its folder must exist.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let unusable = |reason: String| OpenError::Unusable {
            path: path.to_owned(),
            reason,
        };
        let disk = Disk {
            path: path.to_owned(),
        };
        let database = disk.create().map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => OpenError::InUse(path.to_owned()),
            other => unusable(other.to_string()),
        })?;
        Self::on(disk, database).map_err(|error| unusable(error.to_string()))
    }

    fn on(medium: impl Medium, database: Database) -> std::io::Result<Self> {
        let slot: Slot = Arc::new(RwLock::new(Ok(database)));
        let (writer, calls) = mpsc::channel();
        let of_thread = Writer::new(medium, slot.clone());
        let thread = std::thread::Builder::new()
            .name("edgewit-kv".to_owned())
            .spawn(move || of_thread.run(&calls))?;
        Ok(Self {
            slot,
            writer: Some(writer),
            thread: Some(thread),
        })
    }

    fn call(&self, call: Call) {
        if let Some(writer) = &self.writer {
            // A call that no writer takes is dropped, which its caller notices.
            let _ = writer.send(call);
        }
    }

    /// Hands a step to the writer and waits for the commit that holds it.
    fn write<T: Send + 'static>(
        &self,
        now_ms: u64,
        store: &str,
        bytes: u64,
        step: impl FnOnce(&mut OneStore<'_, '_>) -> Result<Result<T, Error>, Fault> + Send + 'static,
    ) -> Reply<'static, T> {
        let (tell, told) = oneshot::channel();
        self.call(Call::Write(Box::new(Write {
            now_ms,
            store: store.to_owned(),
            bytes,
            step: Some(step),
            result: Err(gone()),
            tell,
        })));
        Box::pin(async move { told.await.unwrap_or_else(|_| Err(gone())) })
    }

    /// Reads, a second time where a fault had ended the database and the writer has opened it again.
    async fn read<T, F: Future<Output = Result<T, Fault>>>(
        &self,
        read: impl Fn() -> F,
    ) -> Result<T, Error> {
        let done = match read().await {
            Err(fault) if fault.closes() => {
                let (asked, tried) = oneshot::channel();
                self.call(Call::Mend(asked));
                // It is dropped, not sent.
                let _ = tried.await;
                read().await
            }
            done => done,
        };
        done.map_err(|fault| fault.answer())
    }
}

fn gone() -> Error {
    Error::Other("the file of stores: its writer has ended".to_owned())
}

fn opened(slot: &Result<Database, Error>) -> Result<&Database, Fault> {
    slot.as_ref()
        .map_err(|reason| Fault::Closed(reason.clone()))
}

impl Backend for File {
    /// On the caller's thread: it waits for no write, and what it copies is bounded by `bytes_max`.
    fn get<'a>(
        &'a self,
        now_ms: u64,
        store: &'a str,
        keys: &'a [String],
        bytes_max: u64,
    ) -> Reply<'a, Vec<Option<Entry>>> {
        Box::pin(async move {
            let read = async || {
                let slot = self.slot.read().await;
                tables::read_all(opened(&slot)?, now_ms, store, keys, bytes_max)
            };
            let found = self.read(read).await?;
            found.ok_or(Error::ValueTooLarge(bytes_max))
        })
    }

    fn exists<'a>(&'a self, now_ms: u64, store: &'a str, key: &'a str) -> Reply<'a, bool> {
        Box::pin(async move {
            let read = async || {
                let slot = self.slot.read().await;
                tables::exists(opened(&slot)?, now_ms, store, key)
            };
            self.read(read).await
        })
    }

    fn set<'a>(
        &'a self,
        now_ms: u64,
        store: &'a str,
        key: &'a str,
        value: Vec<u8>,
        options: SetOptions,
    ) -> Reply<'a, u64> {
        let bytes = (value.len() + options.metadata.len()) as u64;
        if bytes > tables::RECORD_BYTES_MAX {
            // Refused here, since it would take the writes that share its commit with it.
            let error = Error::ValueTooLarge(tables::RECORD_BYTES_MAX);
            return Box::pin(std::future::ready(Err(error)));
        }
        let key = key.to_owned();
        self.write(now_ms, store, bytes, move |records| {
            records::set(records, now_ms, &key, value, options)
        })
    }

    fn delete<'a>(&'a self, now_ms: u64, store: &'a str, key: &'a str) -> Reply<'a, bool> {
        let key = key.to_owned();
        self.write(now_ms, store, 0, move |records| {
            records.remove(now_ms, &key).map(Ok)
        })
    }

    fn increment<'a>(
        &'a self,
        now_ms: u64,
        store: &'a str,
        key: &'a str,
        delta: i64,
        ttl_ms: Option<u64>,
    ) -> Reply<'a, i64> {
        let key = key.to_owned();
        self.write(now_ms, store, 0, move |records| {
            records::increment(records, now_ms, &key, delta, ttl_ms)
        })
    }

    /// On a thread for what blocks: values that are not cached are read from the disk with their keys.
    fn keys<'a>(
        &'a self,
        now_ms: u64,
        store: &'a str,
        prefix: &'a str,
        cursor: Option<&'a str>,
        limit: u32,
    ) -> Reply<'a, Page> {
        Box::pin(async move {
            let after = records::cursor_key(cursor)?;
            let read = async || {
                let slot = self.slot.clone().read_owned().await;
                let (store, prefix) = (store.to_owned(), prefix.to_owned());
                let after = after.map(str::to_owned);
                let page = tokio::task::spawn_blocking(move || {
                    let database = opened(&slot)?;
                    tables::read_page(database, now_ms, &store, &prefix, after.as_deref(), limit)
                });
                // It ends early only where the program ends.
                page.await.unwrap_or_else(|_| Err(Fault::Closed(gone())))
            };
            self.read(read).await
        })
    }
}
