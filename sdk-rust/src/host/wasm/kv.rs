//! `edge:sdk/kv`.

use std::time::Duration;

use super::wit::kv as wit;
use crate::kv::{Condition, Entry, Error, Page, SetOptions, milliseconds};

#[derive(Debug)]
pub(crate) struct Store(wit::Store);

impl Store {
    pub(crate) fn open(name: &str) -> Result<Store, Error> {
        wit::open(name).map(Store).map_err(lift)
    }

    pub(crate) fn get(&self, key: &str) -> Result<Option<Entry>, Error> {
        Ok(self.0.get(key).map_err(lift)?.map(entry))
    }

    pub(crate) fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Entry>>, Error> {
        let entries = self.0.get_many(keys).map_err(lift)?;
        Ok(entries.into_iter().map(|found| found.map(entry)).collect())
    }

    pub(crate) fn set(&self, key: &str, value: &[u8], options: SetOptions) -> Result<u64, Error> {
        let options = wit::SetOptions {
            condition: match options.condition {
                Condition::Always => wit::Condition::Always,
                Condition::IfAbsent => wit::Condition::IfAbsent,
                Condition::IfVersion(version) => wit::Condition::IfVersion(version),
            },
            ttl_ms: options.ttl.map(milliseconds),
            metadata: options.metadata,
        };
        self.0.set(key, value, &options).map_err(lift)
    }

    pub(crate) fn delete(&self, key: &str) -> Result<bool, Error> {
        self.0.delete(key).map_err(lift)
    }

    pub(crate) fn exists(&self, key: &str) -> Result<bool, Error> {
        self.0.exists(key).map_err(lift)
    }

    pub(crate) fn increment(
        &self,
        key: &str,
        delta: i64,
        ttl_ms: Option<u64>,
    ) -> Result<i64, Error> {
        self.0.increment(key, delta, ttl_ms).map_err(lift)
    }

    pub(crate) fn keys(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page, Error> {
        let page = self.0.keys(prefix, cursor, limit).map_err(lift)?;
        Ok(Page {
            keys: page.keys,
            cursor: page.cursor,
        })
    }
}

fn entry(entry: wit::Entry) -> Entry {
    Entry {
        value: entry.value,
        version: entry.version,
        metadata: entry.metadata,
        expires_in: entry.expires_in_ms.map(Duration::from_millis),
    }
}

fn lift(error: wit::KvError) -> Error {
    match error {
        wit::KvError::NoSuchStore => Error::NoSuchStore,
        wit::KvError::Denied => Error::Denied,
        wit::KvError::InvalidKey(text) => Error::InvalidKey(text),
        wit::KvError::InvalidArgument(text) => Error::InvalidArgument(text),
        wit::KvError::ValueTooLarge(limit) => Error::ValueTooLarge(limit),
        wit::KvError::Conflict => Error::Conflict,
        wit::KvError::NotANumber => Error::NotANumber,
        wit::KvError::Overflow => Error::Overflow,
        wit::KvError::Unavailable(text) => Error::Unavailable(text),
        wit::KvError::Other(text) => Error::Other(text),
    }
}
