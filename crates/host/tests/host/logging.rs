//! What guests log.

use std::sync::Arc;

use edgewit_host::Hook;
use edgewit_manifest::Limits;
use tokio::sync::Notify;

use crate::events;
use crate::support::{builder, limited, run, serve_on, serve_raw};

#[test]
fn every_level_is_an_event_with_the_request_s_id() {
    run(async {
        let served = serve_raw("levels").await;
        let reply = served.get("/log?text=hello").await;
        assert_eq!(reply.text(), "Some(Level::Trace)");
        let line = events::line("levels", 1).await;
        let logged: Vec<_> = events::of("levels")
            .into_iter()
            .filter(|event| event.message() == "hello")
            .collect();
        let levels: Vec<_> = logged.iter().map(|event| event.level.as_str()).collect();
        assert_eq!(levels, ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"]);
        for event in &logged {
            assert_eq!(event.target, "edgewit::guest");
            assert_eq!(event.field("source"), "raw::logs");
            assert_eq!(event.field("request"), line.field("request"));
            assert_eq!(
                event.field("fields"),
                r#"{"first":"1","second":"two words"}"#
            );
        }
    });
}

#[test]
fn a_line_is_one_event_whatever_it_holds() {
    run(async {
        let served = serve_raw("odd-lines").await;
        served.get("/log?text=a%0Ab%00%1b").await;
        events::wait("odd-lines", |event| event.message() == "a\nb\0\u{1b}").await;
    });
}

#[test]
fn a_longer_line_is_cut_and_marked() {
    run(async {
        let served = serve_raw("long-line").await;
        served.get("/log?bytes=65536").await;
        events::wait("long-line", |event| event.message().len() == 65_536).await;
        served.get("/log?bytes=65546").await;
        let cut = events::message("long-line", "[cut: 10 bytes more]").await;
        assert!(cut.message().starts_with(&"l".repeat(65_536)));
    });
}

/// Tells when a request is over.
#[derive(Default)]
struct Ends(Notify);

impl Hook for Ends {
    fn ended(&self, _: &str) {
        self.0.notify_one();
    }
}

#[test]
fn one_line_counts_all_that_was_not_kept() {
    run(async {
        let ends = Arc::new(Ends::default());
        let host = builder().hook(ends.clone()).build().unwrap();
        let limits = Limits {
            log_bytes: 16,
            ..Limits::default()
        };
        let served = serve_on(&host, "lost-once", limited(limits)).await;
        // Its source is dropped unread, says so, and traps.
        let mut wire = served.connect().await;
        wire.send("HEAD /source?drop=trap&watch=1 HTTP/1.1\r\nhost: a\r\n\r\n")
            .await;
        assert_eq!(wire.head().await.unwrap().status(), 500);
        ends.0.notified().await;
        let lost: Vec<_> = events::of("lost-once")
            .into_iter()
            .filter(|event| event.message().starts_with("log-bytes: "))
            .collect();
        assert_eq!(lost.len(), 1, "{lost:#?}");
        assert_eq!(
            lost[0].message(),
            "log-bytes: limit 16, 1 more lines were not kept"
        );
    });
}
