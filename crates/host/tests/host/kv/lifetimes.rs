//! What time does to keys and versions: the test's own time, which stands still until it is moved.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering::SeqCst;

use edgewit_host::kv::{Condition, Error};

use super::Stores;

pub async fn a_key_whose_time_has_come_is_absent_everywhere(stores: Stores) {
    for key in ["a", "b", "c", "d"] {
        let set = stores.set_if(Condition::Always, key, "5", Some(100));
        set.await.unwrap();
    }
    let version = stores.entry("d").await.unwrap().version;
    stores.pass(40);
    assert_eq!(stores.entry("a").await.unwrap().expires_in_ms, Some(60));
    stores.pass(59);
    assert_eq!(stores.entry("a").await.unwrap().expires_in_ms, Some(1));
    stores.pass(1);
    assert!(stores.entry("a").await.is_none());
    assert!(!stores.exists("a").await);
    assert!(!stores.delete("a").await);
    assert_eq!(stores.keys("", None, 10).await.unwrap(), (vec![], None));
    let error = stores
        .set_if(Condition::IfVersion(version), "d", "1", None)
        .await;
    assert!(matches!(error, Err(Error::Conflict)), "{error:?}");
    // It counts from 0 again, with a lifetime of its own.
    assert_eq!(stores.increment("c", 1, Some(50)).await.unwrap(), 1);
    let absent = stores.set_if(Condition::IfAbsent, "b", "1", None);
    absent.await.unwrap();
    stores.pass(50);
    assert!(stores.entry("c").await.is_none());
    assert_eq!(stores.keys("", None, 10).await.unwrap().0, ["b"]);
}

pub async fn a_write_has_the_lifetime_that_it_asks_for(stores: Stores) {
    let set = |ttl_ms| stores.set_if(Condition::Always, "k", "1", ttl_ms);
    set(Some(10)).await.unwrap();
    set(Some(1_000)).await.unwrap();
    stores.pass(10);
    assert_eq!(stores.entry("k").await.unwrap().expires_in_ms, Some(990));
    set(None).await.unwrap();
    assert_eq!(stores.entry("k").await.unwrap().expires_in_ms, None);
    stores.pass(10_000);
    assert!(stores.entry("k").await.is_some());
    // Beyond the end of time it stays.
    set(Some(u64::MAX)).await.unwrap();
    stores.pass(1_000_000_000);
    assert!(stores.entry("k").await.is_some());
}

/// A clock that is turned back shows what is still there.
pub async fn what_has_expired_is_removed_by_later_writes(stores: Stores) {
    let set = |key: &str, ttl_ms| {
        let (stores, key) = (stores.clone(), key.to_owned());
        async move {
            let set = stores.set_if(Condition::Always, &key, "1", ttl_ms);
            set.await.unwrap();
        }
    };
    for n in 0..20 {
        set(&format!("old/{n}"), Some(100)).await;
    }
    stores.increment("old/n", 1, Some(100)).await.unwrap();
    stores.increment("old/n", 1, Some(9_000)).await.unwrap();
    for (key, ttl_ms) in [
        ("for-ever", None),
        ("later", Some(101)),
        ("sooner", Some(99)),
    ] {
        set(key, Some(100)).await;
        set(key, ttl_ms).await;
    }
    set("anew", Some(100)).await;
    stores.delete("anew").await;
    set("anew", None).await;
    stores.pass(100);
    // In another store, and whatever comes of them.
    for n in 0..20 {
        let (value, options) = (b"1".to_vec(), super::options(Condition::IfAbsent, None));
        let set = stores.kv.set(stores.now(), "other", "k", value, options);
        assert_eq!(set.await.is_ok(), n == 0);
    }
    stores.now_ms.fetch_sub(100, SeqCst);
    let left = stores.keys("", None, 100).await.unwrap().0;
    assert_eq!(left, ["anew", "for-ever", "later"]);
}

/// Not after a deletion, nor after the key has expired, nor once the store was opened again.
pub async fn a_version_is_never_used_twice(mut stores: Stores) {
    let mut versions = BTreeSet::new();
    for round in 0..4 {
        for key in ["k", "other"] {
            assert!(versions.insert(stores.set(key, "v").await));
        }
        stores.delete("k").await;
        stores.increment("k", 1, Some(100)).await.unwrap();
        assert!(versions.insert(stores.entry("k").await.unwrap().version));
        stores.pass(100);
        assert!(versions.insert(stores.set("k", "v").await));
        stores.delete("k").await;
        stores.delete("other").await;
        if round % 2 == 1 && stores.kind.lasting {
            stores = stores.reopen();
        }
    }
}

pub async fn what_is_acknowledged_is_there_when_opened_again(stores: Stores) {
    if !stores.kind.lasting {
        // It promises the opposite.
        stores.set("k", "1").await;
        assert!(stores.reopen().entry("k").await.is_none());
        return;
    }
    let set = stores.set_if(Condition::Always, "k", "kept", Some(1_000));
    let version = set.await.unwrap();
    stores.increment("n", 41, None).await.unwrap();
    stores.set("gone", "1").await;
    stores.delete("gone").await;
    for key in ["p/1", "p/2", "p/3"] {
        stores.set(key, "1").await;
    }
    let (_, cursor) = stores.keys("p/", None, 2).await.unwrap();
    stores.pass(400);
    let stores = stores.reopen();
    let entry = stores.entry("k").await.unwrap();
    assert_eq!((entry.version, entry.metadata), (version, b"meta".to_vec()));
    assert_eq!(entry.value, b"kept");
    assert_eq!(entry.expires_in_ms, Some(600));
    assert_eq!(stores.increment("n", 1, None).await.unwrap(), 42);
    assert!(stores.entry("gone").await.is_none());
    let page = stores.keys("p/", cursor.as_deref(), 2).await.unwrap();
    assert_eq!(page, (vec!["p/3".to_owned()], None));
    stores.pass(600);
    assert!(stores.reopen().entry("k").await.is_none());
}
