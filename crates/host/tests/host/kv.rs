//! Every backend of stores behaves the same.

use std::path::Path;
use std::process::Command;

use edgewit_host::kv::{Backend, Condition, Error, File, Memory, OpenError, SetOptions};

use crate::support::run;

const NOW: u64 = 1_000_000;

fn options(condition: Condition, ttl_ms: Option<u64>) -> SetOptions {
    SetOptions {
        condition,
        ttl_ms,
        metadata: b"meta".to_vec(),
    }
}

async fn put(kv: &dyn Backend, key: &str, value: &str) -> u64 {
    let always = options(Condition::Always, None);
    let set = kv.set(NOW, "s", key, value.as_bytes().to_vec(), always);
    set.await.expect("a write")
}

async fn value(kv: &dyn Backend, now: u64, key: &str) -> Option<String> {
    let keys = [key.to_owned()];
    let found = kv.get(now, "s", &keys, u64::MAX).await.expect("a read");
    let entry = found.into_iter().next().flatten()?;
    Some(String::from_utf8(entry.value).expect("text"))
}

/// Runs a part of the suite on each backend.
fn on_each<F: Future<Output = ()>>(test: impl Fn(Box<dyn Backend>) -> F) {
    run(async {
        test(Box::new(Memory::new())).await;
        let folder = tempfile::tempdir().unwrap();
        let file = File::open(&folder.path().join("kv")).unwrap();
        test(Box::new(file)).await;
    });
}

#[test]
fn what_is_written_is_read_in_the_order_asked() {
    on_each(async |kv| {
        let version = put(&*kv, "a", "1").await;
        put(&*kv, "b", "2").await;
        let keys = ["b", "none", "a", "b"].map(str::to_owned);
        let found = kv.get(NOW, "s", &keys, u64::MAX).await.unwrap();
        let values: Vec<_> = found
            .iter()
            .map(|entry| entry.as_ref().map(|entry| entry.value.as_slice()))
            .collect();
        let expected: [Option<&[u8]>; 4] = [Some(b"2"), None, Some(b"1"), Some(b"2")];
        assert_eq!(values, expected);
        let entry = found[2].as_ref().unwrap();
        assert_eq!(entry.version, version);
        assert_eq!(entry.metadata, b"meta");
        assert_eq!(entry.expires_in_ms, None);
        // Another store is another place.
        assert!(kv.get(NOW, "t", &keys, u64::MAX).await.unwrap()[0].is_none());
    });
}

#[test]
fn a_condition_holds_or_nothing_is_written() {
    on_each(async |kv| {
        let set = |condition, value: &str| {
            let value = value.as_bytes().to_vec();
            kv.set(NOW, "s", "k", value, options(condition, None))
        };
        let conflict = set(Condition::IfVersion(1), "0").await;
        assert!(matches!(conflict, Err(Error::Conflict)), "{conflict:?}");
        let first = set(Condition::IfAbsent, "1").await.unwrap();
        let conflict = set(Condition::IfAbsent, "2").await;
        assert!(matches!(conflict, Err(Error::Conflict)));
        assert_eq!(value(&*kv, NOW, "k").await.unwrap(), "1");
        let second = set(Condition::IfVersion(first), "3").await.unwrap();
        assert_ne!(first, second);
        let conflict = set(Condition::IfVersion(first), "4").await;
        assert!(matches!(conflict, Err(Error::Conflict)));
        assert_eq!(value(&*kv, NOW, "k").await.unwrap(), "3");
    });
}

#[test]
fn a_version_is_never_used_twice() {
    on_each(async |kv| {
        let mut versions = Vec::new();
        for _ in 0..3 {
            versions.push(put(&*kv, "k", "v").await);
            kv.increment(NOW, "s", "n", 1, None).await.unwrap();
            let found = kv.get(NOW, "s", &["n".to_owned()], u64::MAX).await.unwrap();
            versions.push(found[0].as_ref().unwrap().version);
            assert!(kv.delete(NOW, "s", "k").await.unwrap());
            assert!(!kv.delete(NOW, "s", "k").await.unwrap());
            assert_eq!(value(&*kv, NOW, "k").await, None);
        }
        let count = versions.len();
        versions.sort_unstable();
        versions.dedup();
        assert_eq!(versions.len(), count);
    });
}

#[test]
fn a_key_whose_time_has_come_is_absent_everywhere() {
    on_each(async |kv| {
        let brief = |key: &'static str| {
            let brief = options(Condition::Always, Some(100));
            kv.set(NOW, "s", key, b"5".to_vec(), brief)
        };
        for key in ["a", "b", "c", "d"] {
            brief(key).await.unwrap();
        }
        let found = kv
            .get(NOW + 40, "s", &["a".to_owned()], u64::MAX)
            .await
            .unwrap();
        assert_eq!(found[0].as_ref().unwrap().expires_in_ms, Some(60));
        assert!(value(&*kv, NOW + 99, "a").await.is_some());
        let late = NOW + 100;
        assert_eq!(value(&*kv, late, "a").await, None);
        assert!(!kv.delete(late, "s", "a").await.unwrap());
        let page = kv.keys(late, "s", "", None, 10).await.unwrap();
        assert_eq!((page.keys.len(), page.cursor), (0, None));
        let absent = options(Condition::IfAbsent, None);
        kv.set(late, "s", "b", b"1".to_vec(), absent).await.unwrap();
        assert_eq!(value(&*kv, late + 1_000, "b").await.unwrap(), "1");
        // It counts from 0 again, with a lifetime of its own.
        assert_eq!(kv.increment(late, "s", "c", 1, Some(50)).await.unwrap(), 1);
        assert_eq!(value(&*kv, late + 50, "c").await, None);
        // Beyond the end of time it stays.
        let ever = options(Condition::Always, Some(u64::MAX));
        kv.set(NOW, "s", "e", b"1".to_vec(), ever).await.unwrap();
        assert!(value(&*kv, late, "e").await.is_some());
    });
}

#[test]
fn an_increment_keeps_what_it_finds() {
    on_each(async |kv| {
        assert_eq!(kv.increment(NOW, "s", "n", -7, None).await.unwrap(), -7);
        assert_eq!(value(&*kv, NOW, "n").await.unwrap(), "-7");
        let brief = options(Condition::Always, Some(100));
        kv.set(NOW, "s", "m", b"41".to_vec(), brief).await.unwrap();
        let sum = kv.increment(NOW + 10, "s", "m", 1, Some(9_999));
        assert_eq!(sum.await.unwrap(), 42);
        let found = kv
            .get(NOW + 10, "s", &["m".to_owned()], u64::MAX)
            .await
            .unwrap();
        let entry = found[0].as_ref().unwrap();
        assert_eq!(entry.expires_in_ms, Some(90));
        assert_eq!(entry.metadata, b"meta");
        for bad in ["", "x", "007", "+1", "-0", "1 ", "9223372036854775808"] {
            let version = put(&*kv, "bad", bad).await;
            let error = kv.increment(NOW, "s", "bad", 1, None).await;
            assert!(matches!(error, Err(Error::NotANumber)), "{bad}: {error:?}");
            let found = kv
                .get(NOW, "s", &["bad".to_owned()], u64::MAX)
                .await
                .unwrap();
            assert_eq!(found[0].as_ref().unwrap().version, version);
        }
        for (start, delta) in [(i64::MAX, 1), (i64::MIN, -1)] {
            put(&*kv, "edge", &start.to_string()).await;
            let error = kv.increment(NOW, "s", "edge", delta, None).await;
            assert!(matches!(error, Err(Error::Overflow)), "{error:?}");
            assert_eq!(value(&*kv, NOW, "edge").await.unwrap(), start.to_string());
            let none = kv.increment(NOW, "s", "edge", 0, None).await;
            assert_eq!(none.unwrap(), start);
        }
    });
}

#[test]
fn increments_at_once_are_all_counted() {
    on_each(async |kv| {
        let steps = (0..200).map(|_| kv.increment(NOW, "s", "n", 1, None));
        let sums = futures_util::future::join_all(steps).await;
        let mut sums: Vec<i64> = sums.into_iter().map(Result::unwrap).collect();
        sums.sort_unstable();
        assert_eq!(sums, (1..=200).collect::<Vec<_>>());
    });
}

#[test]
fn keys_are_in_the_order_of_their_bytes_and_of_their_store() {
    on_each(async |kv| {
        let sorted = [
            "B",
            "a",
            "a/1",
            "a/10",
            "a/2",
            "b",
            "\u{e9}",
            "\u{ffff}",
            "\u{10000}",
        ];
        for key in [
            "\u{10000}",
            "b",
            "a/2",
            "B",
            "\u{ffff}",
            "a/10",
            "a",
            "\u{e9}",
            "a/1",
        ] {
            put(&*kv, key, "1").await;
        }
        for store in ["r", "s2", "t"] {
            let always = options(Condition::Always, None);
            let set = kv.set(NOW, store, "a/other", Vec::new(), always);
            set.await.unwrap();
        }
        let page = kv.keys(NOW, "s", "", None, 100).await.unwrap();
        assert_eq!(
            (page.keys, page.cursor),
            (sorted.map(str::to_owned).to_vec(), None)
        );
        let page = kv.keys(NOW, "s", "a/", None, 3).await.unwrap();
        assert_eq!(page.keys, ["a/1", "a/10", "a/2"]);
        assert_eq!(page.cursor, None, "the last page");
        let page = kv.keys(NOW, "s", "c", None, 3).await.unwrap();
        assert!(page.keys.is_empty());
        let page = kv.keys(NOW, "never", "", None, 3).await.unwrap();
        assert!(page.keys.is_empty());
    });
}

#[test]
fn a_cursor_stays_good_when_keys_come_and_go() {
    on_each(async |kv| {
        for key in ["p/1", "p/2", "p/3", "p/4", "q"] {
            put(&*kv, key, "1").await;
        }
        let page = kv.keys(NOW, "s", "p/", None, 2).await.unwrap();
        assert_eq!(page.keys, ["p/1", "p/2"]);
        let cursor = page.cursor.expect("more");
        let page = kv.keys(NOW, "s", "p/", Some(&cursor), 2).await.unwrap();
        assert_eq!(
            (page.keys, page.cursor),
            (vec!["p/3".to_owned(), "p/4".to_owned()], None)
        );
        for key in ["p/2", "p/1", "p/3"] {
            assert!(kv.delete(NOW, "s", key).await.unwrap());
        }
        put(&*kv, "p/0", "1").await;
        put(&*kv, "p/21", "1").await;
        let page = kv.keys(NOW, "s", "p/", Some(&cursor), 2).await.unwrap();
        assert_eq!(page.keys, ["p/21", "p/4"]);
        assert_eq!(page.cursor, None);
        for bad in ["", "p/2", "no cursor"] {
            let error = kv.keys(NOW, "s", "p/", Some(bad), 2).await;
            assert!(
                matches!(error, Err(Error::InvalidArgument(_))),
                "{bad}: {error:?}"
            );
        }
    });
}

#[test]
fn a_file_keeps_its_stores() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kv");
        let first = {
            let kv = File::open(&path).unwrap();
            kv.delete(NOW, "s", "k").await.unwrap();
            put(&kv, "k", "kept").await
        };
        let kv = open_again(&path).await;
        assert_eq!(value(&kv, NOW, "k").await.unwrap(), "kept");
        assert!(put(&kv, "k", "more").await > first);
    });
}

/// The writer's thread lets go of the file a moment after the last handle.
async fn open_again(path: &Path) -> File {
    for _ in 0..200 {
        match File::open(path) {
            Ok(file) => return file,
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
        }
    }
    File::open(path).expect("a file that nobody has open")
}

/// What the other process of the test below is told by.
const HELD: &str = "EDGEWIT_TEST_HELD_FILE";

#[test]
fn a_file_is_one_process_s() {
    if let Some(path) = std::env::var_os(HELD) {
        let error = File::open(path.as_ref()).err();
        assert!(matches!(error, Some(OpenError::InUse(_))), "{error:?}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv");
    let _held = File::open(&path).unwrap();
    let error = File::open(&path).err().expect("a file in use");
    assert!(matches!(error, OpenError::InUse(_)), "{error:?}");
    assert!(error.to_string().contains("another process"), "{error}");
    let other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kv::a_file_is_one_process_s"])
        .env(HELD, &path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&other.stdout);
    assert!(
        other.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

#[test]
fn a_file_is_free_once_it_was_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv");
    for _ in 0..50 {
        drop(File::open(&path).expect("nobody has it"));
    }
}

#[test]
fn what_is_no_file_of_stores_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text");
    std::fs::write(&path, "no stores").unwrap();
    for path in [path.as_path(), &folder.path().join("no/such/folder")] {
        let error = File::open(path).err().expect("no stores");
        assert!(matches!(error, OpenError::Unusable { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.starts_with(&*path.to_string_lossy()), "{text}");
    }
}
