//! Key-value stores: the trait that a backend implements, and the backends of this crate.
//!
//! A backend keeps what it is given: names, sizes and rights were checked by the host before a call
//! reaches it. Time is handed in with each call, so that a test decides when a key expires.

mod error;
mod file;
mod fixed;
mod memory;
mod records;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use crate::bindings::{Condition, Entry, KvError as Error, Page, SetOptions};
pub use file::{File, OpenError};
pub use memory::Memory;

pub(crate) use fixed::Fixed;

/// A key's length in bytes, at the most.
const KEY_BYTES_MAX: usize = 1024;

/// Whether `key` may name an entry: 1 to 1024 bytes without control characters.
/// Errors: `InvalidKey`, with what is wrong. Source: `edge:sdk/kv#kv-error`.
pub fn check_key(key: &str) -> Result<(), Error> {
    let reason = if key.is_empty() {
        "an empty key".to_owned()
    } else if key.len() > KEY_BYTES_MAX {
        format!("{} bytes, at most {KEY_BYTES_MAX}", key.len())
    } else if let Some(control) = key.chars().find(|c| c.is_control()) {
        format!("holds the control character {control:?}")
    } else {
        return Ok(());
    };
    Err(Error::InvalidKey(reason))
}

/// What a backend's method returns.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// A place where stores are kept. Each call is one atomic step.
///
/// `now_ms` is milliseconds since 1970 in UTC: a key whose time has come is absent for every method. What it
/// took is free once it was removed by a later write, whichever its key: each removes some.
/// Errors: `Unavailable` where trying again later may help, else `Other`; besides those only what
/// each method names. Source: `edge:sdk/kv`.
pub trait Backend: Send + Sync + 'static {
    /// The entries of `keys`, in that order, all as of one moment.
    /// Errors: `ValueTooLarge` if their values have more than `bytes_max` together, found before more
    /// than that is held: a large value can be asked for many times in one call.
    fn get<'a>(
        &'a self,
        now_ms: u64,
        store: &'a str,
        keys: &'a [String],
        bytes_max: u64,
    ) -> Reply<'a, Vec<Option<Entry>>>;

    /// Whether there is such a key. Its value is not copied.
    fn exists<'a>(&'a self, now_ms: u64, store: &'a str, key: &'a str) -> Reply<'a, bool>;

    /// Writes one key and returns its new version, which no earlier write of this key had.
    /// Errors: `Conflict` if the condition does not hold; nothing was written.
    fn set<'a>(
        &'a self,
        now_ms: u64,
        store: &'a str,
        key: &'a str,
        value: Vec<u8>,
        options: SetOptions,
    ) -> Reply<'a, u64>;

    /// Whether there was something to delete.
    fn delete<'a>(&'a self, now_ms: u64, store: &'a str, key: &'a str) -> Reply<'a, bool>;

    /// Adds to a decimal integer, absent counting as 0, and returns the sum. `ttl_ms` applies where
    /// this creates the key.
    /// Errors: `NotANumber`, `Overflow`; nothing was written.
    fn increment<'a>(
        &'a self,
        now_ms: u64,
        store: &'a str,
        key: &'a str,
        delta: i64,
        ttl_ms: Option<u64>,
    ) -> Reply<'a, i64>;

    /// At most `limit` keys that begin with `prefix`, in the order of their bytes, after `cursor`; there may be fewer
    /// on a page that is not the last, where many have expired. A key whose record can't be read is one of them.
    /// Errors: `InvalidArgument` if the cursor is none of this backend's.
    fn keys<'a>(
        &'a self,
        now_ms: u64,
        store: &'a str,
        prefix: &'a str,
        cursor: Option<&'a str>,
        limit: u32,
    ) -> Reply<'a, Page>;
}

/// The resource `store`: a granted store that was opened.
#[derive(Clone)]
pub struct Store {
    pub(crate) name: Arc<str>,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) read_only: bool,
}
