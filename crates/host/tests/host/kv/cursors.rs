//! Lists of keys, page by page.

use edgewit_host::kv::{Condition, Error};

use super::{Stores, options};

pub async fn keys_are_in_the_order_of_their_bytes_and_of_their_store(stores: Stores) {
    // UTF-16 would put the last two the other way round.
    let sorted = [
        "B",
        "a",
        "a ",
        "a/1",
        "a/10",
        "a/2",
        "b",
        "\u{e9}",
        "\u{ffff}",
        "\u{10000}",
    ];
    for index in [9, 6, 2, 5, 0, 8, 4, 1, 7, 3] {
        stores.set(sorted[index], "1").await;
    }
    for store in ["r", "s2", "t", "S", "s "] {
        let always = options(Condition::Always, None);
        let set = stores
            .kv
            .set(stores.now(), store, "a/other", vec![], always);
        set.await.unwrap();
    }
    let all = sorted.map(str::to_owned).to_vec();
    assert_eq!(stores.keys("", None, 100).await.unwrap(), (all, None));
    let (keys, cursor) = stores.keys("a/", None, 3).await.unwrap();
    assert_eq!(keys, ["a/1", "a/10", "a/2"]);
    assert_eq!(cursor, None, "the last page");
    assert_eq!(stores.keys("c", None, 3).await.unwrap(), (vec![], None));
    let never = stores.kv.keys(stores.now(), "never", "", None, 3).await;
    assert!(never.unwrap().keys.is_empty());
    for limit in 1..12 {
        assert_eq!(all_pages(&stores, "", limit).await, sorted);
        assert_eq!(
            all_pages(&stores, "a", limit).await,
            ["a", "a ", "a/1", "a/10", "a/2"]
        );
    }
}

async fn all_pages(stores: &Stores, prefix: &str, limit: u32) -> Vec<String> {
    let mut all = Vec::new();
    let mut cursor = None;
    loop {
        let (keys, next) = stores.keys(prefix, cursor.as_deref(), limit).await.unwrap();
        assert!(keys.len() <= limit as usize);
        // A page that is not the last is full.
        assert!(next.is_none() || keys.len() == limit as usize);
        all.extend(keys);
        cursor = next;
        if cursor.is_none() {
            return all;
        }
    }
}

pub async fn a_cursor_stays_good_when_keys_come_and_go(stores: Stores) {
    for key in ["p/1", "p/2", "p/3", "p/4", "q"] {
        stores.set(key, "1").await;
    }
    let brief = stores.set_if(Condition::Always, "p/35", "1", Some(100));
    brief.await.unwrap();
    let (keys, cursor) = stores.keys("p/", None, 2).await.unwrap();
    assert_eq!(keys, ["p/1", "p/2"]);
    let cursor = cursor.expect("more");
    let rest = async |limit| stores.keys("p/", Some(&cursor), limit).await.unwrap();
    assert_eq!(rest(3).await.0, ["p/3", "p/35", "p/4"]);
    // It is good for as often as it is handed in.
    assert_eq!(rest(3).await.0, ["p/3", "p/35", "p/4"]);
    for key in ["p/2", "p/1", "p/3"] {
        assert!(stores.delete(key).await);
    }
    stores.pass(100);
    for key in ["p/0", "p/21"] {
        stores.set(key, "1").await;
    }
    let (keys, none) = rest(2).await;
    assert_eq!(
        (keys.as_slice(), none),
        (["p/21".to_owned(), "p/4".to_owned()].as_slice(), None)
    );
    stores.delete("p/21").await;
    stores.delete("p/4").await;
    assert_eq!(rest(2).await, (vec![], None));
    // The key it stands behind comes back, and was seen.
    stores.set("p/2", "1").await;
    stores.set("p/9", "1").await;
    assert_eq!(rest(2).await.0, ["p/9"]);
}

pub async fn a_cursor_of_another_s_is_refused(stores: Stores) {
    stores.set("p/1", "1").await;
    for bad in ["", "p/1", "no cursor", "\u{10000}"] {
        let error = stores.keys("p/", Some(bad), 2).await;
        assert!(
            matches!(error, Err(Error::InvalidArgument(_))),
            "{bad}: {error:?}"
        );
    }
}
