use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::records::{self, EXPIRED_REMOVED, Record, Records};
use super::{Backend, Entry, Error, Page, Reply, SetOptions};

/// Stores in memory: gone with the process. Each write frees some of the keys that have expired.
#[derive(Default)]
pub struct Memory {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    version: u64,
    stores: HashMap<String, BTreeMap<String, Record>>,
    /// Every record that expires, by its time, store and key.
    expiring: BTreeSet<(u64, String, String)>,
}

impl Inner {
    fn remove_expired(&mut self, now_ms: u64) {
        for _ in 0..EXPIRED_REMOVED {
            let due = |(at, ..): &(u64, _, _)| !records::alive(Some(*at), now_ms);
            if !self.expiring.first().is_some_and(due) {
                break;
            }
            if let Some((_, store, key)) = self.expiring.pop_first()
                && let Some(records) = self.stores.get_mut(&store)
            {
                records.remove(&key);
            }
        }
    }
}

struct OneStore<'a> {
    inner: &'a mut Inner,
    name: &'a str,
}

impl OneStore<'_> {
    /// A record that is not there any more is not among those that expire.
    fn forget(&mut self, key: &str, record: Option<&Record>) {
        if let Some(at) = record.and_then(|record| record.expires_at) {
            let expiring = &mut self.inner.expiring;
            expiring.remove(&(at, self.name.to_owned(), key.to_owned()));
        }
    }
}

impl Records for OneStore<'_> {
    type Fault = Infallible;

    fn get(&self, key: &str) -> Result<Option<Record>, Infallible> {
        let records = self.inner.stores.get(self.name);
        Ok(records.and_then(|records| records.get(key)).cloned())
    }
    fn put(&mut self, key: &str, record: Record) -> Result<(), Infallible> {
        let expires_at = record.expires_at;
        let records = self.inner.stores.entry(self.name.to_owned()).or_default();
        let replaced = records.insert(key.to_owned(), record);
        self.forget(key, replaced.as_ref());
        if let Some(at) = expires_at {
            let entry = (at, self.name.to_owned(), key.to_owned());
            self.inner.expiring.insert(entry);
        }
        Ok(())
    }
    fn remove(&mut self, now_ms: u64, key: &str) -> Result<bool, Infallible> {
        let records = self.inner.stores.get_mut(self.name);
        let removed = records.and_then(|records| records.remove(key));
        self.forget(key, removed.as_ref());
        Ok(removed.is_some_and(|record| record.alive(now_ms)))
    }
    fn next_version(&mut self) -> Result<u64, Infallible> {
        self.inner.version += 1;
        Ok(self.inner.version)
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
        now_ms: u64,
        store: &str,
        step: impl FnOnce(&mut OneStore<'_>) -> Result<Result<T, Error>, Infallible>,
    ) -> Result<T, Error> {
        let mut inner = self.lock();
        let Ok(result) = step(&mut OneStore {
            inner: &mut inner,
            name: store,
        });
        inner.remove_expired(now_ms);
        result
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

    fn exists<'a>(&'a self, now_ms: u64, store: &'a str, key: &'a str) -> Reply<'a, bool> {
        let inner = self.lock();
        let found = inner.stores.get(store).and_then(|it| it.get(key));
        ready(Ok(found.is_some_and(|record| record.alive(now_ms))))
    }

    fn set<'a>(
        &'a self,
        now_ms: u64,
        store: &'a str,
        key: &'a str,
        value: Vec<u8>,
        options: SetOptions,
    ) -> Reply<'a, u64> {
        ready(self.step(now_ms, store, |records| {
            records::set(records, now_ms, key, value, options)
        }))
    }

    fn delete<'a>(&'a self, now_ms: u64, store: &'a str, key: &'a str) -> Reply<'a, bool> {
        ready(self.step(now_ms, store, |records| records.remove(now_ms, key).map(Ok)))
    }

    fn increment<'a>(
        &'a self,
        now_ms: u64,
        store: &'a str,
        key: &'a str,
        delta: i64,
        ttl_ms: Option<u64>,
    ) -> Reply<'a, i64> {
        ready(self.step(now_ms, store, |records| {
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
            .map(|(key, record)| Ok::<_, Infallible>((key.clone(), record.alive(now_ms))));
        let Ok(page) = records::page(keys, prefix, limit);
        ready(Ok(page))
    }
}
