use std::collections::BTreeMap;

use super::memory::Memory;
use super::{Backend, Condition, Entry, Error, Page, Reply, SetOptions};

/// A read-only store: configuration and secrets, the same for every request.
pub(crate) struct Fixed {
    memory: Memory,
}

impl Fixed {
    /// A memory that was written once, before anyone could read it.
    pub(crate) async fn new(store: &str, values: BTreeMap<String, String>) -> Self {
        let memory = Memory::new();
        for (key, value) in values {
            let options = SetOptions {
                condition: Condition::Always,
                ttl_ms: None,
                metadata: Vec::new(),
            };
            // Memory refuses no unconditional write.
            let _ = memory
                .set(0, store, &key, value.into_bytes(), options)
                .await;
        }
        Self { memory }
    }
}

fn denied<'a, T: Send + 'a>() -> Reply<'a, T> {
    Box::pin(std::future::ready(Err(Error::Denied)))
}

impl Backend for Fixed {
    fn get<'a>(
        &'a self,
        now_ms: u64,
        store: &'a str,
        keys: &'a [String],
        bytes_max: u64,
    ) -> Reply<'a, Vec<Option<Entry>>> {
        self.memory.get(now_ms, store, keys, bytes_max)
    }

    fn exists<'a>(&'a self, now_ms: u64, store: &'a str, key: &'a str) -> Reply<'a, bool> {
        self.memory.exists(now_ms, store, key)
    }

    fn set<'a>(
        &'a self,
        _: u64,
        _: &'a str,
        _: &'a str,
        _: Vec<u8>,
        _: SetOptions,
    ) -> Reply<'a, u64> {
        denied()
    }

    fn delete<'a>(&'a self, _: u64, _: &'a str, _: &'a str) -> Reply<'a, bool> {
        denied()
    }

    fn increment<'a>(
        &'a self,
        _: u64,
        _: &'a str,
        _: &'a str,
        _: i64,
        _: Option<u64>,
    ) -> Reply<'a, i64> {
        denied()
    }

    fn keys<'a>(
        &'a self,
        now_ms: u64,
        store: &'a str,
        prefix: &'a str,
        cursor: Option<&'a str>,
        limit: u32,
    ) -> Reply<'a, Page> {
        self.memory.keys(now_ms, store, prefix, cursor, limit)
    }
}
