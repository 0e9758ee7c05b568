//! Faults of the disk at the moments that a test chooses.

mod medium;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use self::medium::{Faults, Faulty};
use super::File;
use super::disk::{Disk, Medium};
use crate::kv::{Backend, Condition, Error, SetOptions};

/// No test takes this long; one that hangs does.
const HANG: Duration = Duration::from_secs(60);
const NOW: u64 = 1_000_000;

/// Runs a test on one thread, where a call that blocked would let nothing else go on.
fn run(test: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().build().unwrap();
    let done = runtime.block_on(async { tokio::time::timeout(HANG, test).await });
    done.expect("an end within a minute");
}

struct Stores {
    kv: File,
    faults: Arc<Faults>,
    /// Removed at the end.
    _folder: tempfile::TempDir,
}

fn stores() -> Stores {
    let folder = tempfile::tempdir().unwrap();
    let medium = Faulty {
        path: folder.path().join("kv"),
        faults: Arc::default(),
    };
    let database = medium.database().unwrap();
    Stores {
        faults: medium.faults.clone(),
        kv: File::on(medium, database).unwrap(),
        _folder: folder,
    }
}

/// A test that failed at a closed gate would else hang when the file is dropped.
impl Drop for Stores {
    fn drop(&mut self) {
        self.faults.sync.open();
        self.faults.read.open();
    }
}

impl Stores {
    async fn set(&self, key: &str, value: &str) -> Result<u64, Error> {
        let options = SetOptions {
            condition: Condition::Always,
            ttl_ms: None,
            metadata: Vec::new(),
        };
        let value = value.as_bytes().to_vec();
        self.kv.set(NOW, "s", key, value, options).await
    }

    async fn get(&self, key: &str) -> Result<Option<String>, Error> {
        let keys = [key.to_owned()];
        let found = self.kv.get(NOW, "s", &keys, u64::MAX).await?;
        let entry = found.into_iter().next().flatten();
        Ok(entry.map(|entry| String::from_utf8(entry.value).unwrap()))
    }

    async fn keys(&self) -> Result<Vec<String>, Error> {
        let page = self.kv.keys(NOW, "s", "", None, 1000).await?;
        Ok(page.keys)
    }
}

fn unavailable<T: std::fmt::Debug>(result: Result<T, Error>, reason: &str) {
    match result {
        Err(Error::Unavailable(text)) => assert!(text.contains(reason), "{text}"),
        other => panic!("unavailable is due: {other:?}"),
    }
}

#[test]
fn a_full_disk_is_unavailable_until_there_is_room() {
    run(async {
        let stores = stores();
        let version = stores.set("a", "1").await.unwrap();
        stores.faults.full.store(true, SeqCst);
        for _ in 0..3 {
            unavailable(stores.set("a", "2").await, "the file of stores");
            let sum = stores.kv.increment(NOW, "s", "n", 1, None).await;
            unavailable(sum, "no room on the disk");
            // What was acknowledged can be read, and nothing else.
            assert_eq!(stores.get("a").await.unwrap().unwrap(), "1");
            assert_eq!(stores.keys().await.unwrap(), ["a"]);
        }
        stores.faults.full.store(false, SeqCst);
        assert!(stores.set("a", "3").await.unwrap() > version);
        assert_eq!(stores.get("a").await.unwrap().unwrap(), "3");
        let sum = stores.kv.increment(NOW, "s", "n", 1, None).await;
        assert_eq!(sum.unwrap(), 1);
    });
}

/// Opening it again reads all of it.
#[test]
fn a_full_disk_does_not_open_the_file_again_with_each_write() {
    run(async {
        let stores = stores();
        stores.faults.full.store(true, SeqCst);
        unavailable(stores.set("a", "1").await, "");
        for _ in 0..10 {
            unavailable(stores.set("a", "1").await, "no room on the disk");
        }
        assert_eq!(stores.keys().await.unwrap(), [""; 0]);
        assert_eq!(stores.faults.opened.load(SeqCst), 1);
    });
}

#[test]
fn a_read_that_failed_is_tried_on_the_file_opened_again() {
    run(async {
        let stores = stores();
        stores.set("a", "1").await.unwrap();
        for _ in 0..2 {
            stores.faults.unreadable.store(1, SeqCst);
            assert_eq!(stores.get("a").await.unwrap().unwrap(), "1");
            stores.faults.unreadable.store(1, SeqCst);
            assert_eq!(stores.keys().await.unwrap(), ["a"]);
        }
        assert_eq!(stores.faults.opened.load(SeqCst), 4);
        stores.faults.unreadable.store(usize::MAX, SeqCst);
        unavailable(stores.get("a").await, "a bad sector");
        unavailable(stores.set("a", "2").await, "a bad sector");
        stores.faults.unreadable.store(0, SeqCst);
        assert_eq!(stores.get("a").await.unwrap().unwrap(), "1");
        stores.set("a", "3").await.unwrap();
    });
}

/// By the next call, whichever it is.
#[test]
fn a_file_that_can_be_opened_again_is() {
    run(async {
        for read in [false, true] {
            let stores = stores();
            stores.set("a", "1").await.unwrap();
            stores.faults.away.store(true, SeqCst);
            stores.faults.full.store(true, SeqCst);
            unavailable(stores.set("a", "2").await, "");
            stores.faults.full.store(false, SeqCst);
            for _ in 0..3 {
                unavailable(stores.get("a").await, "not found");
                unavailable(stores.keys().await, "not found");
                unavailable(stores.set("a", "2").await, "not found");
            }
            stores.faults.away.store(false, SeqCst);
            if read {
                assert_eq!(stores.get("a").await.unwrap().unwrap(), "1");
            }
            stores.set("a", "3").await.unwrap();
            assert_eq!(stores.get("a").await.unwrap().unwrap(), "3");
        }
    });
}

/// An empty one in the place of a file that has gone would have lost everything.
#[test]
fn no_file_is_made_where_one_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk {
        path: folder.path().join("kv"),
    };
    assert!(disk.open().is_err());
    assert!(!disk.path.exists());
    std::fs::write(&disk.path, "").unwrap();
    assert!(disk.open().is_err());
    std::fs::remove_file(&disk.path).unwrap();
    drop(disk.create().unwrap());
    drop(disk.open().unwrap());
}

#[test]
fn room_is_asked_for_and_left() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk {
        path: folder.path().join("kv"),
    };
    assert!(disk.has_room(1));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// A worker thread that read would else stand still as long as a disk takes for a sync.
#[test]
fn a_write_waits_for_the_disk_and_a_read_for_no_write() {
    run(async {
        let stores = stores();
        stores.set("a", "1").await.unwrap();
        stores.faults.sync.close();
        let write = stores.set("a", "2");
        tokio::pin!(write);
        assert!(futures_util::poll!(&mut write).is_pending());
        stores.faults.sync.reached();
        assert_eq!(stores.get("a").await.unwrap().unwrap(), "1");
        assert_eq!(stores.keys().await.unwrap(), ["a"]);
        assert!(futures_util::poll!(&mut write).is_pending());
        stores.faults.sync.open();
        write.await.unwrap();
        assert_eq!(stores.get("a").await.unwrap().unwrap(), "2");
    });
}

/// It reads as much as there is to pass over, and the test has one thread.
#[test]
fn a_list_of_keys_holds_up_no_thread() {
    run(async {
        let stores = stores();
        stores.set("a", "1").await.unwrap();
        stores.faults.read.close();
        let keys = stores.keys();
        tokio::pin!(keys);
        assert!(futures_util::poll!(&mut keys).is_pending());
        stores.faults.read.reached();
        stores.faults.read.open();
        assert_eq!(keys.await.unwrap(), ["a"]);
    });
}

/// The writes that share a commit, or a read, with it are none the worse.
#[test]
fn a_damaged_record_is_one_key_s_error() {
    run(async {
        let stores = stores();
        stores.set("a", "1").await.unwrap();
        let kv = &stores.kv;
        super::tables::damage(kv.slot.read().await.as_ref().unwrap(), "s", "bad");
        // The first stands in its commit until the others wait behind it, for one commit together.
        stores.faults.sync.close();
        let first = stores.set("a", "2");
        tokio::pin!(first);
        assert!(futures_util::poll!(&mut first).is_pending());
        stores.faults.sync.reached();
        let bad = kv.increment(NOW, "s", "bad", 1, None);
        let last = stores.set("b", "3");
        tokio::pin!(last);
        assert!(futures_util::poll!(&mut last).is_pending());
        stores.faults.sync.open();
        let (first, bad, last) = tokio::join!(first, bad, last);
        first.unwrap();
        last.unwrap();
        let cut = |error: &Error| matches!(error, Error::Other(text) if text.contains("the record of the key \"bad\" in the store \"s\" is cut short"));
        assert!(bad.is_err_and(|error| cut(&error)));
        assert!(stores.get("bad").await.is_err_and(|error| cut(&error)));
        let exists = kv.exists(NOW, "s", "bad").await;
        assert!(exists.is_err_and(|error| cut(&error)));
        assert_eq!(stores.get("b").await.unwrap().unwrap(), "3");
        assert_eq!(stores.keys().await.unwrap(), ["a", "b", "bad"]);
        // Deleting it or writing it anew mends it.
        assert!(kv.delete(NOW, "s", "bad").await.unwrap());
        assert!(!kv.delete(NOW, "s", "bad").await.unwrap());
        super::tables::damage(kv.slot.read().await.as_ref().unwrap(), "s", "bad");
        stores.set("bad", "1").await.unwrap();
        assert_eq!(stores.get("bad").await.unwrap().unwrap(), "1");
    });
}

/// What it was to expire at can't be read any more.
#[test]
fn a_record_written_over_a_damaged_one_does_not_expire_with_it() {
    run(async {
        let stores = stores();
        let kv = &stores.kv;
        kv.increment(NOW, "s", "bad", 1, Some(10)).await.unwrap();
        super::tables::damage(kv.slot.read().await.as_ref().unwrap(), "s", "bad");
        stores.set("bad", "1").await.unwrap();
        kv.delete(NOW + 10, "s", "none").await.unwrap();
        assert_eq!(stores.get("bad").await.unwrap().unwrap(), "1");
    });
}
