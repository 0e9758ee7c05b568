//! Stores in memory. Every name is a store, and what a host refuses is refused.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use super::{later, monotonic};
use crate::kv::{Condition, Entry, Error, Page, SetOptions, milliseconds};

const VALUE_BYTES_MAX: usize = 25 * 1024 * 1024;
const METADATA_BYTES_MAX: usize = 2048;
const KEYS_MAX: usize = 1000;

struct Item {
    value: Vec<u8>,
    version: u64,
    metadata: Vec<u8>,
    /// On the monotonic clock.
    expires: Option<u64>,
}

type Items = BTreeMap<String, Item>;

#[derive(Default)]
struct Stores {
    stores: BTreeMap<String, Items>,
    version: u64,
}

thread_local! {
    static STORES: RefCell<Stores> = RefCell::default();
}

#[derive(Debug)]
pub(crate) struct Store(String);

impl Store {
    pub(crate) fn open(name: &str) -> Result<Store, Error> {
        Ok(Store(name.to_owned()))
    }

    /// Gives the store's items, without those that have expired, and the version of the next write.
    fn with<T>(&self, f: impl FnOnce(&mut Items, u64) -> Result<T, Error>) -> Result<T, Error> {
        STORES.with_borrow_mut(|all| {
            all.version += 1;
            let items = all.stores.entry(self.0.clone()).or_default();
            let now = monotonic();
            items.retain(|_, item| item.expires.is_none_or(|expires| expires > now));
            f(items, all.version)
        })
    }

    pub(crate) fn get(&self, key: &str) -> Result<Option<Entry>, Error> {
        check_key(key)?;
        self.with(|items, _| Ok(items.get(key).map(entry)))
    }

    pub(crate) fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Entry>>, Error> {
        if keys.len() > KEYS_MAX {
            return Err(invalid("more than 1000 keys"));
        }
        keys.iter().try_for_each(|key| check_key(key))?;
        let entries: Vec<_> = self.with(|items, _| {
            let get = |key| items.get(key).map(entry);
            Ok(keys.iter().map(get).collect())
        })?;
        let bytes = entries
            .iter()
            .flatten()
            .map(|entry: &Entry| entry.value.len());
        check_value(bytes.sum())?;
        Ok(entries)
    }

    pub(crate) fn set(&self, key: &str, value: &[u8], options: SetOptions) -> Result<u64, Error> {
        check_key(key)?;
        check_value(value.len())?;
        if options.metadata.len() > METADATA_BYTES_MAX {
            return Err(invalid("metadata beyond 2048 bytes"));
        }
        let expires = expiry(options.ttl.map(milliseconds))?;
        self.with(|items, version| {
            let found = items.get(key).map(|item| item.version);
            match options.condition {
                Condition::IfAbsent if found.is_some() => return Err(Error::Conflict),
                Condition::IfVersion(wanted) if found != Some(wanted) => {
                    return Err(Error::Conflict);
                }
                _ => {}
            }
            let item = Item {
                value: value.to_owned(),
                version,
                metadata: options.metadata,
                expires,
            };
            items.insert(key.to_owned(), item);
            Ok(version)
        })
    }

    pub(crate) fn delete(&self, key: &str) -> Result<bool, Error> {
        check_key(key)?;
        self.with(|items, _| Ok(items.remove(key).is_some()))
    }

    pub(crate) fn exists(&self, key: &str) -> Result<bool, Error> {
        check_key(key)?;
        self.with(|items, _| Ok(items.contains_key(key)))
    }

    pub(crate) fn increment(
        &self,
        key: &str,
        delta: i64,
        ttl_ms: Option<u64>,
    ) -> Result<i64, Error> {
        check_key(key)?;
        let expires = expiry(ttl_ms)?;
        self.with(|items, version| {
            let item = items.entry(key.to_owned());
            let old = match &item {
                std::collections::btree_map::Entry::Vacant(_) => 0,
                std::collections::btree_map::Entry::Occupied(item) => number(&item.get().value)?,
            };
            let sum = old.checked_add(delta).ok_or(Error::Overflow)?;
            let item = item.or_insert_with(|| Item {
                value: Vec::new(),
                version,
                metadata: Vec::new(),
                expires,
            });
            item.value = sum.to_string().into_bytes();
            item.version = version;
            Ok(sum)
        })
    }

    pub(crate) fn keys(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page, Error> {
        let limit = usize::try_from(limit).unwrap_or(KEYS_MAX).min(KEYS_MAX);
        if limit == 0 {
            return Err(invalid("a limit of 0"));
        }
        if cursor.is_some_and(|cursor| !cursor.starts_with(prefix)) {
            return Err(invalid("a cursor that is not the store's"));
        }
        self.with(|items, _| {
            let after = |key: &&String| cursor.is_none_or(|cursor| key.as_str() > cursor);
            let mut found = items
                .keys()
                .filter(|key| key.starts_with(prefix))
                .filter(after);
            let keys: Vec<String> = found.by_ref().take(limit).cloned().collect();
            let cursor = found.next().and(keys.last().cloned());
            Ok(Page { keys, cursor })
        })
    }
}

fn invalid(text: &str) -> Error {
    Error::InvalidArgument(text.into())
}

fn check_key(key: &str) -> Result<(), Error> {
    let wrong = match key.len() {
        0 => "it is empty",
        1025.. => "it is longer than 1024 bytes",
        _ if key.chars().any(char::is_control) => "it holds a control character",
        _ => return Ok(()),
    };
    Err(Error::InvalidKey(wrong.into()))
}

fn check_value(bytes: usize) -> Result<(), Error> {
    if bytes > VALUE_BYTES_MAX {
        return Err(Error::ValueTooLarge(VALUE_BYTES_MAX as u64));
    }
    Ok(())
}

fn expiry(ttl_ms: Option<u64>) -> Result<Option<u64>, Error> {
    match ttl_ms {
        Some(0) => Err(invalid("a lifetime of 0")),
        // What no clock can hold stays for ever.
        Some(ttl) => Ok(later(Duration::from_millis(ttl))),
        None => Ok(None),
    }
}

/// Reads what `increment` writes, and nothing else.
fn number(value: &[u8]) -> Result<i64, Error> {
    let text = str::from_utf8(value).map_err(|_| Error::NotANumber)?;
    let number: i64 = text.parse().map_err(|_| Error::NotANumber)?;
    if number.to_string() == text {
        Ok(number)
    } else {
        Err(Error::NotANumber)
    }
}

fn entry(item: &Item) -> Entry {
    let left = |expires: u64| Duration::from_nanos(expires.saturating_sub(monotonic()));
    Entry {
        value: item.value.clone(),
        version: item.version,
        metadata: item.metadata.clone(),
        expires_in: item.expires.map(left),
    }
}
