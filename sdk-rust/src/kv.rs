//! Named stores of small values, shared by every request of the application.
//!
//! A write is seen by every later read, of this and of other requests. Source: `edge:sdk/kv`.

use std::borrow::Cow;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::{body, host};

/// Why a store refused. Source: `edge:sdk/kv#kv-error`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The application has been granted this store, but the host has none by that name.
    #[error("no such store")]
    NoSuchStore,
    /// The application has not been granted this store, or may only read it.
    #[error("denied")]
    Denied,
    /// Keys are 1 to 1024 bytes of UTF-8 without control characters; the text says what is wrong.
    #[error("invalid key: {0}")]
    InvalidKey(String),
    /// A lifetime or limit of 0, a cursor that is not the store's, metadata beyond 2048 bytes.
    #[error("invalid argument: {0}")]
    InvalidArgument(String),
    /// The most that a value, or the values of one `get_many` together, may hold, in bytes.
    #[error("value larger than {0} bytes")]
    ValueTooLarge(u64),
    /// A conditional write found another version.
    #[error("conflict: another version is there")]
    Conflict,
    /// `increment` found what is not a decimal integer.
    #[error("not a number")]
    NotANumber,
    /// `increment` would leave the range of `i64`; nothing was written.
    #[error("overflow")]
    Overflow,
    /// Worth trying again in a later request.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// Anything else, for a log. Trying again will not help.
    #[error("{0}")]
    Other(String),
}

/// A value and what the store knows of it. Source: `edge:sdk/kv#entry`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: Vec<u8>,
    /// Changes with every write of this key, and is never used twice for it.
    pub version: u64,
    /// What was written beside the value; empty where nothing was.
    pub metadata: Vec<u8>,
    /// How long it stays; `None` until it is replaced or deleted.
    pub expires_in: Option<Duration>,
}

impl Entry {
    /// The value as text; what is not UTF-8 is replaced by U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.value)
    }

    /// The value as JSON.
    /// Errors: `Json` if it is not UTF-8, not JSON or not a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, crate::Error> {
        body::from_json(&self.value)
    }
}

/// What must be there for a value to be written. Source: `edge:sdk/kv#condition`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// Anything or nothing.
    #[default]
    Always,
    /// Nothing.
    IfAbsent,
    /// This version.
    IfVersion(u64),
}

/// How a value is written. The default writes always, without metadata, to stay. Source: `edge:sdk/kv#set-options`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetOptions {
    /// What must be there.
    pub condition: Condition,
    /// How long the value stays, in whole milliseconds, rounded up; `None` until it is replaced or deleted.
    pub ttl: Option<Duration>,
    /// Bytes beside the value, 2048 at most.
    pub metadata: Vec<u8>,
}

/// Some of the keys of a store. Source: `edge:sdk/kv#page`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// In the order of their bytes.
    pub keys: Vec<String>,
    /// What to hand to the next call; `None` on the last page.
    pub cursor: Option<String>,
}

/// An open store. Dropping it closes it.
///
/// A key is text: one that is not UTF-8 does not compile.
///
/// ```compile_fail,E0308
/// fn get(store: &edgewit::kv::Store) -> Result<bool, edgewit::kv::Error> {
///     store.exists(b"\xff")
/// }
/// ```
#[derive(Debug)]
pub struct Store(host::Store);

/// Opens the store `name`.
/// Errors: `Denied` if the application has not been granted it, `NoSuchStore` if the host has none by that name.
/// Source: `edge:sdk/kv#open`.
pub fn open(name: &str) -> Result<Store, Error> {
    host::Store::open(name).map(Store)
}

impl Store {
    /// The entry at `key`; `None` if there is none.
    /// Errors: `InvalidKey`, `Unavailable`, `Other`.
    /// Source: `edge:sdk/kv#store.get`.
    pub fn get(&self, key: &str) -> Result<Option<Entry>, Error> {
        self.0.get(key)
    }

    /// The entries at `keys`, in the order asked, all as of one moment; 1000 keys at most.
    /// Errors: `InvalidArgument` for more keys, `ValueTooLarge` if the values exceed the limit of one in all; those of
    /// [`get`](Store::get).
    /// Source: `edge:sdk/kv#store.get-many`.
    pub fn get_many<K: AsRef<str>>(&self, keys: &[K]) -> Result<Vec<Option<Entry>>, Error> {
        let keys: Vec<String> = keys.iter().map(|key| key.as_ref().to_owned()).collect();
        self.0.get_many(&keys)
    }

    /// Writes `value` at `key`, to stay, and returns its version.
    /// Errors: `Denied` if the store may only be read, `InvalidKey`, `ValueTooLarge`, `Unavailable`, `Other`.
    /// Source: `edge:sdk/kv#store.set`.
    pub fn set(&self, key: &str, value: impl AsRef<[u8]>) -> Result<u64, Error> {
        self.set_with(key, value, SetOptions::default())
    }

    /// Writes `value` at `key` as `options` say, and returns its version.
    /// Errors: `Conflict` if the condition is not met, `InvalidArgument` for a lifetime of 0 or too much metadata; those of
    /// [`set`](Store::set).
    /// Source: `edge:sdk/kv#store.set`.
    pub fn set_with(
        &self,
        key: &str,
        value: impl AsRef<[u8]>,
        options: SetOptions,
    ) -> Result<u64, Error> {
        self.0.set(key, value.as_ref(), options)
    }

    /// Deletes what is at `key`, and returns whether there was something.
    /// Errors: `Denied` if the store may only be read, `InvalidKey`, `Unavailable`, `Other`.
    /// Source: `edge:sdk/kv#store.delete`.
    pub fn delete(&self, key: &str) -> Result<bool, Error> {
        self.0.delete(key)
    }

    /// Whether something is at `key`.
    /// Errors: as [`get`](Store::get).
    /// Source: `edge:sdk/kv#store.exists`.
    pub fn exists(&self, key: &str) -> Result<bool, Error> {
        self.0.exists(key)
    }

    /// Adds `delta` to the integer at `key` in one atomic step and returns the new value.
    /// The value is decimal ASCII, at most 20 bytes; a missing key counts from 0.
    /// Errors: `NotANumber` if the bytes do not parse, `Overflow` past the range of `i64`, and nothing is written then;
    /// those of [`set`](Store::set).
    /// Source: `edge:sdk/kv#store.increment`.
    pub fn increment(&self, key: &str, delta: i64) -> Result<i64, Error> {
        self.0.increment(key, delta, None)
    }

    /// As [`increment`](Store::increment); if this creates the key, the value stays for `ttl`, in whole milliseconds,
    /// rounded up.
    /// Errors: `InvalidArgument` for a lifetime of 0; those of [`increment`](Store::increment).
    /// Source: `edge:sdk/kv#store.increment`.
    pub fn increment_with_ttl(&self, key: &str, delta: i64, ttl: Duration) -> Result<i64, Error> {
        self.0.increment(key, delta, Some(milliseconds(ttl)))
    }

    /// The keys that begin with `prefix`, at most `limit` of them, 1000 at most, after `cursor`, which is the one of the
    /// page before. A cursor stays good when keys come and go. While a page has a cursor there may be more, however few
    /// keys it has itself, even none.
    /// Errors: `InvalidArgument` for a limit of 0 or a cursor that is not the store's, `Unavailable`, `Other`.
    /// Source: `edge:sdk/kv#store.keys`.
    pub fn keys(&self, prefix: &str, cursor: Option<&str>, limit: u32) -> Result<Page, Error> {
        self.0.keys(prefix, cursor, limit)
    }
}

/// Rounded up, so that only a lifetime of 0 is one of 0.
pub(crate) fn milliseconds(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
