//! What guests log.

use crate::events;
use crate::support::{run, serve_raw};

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
            assert_eq!(event.field("fields"), "first=\"1\" second=\"two words\"");
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
