//! Every backend of stores behaves the same: one suite over the trait, run for each of them.

#[path = "kv/atomic.rs"]
mod atomic;
#[path = "kv/cursors.rs"]
mod cursors;
#[path = "kv/files.rs"]
mod files;
#[path = "kv/full_disk.rs"]
mod full_disk;
#[path = "kv/kill.rs"]
mod kill;
#[path = "kv/lifetimes.rs"]
mod lifetimes;
#[path = "kv/process.rs"]
mod process;
#[path = "kv/values.rs"]
mod values;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use edgewit_host::kv::{Backend, Condition, Entry, Error, File, Memory, SetOptions};

use crate::support::run_on;

macro_rules! suite {
    ($backend:ident: $kind:expr) => {
        mod $backend {
            use super::*;
            cases! { $kind;
                atomic::a_conditional_set_is_one_step,
                atomic::a_key_that_one_creates_is_his,
                atomic::every_write_has_a_version_of_its_own,
                atomic::increments_are_one_step,
                atomic::increments_count_from_0_once_the_key_has_expired,
                atomic::many_keys_are_read_as_of_one_moment,
                atomic::the_key_expires_between_the_steps_of_increments,
                cursors::a_cursor_of_another_s_is_refused,
                cursors::a_cursor_stays_good_when_keys_come_and_go,
                cursors::keys_are_in_the_order_of_their_bytes_and_of_their_store,
                lifetimes::a_key_whose_time_has_come_is_absent_everywhere,
                lifetimes::a_version_is_never_used_twice,
                lifetimes::a_write_has_the_lifetime_that_it_asks_for,
                lifetimes::what_has_expired_is_removed_by_later_writes,
                lifetimes::what_is_acknowledged_is_there_when_opened_again,
                values::a_condition_holds_or_nothing_is_written,
                values::an_increment_keeps_what_it_finds,
                values::an_increment_that_fails_writes_nothing,
                values::what_exists_is_what_can_be_read,
                values::values_asked_for_together_have_a_limit,
                values::what_is_deleted_is_gone,
                values::what_is_written_is_read_in_the_order_asked,
            }
        }
    };
}

macro_rules! cases {
    ($kind:expr; $($part:ident::$case:ident,)*) => {
        $(#[test]
        fn $case() {
            run_case($kind, $part::$case);
        })*
    };
}

// A backend joins by its line here.
suite!(memory: Kind { open: |_| Arc::new(Memory::new()), lasting: false });
suite!(file: Kind { open: |folder| Arc::new(File::open(&folder.join("kv")).unwrap()), lasting: true });

/// How the suite gets at a backend.
struct Kind {
    /// Opens it with what it may have in a folder of its own.
    open: fn(&Path) -> Arc<dyn Backend>,
    /// Opened again, it has what it had.
    lasting: bool,
}

/// So many workers, for so many writers at once.
const WRITERS: usize = 8;
const STORE: &str = "s";

fn run_case<F: Future<Output = ()>>(kind: Kind, case: impl FnOnce(Stores) -> F) {
    let folder = tempfile::tempdir().unwrap();
    let stores = Stores {
        kv: (kind.open)(folder.path()),
        now_ms: Arc::new(AtomicU64::new(1_000_000)),
        kind: Arc::new(kind),
        folder: Arc::new(folder),
    };
    run_on(WRITERS, case(stores));
}

/// A backend and the clock that its calls are made at, which only the test moves.
#[derive(Clone)]
struct Stores {
    kv: Arc<dyn Backend>,
    now_ms: Arc<AtomicU64>,
    kind: Arc<Kind>,
    folder: Arc<tempfile::TempDir>,
}

fn options(condition: Condition, ttl_ms: Option<u64>) -> SetOptions {
    SetOptions {
        condition,
        ttl_ms,
        metadata: b"meta".to_vec(),
    }
}

impl Stores {
    fn now(&self) -> u64 {
        self.now_ms.load(SeqCst)
    }

    fn pass(&self, ms: u64) {
        self.now_ms.fetch_add(ms, SeqCst);
    }

    async fn set(&self, key: &str, value: &str) -> u64 {
        let set = self.set_if(Condition::Always, key, value, None);
        set.await.expect("a write")
    }

    async fn set_if(
        &self,
        condition: Condition,
        key: &str,
        value: &str,
        ttl_ms: Option<u64>,
    ) -> Result<u64, Error> {
        let (value, options) = (value.as_bytes().to_vec(), options(condition, ttl_ms));
        self.kv.set(self.now(), STORE, key, value, options).await
    }

    async fn entries(&self, keys: &[&str]) -> Vec<Option<Entry>> {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        let found = self.kv.get(self.now(), STORE, &keys, u64::MAX).await;
        found.expect("a read")
    }

    async fn entry(&self, key: &str) -> Option<Entry> {
        self.entries(&[key]).await.pop().flatten()
    }

    async fn value(&self, key: &str) -> Option<String> {
        let entry = self.entry(key).await?;
        Some(String::from_utf8(entry.value).expect("text"))
    }

    async fn exists(&self, key: &str) -> bool {
        let found = self.kv.exists(self.now(), STORE, key).await;
        found.expect("an answer")
    }

    async fn delete(&self, key: &str) -> bool {
        let deleted = self.kv.delete(self.now(), STORE, key).await;
        deleted.expect("a deletion")
    }

    async fn increment(&self, key: &str, delta: i64, ttl_ms: Option<u64>) -> Result<i64, Error> {
        let now = self.now();
        self.kv.increment(now, STORE, key, delta, ttl_ms).await
    }

    /// A page, as its keys and its cursor.
    async fn keys(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<(Vec<String>, Option<String>), Error> {
        let page = self.kv.keys(self.now(), STORE, prefix, cursor, limit);
        page.await.map(|page| (page.keys, page.cursor))
    }

    /// Closes it and opens it again.
    fn reopen(self) -> Self {
        let Self {
            kv, kind, folder, ..
        } = self;
        drop(kv);
        Self {
            kv: (kind.open)(folder.path()),
            now_ms: self.now_ms,
            kind,
            folder,
        }
    }
}
