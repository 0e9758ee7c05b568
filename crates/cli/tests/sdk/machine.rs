//! What Rust takes for granted: memory, clocks, random bytes, a log and a place for panics.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use edgewit_manifest::Limits;

use crate::events;
use crate::serving::{app, limited, run};

#[test]
fn memory_is_given_back_and_taken_again() {
    run(async {
        let limits = Limits {
            memory_bytes: 16 * 1024 * 1024,
            guest_ms: 60_000,
            ..Limits::default()
        };
        let served = limited("sdk-memory", limits).await;
        // Some 80 MB in all.
        let reply = served.get("/memory?rounds=10000").await;
        assert_eq!(reply.text(), "refused true, 100000");
    });
}

#[test]
fn the_clocks_are_the_host_s() {
    run(async {
        let served = app("sdk-time").await;
        let before = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let text = served.get("/time?ms=20").await.text();
        let after = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let (seconds, slept) = text.split_once(' ').unwrap();
        let seconds: u64 = seconds.parse().unwrap();
        assert!((before..=after).contains(&seconds));
        assert_eq!(slept, "true");
    });
}

#[test]
fn random_bytes_are_each_request_s_own() {
    run(async {
        let served = app("sdk-random").await;
        let mut all = BTreeSet::new();
        for _ in 0..3 {
            let text = served.get("/random").await.text();
            assert_eq!(text.lines().count(), 5);
            all.extend(text.lines().map(str::to_owned));
        }
        assert_eq!(all.len(), 15, "{all:?}");
        assert!(!all.contains("00000000000000000000000000000000"));
    });
}

#[test]
fn the_crate_log_writes_lines() {
    run(async {
        let served = app("sdk-log").await;
        served.get("/log?text=some%20text").await;
        events::line("sdk-log", 1).await;
        let logged = events::of("sdk-log").into_iter();
        let logged: Vec<_> = logged.filter(|it| it.message() == "some text").collect();
        let levels: Vec<_> = logged.iter().map(|it| it.level.as_str()).collect();
        assert_eq!(levels, ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"]);
        assert_eq!(logged[1].field("source"), "sdk_app::ends");
        assert_eq!(logged[2].field("source"), "a target");
    });
}

#[test]
fn a_panic_is_one_line_with_its_place() {
    run(async {
        let served = app("sdk-panic").await;
        let reply = served.get("/panic?text=some%20text").await;
        assert_eq!((reply.status(), reply.text().as_str()), (500, ""));
        events::line("sdk-panic", 1).await;
        let errors = events::errors("sdk-panic");
        assert_eq!(errors.len(), 1, "{errors:?}");
        let line = errors[0].lines().next().unwrap();
        assert!(line.contains("panicked at src/ends.rs:"), "{line}");
        assert!(line.ends_with(": some text"), "{line}");
        let first = errors[0].lines().nth(1).unwrap_or_default();
        assert!(first.contains("at sdk_app::ends::panic"), "{}", errors[0]);
        assert!(
            errors[0].ends_with(" frames of the panic itself are left out)"),
            "{}",
            errors[0]
        );
    });
}
