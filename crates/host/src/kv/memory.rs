use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::records::{self, Record, Records};
use super::{Backend, Entry, Error, Page, Reply, SetOptions};

/// Stores in memory: gone with the process.
#[derive(Default)]
pub struct Memory {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    version: u64,
    stores: HashMap<String, BTreeMap<String, Record>>,
}

struct OneStore<'a> {
    version: &'a mut u64,
    records: &'a mut BTreeMap<String, Record>,
}

impl Records for OneStore<'_> {
    type Fault = Infallible;

    fn get(&self, key: &str) -> Result<Option<Record>, Infallible> {
        Ok(self.records.get(key).cloned())
    }
    fn put(&mut self, key: &str, record: Record) -> Result<(), Infallible> {
        self.records.insert(key.to_owned(), record);
        Ok(())
    }
    fn remove(&mut self, key: &str) -> Result<(), Infallible> {
        self.records.remove(key);
        Ok(())
    }
    fn next_version(&mut self) -> Result<u64, Infallible> {
        *self.version += 1;
        Ok(*self.version)
    }
}

impl Memory {
    /// No stores; each comes to be with its first key.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while the lock is held; were it to, each record would still be whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step<T>(
        &self,
        store: &str,
        step: impl FnOnce(&mut OneStore<'_>) -> Result<Result<T, Error>, Infallible>,
    ) -> Result<T, Error> {
        let mut inner = self.lock();
        let Inner { version, stores } = &mut *inner;
        if !stores.contains_key(store) {
            stores.insert(store.to_owned(), BTreeMap::new());
        }
        match stores.get_mut(store) {
            Some(records) => {
                let Ok(result) = step(&mut OneStore { version, records });
                result
            }
            None => Err(Error::NoSuchStore),
        }
    }
}

fn ready<'a, T: Send + 'a>(result: Result<T, Error>) -> Reply<'a, T> {
    Box::pin(std::future::ready(result))
}

impl Backend for Memory {
    fn get<'a>(
        &'a self,
        now_ms: u64,
        store: &'a str,
        keys: &'a [String],
        bytes_max: u64,
    ) -> Reply<'a, Vec<Option<Entry>>> {
        let inner = self.lock();
        let records = inner.stores.get(store);
        let entry = |key: &String| records?.get(key)?.clone().entry(now_ms);
        let entries = keys.iter().map(|key| Ok::<_, Infallible>(entry(key)));
        let Ok(found) = records::within(entries, bytes_max);
        ready(found.ok_or(Error::ValueTooLarge(bytes_max)))
    }

    fn set<'a>(
        &'a self,
        now_ms: u64,
        store: &'a str,
        key: &'a str,
        value: Vec<u8>,
        options: SetOptions,
    ) -> Reply<'a, u64> {
        ready(self.step(store, |records| {
            records::set(records, now_ms, key, value, options)
        }))
    }

    fn delete<'a>(&'a self, now_ms: u64, store: &'a str, key: &'a str) -> Reply<'a, bool> {
        ready(self.step(store, |records| records::delete(records, now_ms, key)))
    }

    fn increment<'a>(
        &'a self,
        now_ms: u64,
        store: &'a str,
        key: &'a str,
        delta: i64,
        ttl_ms: Option<u64>,
    ) -> Reply<'a, i64> {
        ready(self.step(store, |records| {
            records::increment(records, now_ms, key, delta, ttl_ms)
        }))
    }

    fn keys<'a>(
        &'a self,
        now_ms: u64,
        store: &'a str,
        prefix: &'a str,
        cursor: Option<&'a str>,
        limit: u32,
    ) -> Reply<'a, Page> {
        let after = match records::cursor_key(cursor) {
            Ok(after) => after,
            Err(error) => return ready(Err(error)),
        };
        let start = match after {
            Some(key) if key >= prefix => Bound::Excluded(key),
            _ => Bound::Included(prefix),
        };
        let inner = self.lock();
        let Some(store) = inner.stores.get(store) else {
            return ready(Ok(Page::default()));
        };
        let keys = store
            .range::<str, _>((start, Bound::Unbounded))
            .map(|(key, record)| {
                Ok::<_, Infallible>((key.clone(), records::alive(record.expires_at, now_ms)))
            });
        let Ok(page) = records::page(keys, prefix, limit);
        ready(Ok(page))
    }
}
