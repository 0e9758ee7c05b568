//! Stores as a guest meets them: grants, rights, what is checked before a backend is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use crate::events;
use crate::support::{Served, builder, limited, q, run, serve_on, serve_raw, serve_with, settings};
use edgewit_host::Clock;
use edgewit_manifest::{Limits, Store};

async fn kv(served: &Served, store: &str, ops: &[&str]) -> Vec<String> {
    let ops: String = ops.iter().map(|op| format!("&op={}", q(op))).collect();
    let reply = served.get(&format!("/kv?store={store}{ops}")).await;
    assert_eq!(reply.status(), 200);
    reply.text().lines().map(str::to_owned).collect()
}

#[test]
fn writes_are_read_at_once_and_in_later_requests() {
    run(async {
        let served = serve_raw("kv-writes").await;
        let ops = ["set/a/1", "get/a", "exists/a", "exists/b", "increment/a/4"];
        let lines = kv(&served, "store", &ops).await;
        assert_eq!(lines, ["version 1", "1@-1", "true", "false", "5"]);
        let ops = ["get/a", "set-if-absent/a/2", "set-if-version/a/3/2"];
        let lines = kv(&served, "store", &ops).await;
        assert_eq!(lines, ["5@-1", "error KvError::Conflict", "version 3"]);
        let ops = ["get-many/a/none/a", "delete/a", "delete/a", "get/a"];
        let lines = kv(&served, "store", &ops).await;
        assert_eq!(lines, ["3@-1 absent 3@-1", "true", "false", "absent"]);
    });
}

#[test]
fn pages_go_on_at_their_cursor() {
    run(async {
        let served = serve_raw("kv-pages").await;
        kv(&served, "store", &["set/b/1", "set/a/1", "set/c/1"]).await;
        let lines = kv(&served, "store", &["keys//2"]).await;
        assert_eq!(lines, ["a,b Some(\"after:b\")"]);
        let lines = kv(
            &served,
            "store",
            &["keys//2/after:b", "keys//0", "keys//2/x"],
        )
        .await;
        assert_eq!(lines[0], "c None");
        assert!(lines[1].starts_with("error KvError::InvalidArgument(\"limit"));
        assert!(lines[2].starts_with("error KvError::InvalidArgument(\"cursor"));
    });
}

#[test]
fn arguments_are_checked_before_a_backend_is_asked() {
    run(async {
        let served = serve_raw("kv-arguments").await;
        let (longest, longer) = ("k".repeat(1024), "k".repeat(1025));
        for (op, outcome) in [
            (format!("set/{longest}/1"), "version "),
            (format!("set/{longer}/1"), "error KvError::InvalidKey("),
            ("get/".to_owned(), "error KvError::InvalidKey("),
            ("delete/a\u{7f}".to_owned(), "error KvError::InvalidKey("),
            ("increment/a\nb".to_owned(), "error KvError::InvalidKey("),
            ("exists/\u{85}".to_owned(), "error KvError::InvalidKey("),
            (
                "set/a/1/0".to_owned(),
                "error KvError::InvalidArgument(\"ttl-ms",
            ),
            (
                "increment/i/1/0".to_owned(),
                "error KvError::InvalidArgument(\"ttl-ms",
            ),
            ("set-bytes/a/1/2048".to_owned(), "set"),
            (
                "set-bytes/a/1/2049".to_owned(),
                "error KvError::InvalidArgument(\"metadata",
            ),
            ("get-same/a/1000".to_owned(), "1000"),
            (
                "get-same/a/1001".to_owned(),
                "error KvError::InvalidArgument(\"keys",
            ),
            ("set/t/x".to_owned(), "version "),
            ("increment/t/1".to_owned(), "error KvError::NotANumber"),
        ] {
            let lines = kv(&served, "store", &[&op]).await;
            assert!(lines[0].starts_with(outcome), "{op}: {lines:?}");
        }
    });
}

#[test]
fn values_have_a_limit_alone_and_together() {
    run(async {
        let limits = Limits {
            kv_value_bytes: 1000,
            ..Limits::default()
        };
        let served = serve_with("kv-large", limited(limits)).await;
        let ops = [
            "set-bytes/a/1000",
            "set-bytes/b/1001",
            "get-many/a",
            "get-many/a/a",
        ];
        let lines = kv(&served, "store", &ops).await;
        assert_eq!(lines[0], "set");
        assert_eq!(lines[1], "error KvError::ValueTooLarge(1000)");
        assert!(lines[2].starts_with("vvv"));
        assert_eq!(lines[3], "error KvError::ValueTooLarge(1000)");
    });
}

#[test]
fn operations_have_a_limit() {
    run(async {
        let limits = Limits {
            // Opening the store is one.
            kv_operations: 4,
            ..Limits::default()
        };
        let served = serve_with("kv-operations", limited(limits)).await;
        let ops = ["get-times/a/3", "get/a"];
        let lines = kv(&served, "store", &ops).await;
        assert_eq!(lines[0], "done");
        let error = "error KvError::Unavailable(\"kv-operations: limit 4";
        assert!(lines[1].starts_with(error), "{lines:?}");
        assert_eq!(kv(&served, "store", &["get/a"]).await, ["absent"]);
    });
}

#[test]
fn a_store_that_is_not_granted_is_denied_and_named() {
    run(async {
        let served = serve_raw("kv-denied").await;
        assert_eq!(kv(&served, "other", &[]).await, ["open KvError::Denied"]);
        let line = events::message("kv-denied", "denied").await;
        assert_eq!(line.level, tracing::Level::WARN);
        assert_eq!(
            line.message(),
            "denied: the store \"other\" is not granted; to grant it, add this to app/edge.toml: [kv.other]"
        );
        // What can't be granted gets no line to add.
        for name in ["my.store", &"a".repeat(100)] {
            assert_eq!(kv(&served, name, &[]).await, ["open KvError::Denied"]);
            let line = events::message("kv-denied", &name[..2]).await;
            let none = "is not granted; none can be: a store's name is 1 to 64 letters";
            assert!(line.message().contains(none), "{}", line.message());
        }
        let mut settings = settings();
        settings.kv = None;
        let served = serve_with("kv-none", settings).await;
        let lines = kv(&served, "store", &[]).await;
        assert_eq!(lines, ["open KvError::NoSuchStore"]);
    });
}

#[test]
fn a_read_only_store_is_only_read() {
    run(async {
        let mut settings = settings();
        let fixed = Store::ReadOnly {
            values: [("greeting".to_owned(), "hello".to_owned())].into(),
            env: vec!["API_KEY".to_owned()],
        };
        settings.grants.kv.insert("config".to_owned(), fixed);
        settings
            .environment
            .insert("API_KEY".to_owned(), "value-of-it".to_owned());
        let served = serve_with("kv-fixed", settings).await;
        let ops = [
            "get/greeting",
            "get/API_KEY",
            "get/HOME",
            "keys//10",
            "set/greeting/x",
            "delete/greeting",
            "increment/n",
            "get/greeting",
        ];
        let denied = "error KvError::Denied";
        let expected = [
            "hello@-1",
            "value-of-it@-1",
            "absent",
            "API_KEY,greeting None",
            denied,
            denied,
            denied,
            "hello@-1",
        ];
        assert_eq!(kv(&served, "config", &ops).await, expected);
        let line = events::message("kv-fixed", "denied").await;
        let denied = "denied: the store \"config\" is only read: its values are from app/edge.toml";
        assert_eq!(line.message(), denied);
        let told = |event: &events::Logged| event.message().contains("value-of-it");
        assert!(!events::of("kv-fixed").iter().any(told));
    });
}

/// A clock that a test moves, in milliseconds.
struct Moved(AtomicU64);

impl Clock for Moved {
    fn now(&self) -> u64 {
        self.0.load(SeqCst) * 1_000_000
    }

    fn monotonic(&self) -> u64 {
        self.now()
    }
}

#[test]
fn keys_expire_by_the_host_s_clock() {
    run(async {
        let clock = Arc::new(Moved(AtomicU64::new(1_000_000)));
        let host = builder().clock(clock.clone()).build().unwrap();
        let served = serve_on(&host, "kv-clock", settings()).await;
        let lines = kv(&served, "store", &["set/a/1/100", "get/a"]).await;
        assert_eq!(lines[1], "1@100");
        clock.0.fetch_add(99, SeqCst);
        assert_eq!(kv(&served, "store", &["get/a"]).await, ["1@1"]);
        clock.0.fetch_add(1, SeqCst);
        let lines = kv(&served, "store", &["get/a", "exists/a"]).await;
        assert_eq!(lines, ["absent", "false"]);
        let system = served.get("/system").await;
        assert_eq!(system.line("now "), "1000100000000");
    });
}
