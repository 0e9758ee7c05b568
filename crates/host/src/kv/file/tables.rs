//! The tables of the database, and a record's bytes in them.

use redb::{Database, ReadableDatabase, ReadableTable, Table, TableDefinition, TableError};

use super::fault::Fault;
use crate::kv::records::{self, Record, Records};
use crate::kv::{Entry, Page};

/// By store and key, in the order of their bytes.
const ENTRIES: TableDefinition<(&str, &str), &[u8]> = TableDefinition::new("entries");
/// The last version given out, under the key `()`.
const VERSION: TableDefinition<(), u64> = TableDefinition::new("version");

/// What a record may have, its metadata included: redb takes 3 GiB, and the head needs its share.
pub(super) const RECORD_BYTES_MAX: u64 = (3 << 30) - HEAD_BYTES;
const HEAD_BYTES: u64 = 20;

/// Both tables within one write transaction.
pub(super) struct Tables<'t> {
    entries: Table<'t, (&'static str, &'static str), &'static [u8]>,
    version: Table<'t, (), u64>,
}

impl<'t> Tables<'t> {
    pub(super) fn open(transaction: &'t redb::WriteTransaction) -> Result<Self, Fault> {
        Ok(Self {
            entries: transaction.open_table(ENTRIES)?,
            version: transaction.open_table(VERSION)?,
        })
    }

    pub(super) fn store<'a>(&'a mut self, name: &'a str) -> OneStore<'a, 't> {
        OneStore { tables: self, name }
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
        found.map(|bytes| decode(bytes.value())).transpose()
    }
    fn put(&mut self, key: &str, record: Record) -> Result<(), Fault> {
        self.tables
            .entries
            .insert((self.name, key), encode(&record).as_slice())?;
        Ok(())
    }
    fn remove(&mut self, key: &str) -> Result<(), Fault> {
        self.tables.entries.remove((self.name, key))?;
        Ok(())
    }
    fn next_version(&mut self) -> Result<u64, Fault> {
        let last = self.tables.version.get(())?.map_or(0, |last| last.value());
        let next = last.checked_add(1);
        let next = next.ok_or(Fault::Damaged("the last version is beyond all versions"))?;
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
        Ok(decode(bytes.value())?.entry(now_ms))
    };
    records::within(keys.iter().map(|key| read(key)), bytes_max)
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
            let alive = head(bytes.value())?.alive(now_ms);
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

fn head(bytes: &[u8]) -> Result<Head<'_>, Fault> {
    let read = || {
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
    };
    read().ok_or(Fault::Damaged("a record is cut short"))
}

fn decode(bytes: &[u8]) -> Result<Record, Fault> {
    let head = head(bytes)?;
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
