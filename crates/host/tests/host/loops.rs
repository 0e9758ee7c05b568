//! Guests that never come to an end, and requests beside them that do.

use std::time::{Duration, Instant};

use edgewit_manifest::Limits;

use crate::events;
use crate::support::{limited, run, run_on, serve_with};

/// As many loops as threads.
const THREADS: usize = 2;

fn for_ms(guest_ms: u64) -> Limits {
    Limits {
        guest_ms,
        ..Limits::default()
    }
}

#[test]
fn an_endless_loop_is_a_504_and_holds_nobody_up() {
    run_on(1, async {
        let served = serve_with("loop", limited(for_ms(1000))).await;
        let mut looping = served.connect().await;
        looping.send("GET /loop HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let begun = Instant::now();
        // Give it the thread first.
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(served.get("/report").await.status(), 200);
        let nothing = !looping.within(Duration::from_millis(1)).await;
        assert!(nothing, "the loop has ended before");
        let reply = looping.response().await;
        assert_eq!((reply.status(), reply.text().as_str()), (504, ""));
        assert!(begun.elapsed() >= Duration::from_secs(1));
        events::line("loop", 2).await;
        let error = events::errors("loop").join("\n");
        assert!(error.contains("guest time: limit 1000 ms, met "), "{error}");
        assert!(error.contains("guest-ms"), "{error}");
    });
}

#[test]
fn an_endless_loop_of_a_source_is_cut() {
    run(async {
        let served = serve_with("source-loop", limited(for_ms(500))).await;
        let reply = served.get("/source?pieces=2&end=loop").await;
        assert_eq!((reply.text().as_str(), reply.complete), ("01", false));
        events::line("source-loop", 1).await;
        let errors = events::errors("source-loop");
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].contains("guest-ms"), "{errors:?}");
    });
}

/// Starts a loop on each thread, and sends another request once all of them loop: it must have ended when the first
/// loop ends, and the loops go on until their time is up.
fn held_up_by_nobody(name: &'static str, target: &'static str, ends: &'static str) {
    run_on(THREADS, async move {
        let served = serve_with(name, limited(for_ms(3000))).await;
        let mut loops = Vec::new();
        for _ in 0..THREADS {
            let mut wire = served.connect().await;
            wire.send(format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n"))
                .await;
            loops.push(wire);
        }
        let looping = |event: &&events::Logged| event.message() == "loops";
        while events::of(name).iter().filter(looping).count() < THREADS {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(served.get("/report").await.status(), 200);
        let error = |event: &&events::Logged| event.level == tracing::Level::ERROR;
        while events::of(name).iter().filter(error).count() < THREADS {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let all = events::of(name);
        let reported = all
            .iter()
            .position(|event| event.message() == "GET /report 200");
        let ended: Vec<usize> = (0..all.len()).filter(|at| error(&&all[*at])).collect();
        assert!(reported.expect("its line") < ended[0], "{all:#?}");
        for at in ended {
            let said = all[at].message();
            assert!(said.starts_with(ends), "{said}");
        }
    });
}

#[test]
fn loops_of_handlers_on_all_threads_hold_nobody_up() {
    held_up_by_nobody("loops-handle", "/loop", "guest time: limit 3");
}

#[test]
fn loops_of_sources_on_all_threads_hold_nobody_up() {
    let ends = "the reply was cut: guest time: limit 3";
    held_up_by_nobody("loops-read", "/source?pieces=1&end=loop", ends);
}

#[test]
fn loops_of_after_reply_on_all_threads_hold_nobody_up() {
    let ends = "after-reply: guest time: limit 3";
    held_up_by_nobody("loops-after", "/reply?after=loop", ends);
}
