use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use redb::{
    Database, DatabaseError, ReadableDatabase, ReadableTable, Table, TableDefinition, TableError,
};
use tokio::sync::oneshot;

use super::records::{self, Record, Records};
use super::{Backend, Entry, Error, Page, Reply, SetOptions};

/// By store and key, in the order of their bytes.
const ENTRIES: TableDefinition<(&str, &str), &[u8]> = TableDefinition::new("entries");
/// The last version given out, under the key `()`.
const VERSION: TableDefinition<(), u64> = TableDefinition::new("version");

/// So many waiting writes share one commit at the most.
const BATCH: usize = 256;

/// Stores in one file (redb), shared by the stores of one application.
///
/// A write is acknowledged once it is on the disk. Writes that wait together share one commit. One
/// process holds the file at a time.
pub struct File {
    database: Arc<Database>,
    /// Both are there until the file is dropped.
    writer: Option<mpsc::Sender<Job>>,
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
    /// Another process has it open.
    #[error("{}: another process has this file of stores open; stop it, or name another file", .0.display())]
    InUse(PathBuf),
    /// It is no file of stores, or can't be read or created.
    #[error("{}: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

type Fault = redb::Error;
type Acknowledge = Box<dyn FnOnce(Result<(), Error>) + Send>;
type Job = Box<dyn FnOnce(&mut Tables<'_>) -> Result<Acknowledge, Fault> + Send>;

struct Tables<'t> {
    entries: Table<'t, (&'static str, &'static str), &'static [u8]>,
    version: Table<'t, (), u64>,
}

impl File {
    /// Opens the file, which is created where there is none; its folder must exist.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let unusable = |reason: String| OpenError::Unusable {
            path: path.to_owned(),
            reason,
        };
        let database = Database::create(path).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => OpenError::InUse(path.to_owned()),
            other => unusable(other.to_string()),
        })?;
        let database = Arc::new(database);
        let (writer, jobs) = mpsc::channel();
        let for_writer = database.clone();
        let thread = std::thread::Builder::new()
            .name("edgewit-kv".to_owned())
            .spawn(move || write_all(&for_writer, &jobs))
            .map_err(|error| unusable(error.to_string()))?;
        Ok(Self {
            database,
            writer: Some(writer),
            thread: Some(thread),
        })
    }

    /// Hands a step to the writer and waits for the commit that holds it.
    fn write<T: Send + 'static>(
        &self,
        store: &str,
        step: impl FnOnce(&mut OneStore<'_, '_>) -> Result<Result<T, Error>, Fault> + Send + 'static,
    ) -> Reply<'static, T> {
        let (tell, told) = oneshot::channel();
        let store = store.to_owned();
        let job: Job = Box::new(move |tables| {
            let result = step(&mut OneStore {
                tables,
                store: &store,
            })?;
            Ok(Box::new(move |committed: Result<(), Error>| {
                let _ = tell.send(committed.and(result));
            }))
        });
        let sent = self
            .writer
            .as_ref()
            .is_some_and(|writer| writer.send(job).is_ok());
        Box::pin(async move {
            if !sent {
                return Err(gone());
            }
            // A job that met a fault is dropped unanswered.
            told.await.unwrap_or_else(|_| Err(gone()))
        })
    }
}

fn gone() -> Error {
    Error::Unavailable("the file of stores can't be written".to_owned())
}

fn unavailable(fault: impl std::fmt::Display) -> Error {
    Error::Unavailable(fault.to_string())
}

/// The writer's thread: ends when the last sender is gone.
fn write_all(database: &Database, jobs: &mpsc::Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let mut acknowledgements = Vec::new();
        let batch = std::iter::once(first).chain(jobs.try_iter()).take(BATCH);
        let committed = commit(database, batch, &mut acknowledgements);
        if let Err(fault) = &committed {
            tracing::error!(target: "edgewit::kv", "write failed: {fault}");
        }
        for acknowledge in acknowledgements {
            acknowledge(committed.as_ref().copied().map_err(unavailable));
        }
    }
}

fn commit(
    database: &Database,
    batch: impl Iterator<Item = Job>,
    acknowledgements: &mut Vec<Acknowledge>,
) -> Result<(), Fault> {
    let transaction = database.begin_write()?;
    {
        let mut tables = Tables {
            entries: transaction.open_table(ENTRIES)?,
            version: transaction.open_table(VERSION)?,
        };
        for job in batch {
            acknowledgements.push(job(&mut tables)?);
        }
    }
    transaction.commit()?;
    Ok(())
}

struct OneStore<'a, 't> {
    tables: &'a mut Tables<'t>,
    store: &'a str,
}

impl Records for OneStore<'_, '_> {
    type Fault = Fault;

    fn get(&self, key: &str) -> Result<Option<Record>, Fault> {
        let found = self.tables.entries.get((self.store, key))?;
        Ok(found.map(|bytes| decode(bytes.value())).transpose()?)
    }
    fn put(&mut self, key: &str, record: Record) -> Result<(), Fault> {
        self.tables
            .entries
            .insert((self.store, key), encode(&record).as_slice())?;
        Ok(())
    }
    fn remove(&mut self, key: &str) -> Result<(), Fault> {
        self.tables.entries.remove((self.store, key))?;
        Ok(())
    }
    fn next_version(&mut self) -> Result<u64, Fault> {
        let next = self.tables.version.get(())?.map_or(0, |last| last.value()) + 1;
        self.tables.version.insert((), next)?;
        Ok(next)
    }
}

/// Version, expiry (0: none) and the metadata's length, little-endian; then metadata and value.
fn encode(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(20 + record.metadata.len() + record.value.len());
    bytes.extend_from_slice(&record.version.to_le_bytes());
    bytes.extend_from_slice(&record.expires_at.unwrap_or(0).to_le_bytes());
    bytes.extend_from_slice(&(record.metadata.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&record.metadata);
    bytes.extend_from_slice(&record.value);
    bytes
}

fn decode(bytes: &[u8]) -> Result<Record, redb::StorageError> {
    let read = || {
        let (version, bytes) = bytes.split_first_chunk::<8>()?;
        let (expires, bytes) = bytes.split_first_chunk::<8>()?;
        let (length, bytes) = bytes.split_first_chunk::<4>()?;
        let (metadata, value) = bytes.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        let expires = u64::from_le_bytes(*expires);
        Some(Record {
            version: u64::from_le_bytes(*version),
            expires_at: (expires != 0).then_some(expires),
            metadata: metadata.to_vec(),
            value: value.to_vec(),
        })
    };
    read().ok_or_else(|| redb::StorageError::Corrupted("a record is cut short".to_owned()))
}

impl File {
    fn read_all(
        &self,
        now_ms: u64,
        store: &str,
        keys: &[String],
    ) -> Result<Vec<Option<Entry>>, Fault> {
        let transaction = self.database.begin_read()?;
        let entries = match transaction.open_table(ENTRIES) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(vec![None; keys.len()]),
            entries => entries?,
        };
        let read = |key: &String| -> Result<Option<Entry>, Fault> {
            let Some(bytes) = entries.get((store, key.as_str()))? else {
                return Ok(None);
            };
            Ok(decode(bytes.value())?.entry(now_ms))
        };
        keys.iter().map(read).collect()
    }

    fn read_page(
        &self,
        now_ms: u64,
        store: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page, Fault> {
        let transaction = self.database.begin_read()?;
        let entries = match transaction.open_table(ENTRIES) {
            Err(TableError::TableDoesNotExist(_)) => {
                return Ok(Page {
                    keys: Vec::new(),
                    cursor: None,
                });
            }
            entries => entries?,
        };
        let start = after.filter(|key| *key >= prefix).unwrap_or(prefix);
        let keys = entries
            .range((store, start)..)?
            .map(|item| {
                let (key, bytes) = item?;
                let (of_store, key) = key.value();
                let alive = decode(bytes.value())?.entry(now_ms).is_some();
                Ok::<_, Fault>((of_store == store).then(|| (key.to_owned(), alive)))
            })
            // The range goes on into the next store.
            .map_while(Result::transpose)
            .filter(|item| !matches!(item, Ok((key, _)) if Some(key.as_str()) == after));
        records::page(keys, prefix, limit)
    }
}

impl Backend for File {
    fn get<'a>(
        &'a self,
        now_ms: u64,
        store: &'a str,
        keys: &'a [String],
    ) -> Reply<'a, Vec<Option<Entry>>> {
        let found = self.read_all(now_ms, store, keys).map_err(unavailable);
        Box::pin(std::future::ready(found))
    }

    fn set<'a>(
        &'a self,
        now_ms: u64,
        store: &'a str,
        key: &'a str,
        value: Vec<u8>,
        options: SetOptions,
    ) -> Reply<'a, u64> {
        let key = key.to_owned();
        self.write(store, move |records| {
            records::set(records, now_ms, &key, value, options)
        })
    }

    fn delete<'a>(&'a self, now_ms: u64, store: &'a str, key: &'a str) -> Reply<'a, bool> {
        let key = key.to_owned();
        self.write(store, move |records| records::delete(records, now_ms, &key))
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
        self.write(store, move |records| {
            records::increment(records, now_ms, &key, delta, ttl_ms)
        })
    }

    fn keys<'a>(
        &'a self,
        now_ms: u64,
        store: &'a str,
        prefix: &'a str,
        cursor: Option<&'a str>,
        limit: u32,
    ) -> Reply<'a, Page> {
        let page = records::cursor_key(cursor).and_then(|after| {
            self.read_page(now_ms, store, prefix, after, limit)
                .map_err(unavailable)
        });
        Box::pin(std::future::ready(page))
    }
}
