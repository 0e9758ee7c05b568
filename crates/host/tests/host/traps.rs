//! Guests that end badly, and the host that goes on.

use crate::events;
use crate::support::{
    host, limited, nameless, run, run_on, serve_app, serve_raw, serve_with, settings,
};
use edgewit_manifest::Limits;

/// The one error line of an application.
async fn error_of(app: &str) -> String {
    events::line(app, 1).await;
    let errors = events::errors(app);
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.into_iter().next().unwrap_or_default()
}

#[test]
fn a_panic_is_a_500_with_its_message_and_a_backtrace() {
    run(async {
        let served = serve_raw("panic").await;
        let reply = served.get("/panic?text=secret").await;
        assert_eq!((reply.status(), reply.text().as_str()), (500, ""));
        let error = error_of("panic").await;
        assert!(error.contains("secret"), "{error}");
        assert!(error.contains("raw::ends::panic"), "{error}");
        assert!(error.contains("src/ends.rs:"), "{error}");
        assert!(!error.contains("rust_begin_unwind"), "{error}");
        let line = events::line("panic", 1).await;
        assert_ne!(line.field("guest_us"), "0");
        let logged = |event: &events::Logged| event.message().contains("after-reply");
        assert!(!events::of("panic").iter().any(logged));
        assert_eq!(served.get("/report").await.status(), 200);
    });
}

/// Where no backtrace can be shown, what would show one is said once.
#[test]
fn a_component_without_names_is_told_of_once() {
    let component = nameless();
    run(async {
        let app = host().load("nameless", &component, settings()).await;
        let served = serve_app("nameless", app.expect("an application")).await;
        for verb in ["trap", "panic", "trap"] {
            assert_eq!(served.get(&format!("/{verb}")).await.status(), 500);
        }
        events::line("nameless", 3).await;
        let hint = "no names of functions: one that `edgewit build --debug` makes";
        let hinted: Vec<_> = events::errors("nameless")
            .iter()
            .map(|error| error.contains(hint))
            .collect();
        assert_eq!(hinted, [true, false, false]);
    });
}

#[test]
fn a_trap_is_a_500_with_a_backtrace() {
    run(async {
        let served = serve_raw("trap").await;
        let reply = served.get("/trap").await;
        assert_eq!((reply.status(), reply.text().as_str()), (500, ""));
        let error = error_of("trap").await;
        assert!(error.contains("unreachable"), "{error}");
        let frame = error.lines().find(|line| line.contains("raw::ends::trap"));
        let frame = frame.unwrap_or_else(|| panic!("{error}"));
        assert!(frame.contains("ends.rs:"), "{frame}");
        assert_eq!(served.get("/report").await.status(), 200);
    });
}

#[test]
fn a_trap_of_a_source_cuts_the_reply() {
    run(async {
        let served = serve_raw("source-trap").await;
        let reply = served.get("/source?pieces=2&end=trap").await;
        assert_eq!((reply.text().as_str(), reply.complete), ("01", false));
        let error = error_of("source-trap").await;
        assert!(error.starts_with("the reply was cut: "), "{error}");
        assert!(error.contains("unreachable"), "{error}");
        assert_eq!(served.get("/report").await.status(), 200);
    });
}

#[test]
fn an_endless_loop_is_a_504_and_holds_nobody_up() {
    run_on(1, async {
        let limits = Limits {
            guest_ms: 1000,
            ..Limits::default()
        };
        let served = serve_with("loop", limited(limits)).await;
        let mut looping = served.connect().await;
        looping.send("GET /loop HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let begun = std::time::Instant::now();
        // Give it the thread first.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        assert_eq!(served.get("/report").await.status(), 200);
        let nothing = !looping.within(std::time::Duration::from_millis(1)).await;
        assert!(nothing, "the loop has ended before");
        let reply = looping.response().await;
        assert_eq!((reply.status(), reply.text().as_str()), (504, ""));
        assert!(begun.elapsed() >= std::time::Duration::from_secs(1));
        events::line("loop", 2).await;
        let error = events::errors("loop").join("\n");
        assert!(error.contains("guest time: limit 1000 ms, met "), "{error}");
        assert!(error.contains("guest-ms"), "{error}");
    });
}

#[test]
fn an_endless_loop_of_a_source_is_cut() {
    run(async {
        let limits = Limits {
            guest_ms: 50,
            ..Limits::default()
        };
        let served = serve_with("source-loop", limited(limits)).await;
        let reply = served.get("/source?pieces=2&end=loop").await;
        assert_eq!((reply.text().as_str(), reply.complete), ("01", false));
        let error = error_of("source-loop").await;
        assert!(error.contains("guest-ms"), "{error}");
    });
}
