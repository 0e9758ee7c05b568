//! Values, conditions and counters, one call after the other.

use edgewit_host::kv::{Condition, Error};

use super::{STORE, Stores};

pub async fn what_is_written_is_read_in_the_order_asked(stores: Stores) {
    let version = stores.set("a", "1").await;
    stores.set("b", "2").await;
    let found = stores.entries(&["b", "none", "a", "b"]).await;
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
    assert!(stores.entries(&[]).await.is_empty());
    // Another store is another place, also where names and keys read the same together.
    for (store, key) in [("t", "a"), ("s", "sa"), ("sa", ""), ("", "sa")] {
        let keys = [key.to_owned()];
        let found = stores.kv.get(stores.now(), store, &keys, u64::MAX).await;
        assert!(found.unwrap()[0].is_none(), "{store} {key}");
    }
    // Any bytes are a value.
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let options = super::options(Condition::Always, None);
    let set = stores
        .kv
        .set(stores.now(), STORE, "bytes", bytes.clone(), options);
    set.await.unwrap();
    assert_eq!(stores.entry("bytes").await.unwrap().value, bytes);
    stores.set("empty", "").await;
    assert_eq!(stores.value("empty").await.unwrap(), "");
}

pub async fn what_exists_is_what_can_be_read(stores: Stores) {
    assert!(!stores.exists("a").await);
    stores.set("a", "").await;
    assert!(stores.exists("a").await);
    assert!(!stores.exists("b").await);
    let elsewhere = stores.kv.exists(stores.now(), "t", "a").await;
    assert!(!elsewhere.unwrap());
    stores.delete("a").await;
    assert!(!stores.exists("a").await);
}

pub async fn values_asked_for_together_have_a_limit(stores: Stores) {
    stores.set("a", "123").await;
    stores.set("b", "4567").await;
    for (keys, bytes) in [
        (["a", "b", "none"].as_slice(), 7),
        // As often as it is asked for.
        (["a", "a", "a"].as_slice(), 9),
        (["none"].as_slice(), 0),
    ] {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        let found = stores.kv.get(stores.now(), STORE, &keys, bytes).await;
        assert_eq!(found.unwrap().len(), keys.len());
        let Some(less) = u64::checked_sub(bytes, 1) else {
            continue;
        };
        let error = stores.kv.get(stores.now(), STORE, &keys, less).await;
        assert!(
            matches!(error, Err(Error::ValueTooLarge(most)) if most == less),
            "{error:?}"
        );
    }
}

pub async fn what_is_deleted_is_gone(stores: Stores) {
    assert!(!stores.delete("k").await);
    stores.set("k", "1").await;
    stores.set("l", "1").await;
    assert!(stores.delete("k").await);
    assert!(!stores.delete("k").await);
    assert!(stores.entry("k").await.is_none());
    assert_eq!(stores.keys("", None, 10).await.unwrap().0, ["l"]);
    assert_eq!(stores.increment("k", 1, None).await.unwrap(), 1);
}

pub async fn a_condition_holds_or_nothing_is_written(stores: Stores) {
    let set = |condition, value| stores.set_if(condition, "k", value, None);
    let conflict = async |condition| {
        let before = stores.entry("k").await;
        let error = set(condition, "never").await;
        assert!(matches!(error, Err(Error::Conflict)), "{error:?}");
        let after = stores.entry("k").await;
        assert_eq!(
            before.map(|entry| (entry.value, entry.version)),
            after.map(|entry| (entry.value, entry.version))
        );
    };
    conflict(Condition::IfVersion(0)).await;
    conflict(Condition::IfVersion(1)).await;
    let first = set(Condition::IfAbsent, "1").await.unwrap();
    conflict(Condition::IfAbsent).await;
    conflict(Condition::IfVersion(first + 1)).await;
    let second = set(Condition::IfVersion(first), "2").await.unwrap();
    assert_ne!(first, second);
    assert_eq!(stores.value("k").await.unwrap(), "2");
    conflict(Condition::IfVersion(first)).await;
    // The version of another key is none of this one's.
    conflict(Condition::IfVersion(stores.set("other", "1").await)).await;
    // An increment is a write too.
    let third = set(Condition::IfVersion(second), "3").await.unwrap();
    stores.increment("k", 1, None).await.unwrap();
    conflict(Condition::IfVersion(third)).await;
    let fourth = stores.entry("k").await.unwrap().version;
    stores.delete("k").await;
    conflict(Condition::IfVersion(fourth)).await;
    set(Condition::IfAbsent, "4").await.unwrap();
    conflict(Condition::IfVersion(fourth)).await;
}

pub async fn an_increment_keeps_what_it_finds(stores: Stores) {
    assert_eq!(stores.increment("n", -7, None).await.unwrap(), -7);
    assert_eq!(stores.value("n").await.unwrap(), "-7");
    let entry = stores.entry("n").await.unwrap();
    assert_eq!((entry.expires_in_ms, entry.metadata), (None, Vec::new()));
    let set = stores.set_if(Condition::Always, "m", "41", Some(100));
    set.await.unwrap();
    stores.pass(10);
    assert_eq!(stores.increment("m", 1, Some(9_999)).await.unwrap(), 42);
    let entry = stores.entry("m").await.unwrap();
    assert_eq!(entry.expires_in_ms, Some(90));
    assert_eq!(entry.metadata, b"meta");
    assert_eq!(stores.increment("o", 5, Some(30)).await.unwrap(), 5);
    assert_eq!(stores.entry("o").await.unwrap().expires_in_ms, Some(30));
}

pub async fn an_increment_that_fails_writes_nothing(stores: Stores) {
    for bad in ["", "x", "007", "+1", "-0", "1 ", "9223372036854775808"] {
        let version = stores.set("bad", bad).await;
        let error = stores.increment("bad", 1, None).await;
        assert!(matches!(error, Err(Error::NotANumber)), "{bad}: {error:?}");
        let entry = stores.entry("bad").await.unwrap();
        assert_eq!((entry.version, entry.value), (version, bad.into()));
    }
    for (start, delta) in [(i64::MAX, 1), (i64::MIN, -1)] {
        let version = stores.set("edge", &start.to_string()).await;
        let error = stores.increment("edge", delta, None).await;
        assert!(matches!(error, Err(Error::Overflow)), "{error:?}");
        let entry = stores.entry("edge").await.unwrap();
        assert_eq!(
            (entry.version, entry.value),
            (version, start.to_string().into())
        );
        assert_eq!(stores.increment("edge", 0, None).await.unwrap(), start);
    }
}
