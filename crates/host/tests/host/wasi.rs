//! WASI, for the runtimes that import it.

use std::sync::Arc;

use crate::events;
use crate::support::{builder, host, run, serve_app, settings, wasi};
use edgewit_host::{Clock, Random};

#[test]
fn clocks_and_randomness_are_there_and_the_rest_is_empty() {
    run(async {
        let app = host().load("wasi", wasi(), settings()).await.unwrap();
        let served = serve_app("wasi", app).await;
        let report = served.get("/report").await;
        assert_eq!(report.line("at once "), "false");
        assert_eq!(report.line("ready "), "[1]");
        assert_eq!(report.line("waited "), "true");
        assert_eq!(report.line("environment "), "[]");
        assert_eq!(report.line("cwd "), "None");
        assert_eq!(report.line("folders "), "0");
        let other = served.get("/report").await;
        assert_ne!(report.line("number "), other.line("number "));
    });
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> u64 {
        1_700_000_000_000_000_007
    }

    fn monotonic(&self) -> u64 {
        // Far enough apart for every wait to be over.
        static CALLS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        CALLS.fetch_add(1, std::sync::atomic::Ordering::SeqCst) * 100_000_000
    }
}

impl Random for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(4);
    }
}

#[test]
fn they_are_the_host_s_parts() {
    run(async {
        let fixed = Arc::new(Fixed);
        let host = builder().clock(fixed.clone()).random(fixed).build();
        let app = host.unwrap().load("wasi-parts", wasi(), settings()).await;
        let served = serve_app("wasi-parts", app.unwrap()).await;
        let report = served.get("/report").await;
        assert_eq!(report.line("wall "), "1700000000.000000007");
        assert_eq!(report.line("random "), "[4, 4, 4, 4]");
        assert_eq!(
            report.line("number "),
            0x0404_0404_0404_0404_u64.to_string()
        );
    });
}

#[test]
fn what_is_printed_is_logged_by_line() {
    run(async {
        let app = host().load("wasi-print", wasi(), settings()).await.unwrap();
        let served = serve_app("wasi-print", app).await;
        assert_eq!(served.get("/print").await.text(), "room true");
        events::message("wasi-print", "no line feed").await;
        let printed: Vec<_> = events::of("wasi-print")
            .iter()
            .filter(|event| event.target == "edgewit::guest")
            .map(|event| {
                format!(
                    "{} {} {}",
                    event.level,
                    event.field("source"),
                    event.message()
                )
            })
            .collect();
        assert_eq!(
            printed,
            [
                "INFO stdout one",
                "ERROR stderr wrong",
                "INFO stdout two",
                "INFO stdout no line feed"
            ]
        );
    });
}

#[test]
fn an_exit_is_a_failed_request() {
    run(async {
        let app = host().load("wasi-exit", wasi(), settings()).await.unwrap();
        let served = serve_app("wasi-exit", app).await;
        assert_eq!(served.get("/exit").await.status(), 500);
        events::message("wasi-exit", "called exit without a reply").await;
    });
}
