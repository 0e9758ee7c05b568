//! The tables of the database, and a record's bytes in them.

use redb::{Database, ReadableDatabase, ReadableTable, Table, TableDefinition, TableError};

use super::fault::Fault;
use crate::kv::records::{self, EXPIRED_REMOVED, Record, Records};
use crate::kv::{Entry, Page};

/// By store and key, in the order of their bytes.
const ENTRIES: TableDefinition<(&str, &str), &[u8]> = TableDefinition::new("entries");
/// Every record that expires, by its time, store and key: those whose time has come are found without a
/// look at any other.
const EXPIRING: TableDefinition<(u64, &str, &str), ()> = TableDefinition::new("expiring");
/// The last version given out, under the key `()`.
const VERSION: TableDefinition<(), u64> = TableDefinition::new("version");

/// What a record may have, its metadata included: redb takes 3 GiB, and the head needs its share.
pub(super) const RECORD_BYTES_MAX: u64 = (3 << 30) - HEAD_BYTES;
const HEAD_BYTES: u64 = 20;

/// All tables within one write transaction.
pub(super) struct Tables<'t> {
    entries: Table<'t, (&'static str, &'static str), &'static [u8]>,
    expiring: Table<'t, (u64, &'static str, &'static str), ()>,
    version: Table<'t, (), u64>,
}

impl<'t> Tables<'t> {
    pub(super) fn open(transaction: &'t redb::WriteTransaction) -> Result<Self, Fault> {
        Ok(Self {
            entries: transaction.open_table(ENTRIES)?,
            expiring: transaction.open_table(EXPIRING)?,
            version: transaction.open_table(VERSION)?,
        })
    }

    pub(super) fn store<'a>(&'a mut self, name: &'a str) -> OneStore<'a, 't> {
        OneStore { tables: self, name }
    }

    pub(super) fn remove_expired(&mut self, now_ms: u64) -> Result<(), Fault> {
        for _ in 0..EXPIRED_REMOVED {
            let Some(first) = self.expiring.first()? else {
                break;
            };
            let (at, store, key) = first.0.value();
            if records::alive(Some(at), now_ms) {
                break;
            }
            let (store, key) = (store.to_owned(), key.to_owned());
            drop(first);
            self.expiring.remove((at, store.as_str(), key.as_str()))?;
            let record = (store.as_str(), key.as_str());
            // One that could not be read when it was replaced had not said what to take out of here.
            let found = self.entries.get(record)?;
            let expires_at = found.and_then(|bytes| head(bytes.value())?.expires_at);
            if expires_at == Some(at) {
                self.entries.remove(record)?;
            }
        }
        Ok(())
    }
}

pub(super) struct OneStore<'a, 't> {
    tables: &'a mut Tables<'t>,
    name: &'a str,
}

impl Records for OneStore<'_, '_> {
    type Fault = Fault;

    fn get(&self, key: &str) -> Result<Option<Record>, Fault> {
        let found = self.tables.entries.get((self.name, key))?;
        let decode = |bytes: &[u8]| decode(self.name, key, bytes);
        found.map(|bytes| decode(bytes.value())).transpose()
    }
    fn put(&mut self, key: &str, record: Record) -> Result<(), Fault> {
        let Tables {
            entries, expiring, ..
        } = self.tables;
        let replaced = entries.insert((self.name, key), encode(&record).as_slice())?;
        let replaced = replaced.and_then(|bytes| head(bytes.value())?.expires_at);
        if let Some(at) = replaced {
            expiring.remove((at, self.name, key))?;
        }
        if let Some(at) = record.expires_at {
            expiring.insert((at, self.name, key), ())?;
        }
        Ok(())
    }
    fn remove(&mut self, now_ms: u64, key: &str) -> Result<bool, Fault> {
        let Tables {
            entries, expiring, ..
        } = self.tables;
        let Some(removed) = entries.remove((self.name, key))? else {
            return Ok(false);
        };
        // One that can't be read does not say that it has expired.
        let expires_at = head(removed.value()).and_then(|head| head.expires_at);
        if let Some(at) = expires_at {
            expiring.remove((at, self.name, key))?;
        }
        Ok(records::alive(expires_at, now_ms))
    }
    fn next_version(&mut self) -> Result<u64, Fault> {
        let last = self.tables.version.get(())?.map_or(0, |last| last.value());
        let next = last.checked_add(1);
        let next = next.ok_or(Fault::Versions)?;
        self.tables.version.insert((), next)?;
        Ok(next)
    }
}

/// The entries of `keys` as of one moment, or `None` where their values have more than `bytes_max`.
pub(super) fn read_all(
    database: &Database,
    now_ms: u64,
    store: &str,
    keys: &[String],
    bytes_max: u64,
) -> Result<Option<Vec<Option<Entry>>>, Fault> {
    let transaction = database.begin_read()?;
    let entries = match transaction.open_table(ENTRIES) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(Some(vec![None; keys.len()])),
        entries => entries?,
    };
    let read = |key: &str| -> Result<Option<Entry>, Fault> {
        let Some(bytes) = entries.get((store, key))? else {
            return Ok(None);
        };
        Ok(decode(store, key, bytes.value())?.entry(now_ms))
    };
    records::within(keys.iter().map(|key| read(key)), bytes_max)
}

pub(super) fn exists(
    database: &Database,
    now_ms: u64,
    store: &str,
    key: &str,
) -> Result<bool, Fault> {
    let transaction = database.begin_read()?;
    let entries = match transaction.open_table(ENTRIES) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(false),
        entries => entries?,
    };
    let Some(bytes) = entries.get((store, key))? else {
        return Ok(false);
    };
    let head = head(bytes.value()).ok_or_else(|| damaged(store, key))?;
    Ok(head.alive(now_ms))
}

pub(super) fn read_page(
    database: &Database,
    now_ms: u64,
    store: &str,
    prefix: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<Page, Fault> {
    let transaction = database.begin_read()?;
    let entries = match transaction.open_table(ENTRIES) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(Page::default()),
        entries => entries?,
    };
    let start = after.filter(|key| *key >= prefix).unwrap_or(prefix);
    let keys = entries
        .range((store, start)..)?
        .map(|item| {
            let (key, bytes) = item?;
            let (of_store, key) = key.value();
            // One that can't be read is listed, so that it can be found and deleted.
            let alive = head(bytes.value()).is_none_or(|head| head.alive(now_ms));
            Ok::<_, Fault>((of_store == store).then(|| (key.to_owned(), alive)))
        })
        // The range goes on into the next store.
        .map_while(Result::transpose)
        .filter(|item| !matches!(item, Ok((key, _)) if Some(key.as_str()) == after));
    records::page(keys, prefix, limit)
}

/// Version, expiry (0: none) and the metadata's length, little-endian; then metadata and value.
fn encode(record: &Record) -> Vec<u8> {
    let mut bytes =
        Vec::with_capacity(HEAD_BYTES as usize + record.metadata.len() + record.value.len());
    bytes.extend_from_slice(&record.version.to_le_bytes());
    bytes.extend_from_slice(&record.expires_at.unwrap_or(0).to_le_bytes());
    bytes.extend_from_slice(&(record.metadata.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&record.metadata);
    bytes.extend_from_slice(&record.value);
    bytes
}

/// A record whose metadata and value are left where they are: a list of keys reads no values.
struct Head<'a> {
    version: u64,
    expires_at: Option<u64>,
    metadata: &'a [u8],
    value: &'a [u8],
}

impl Head<'_> {
    fn alive(&self, now_ms: u64) -> bool {
        records::alive(self.expires_at, now_ms)
    }
}

/// `None` for bytes that are no whole record.
fn head(bytes: &[u8]) -> Option<Head<'_>> {
    let (version, bytes) = bytes.split_first_chunk::<8>()?;
    let (expires, bytes) = bytes.split_first_chunk::<8>()?;
    let (length, bytes) = bytes.split_first_chunk::<4>()?;
    let (metadata, value) = bytes.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let expires = u64::from_le_bytes(*expires);
    Some(Head {
        version: u64::from_le_bytes(*version),
        expires_at: (expires != 0).then_some(expires),
        metadata,
        value,
    })
}

fn damaged(store: &str, key: &str) -> Fault {
    Fault::Damaged {
        store: store.to_owned(),
        key: key.to_owned(),
    }
}

fn decode(store: &str, key: &str, bytes: &[u8]) -> Result<Record, Fault> {
    let head = head(bytes).ok_or_else(|| damaged(store, key))?;
    Ok(Record {
        version: head.version,
        expires_at: head.expires_at,
        metadata: head.metadata.to_vec(),
        value: head.value.to_vec(),
    })
}

/// Puts bytes where a record is due.
#[cfg(test)]
pub(super) fn damage(database: &Database, store: &str, key: &str) {
    let transaction = database.begin_write().unwrap();
    {
        let mut entries = transaction.open_table(ENTRIES).unwrap();
        entries.insert((store, key), b"short".as_slice()).unwrap();
    }
    transaction.commit().unwrap();
}
