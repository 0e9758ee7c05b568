//! Guests that end badly, and the host that goes on.

use crate::events;
use crate::support::{held, host, nameless, raw, run, serve_app, serve_raw, settings, steps};

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
        let hint = "no names of functions: `edgewit build --debug` keeps those";
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

/// With names and without: either part of a guest's stack, one call too many and one frame too large.
#[test]
fn a_stack_overflow_is_logged_as_one() {
    let nameless = nameless();
    run(async {
        for (name, component) in [("overflow", raw()), ("overflow-nameless", &nameless)] {
            let app = host().load(name, component, settings()).await;
            let served = serve_app(name, app.expect("an application")).await;
            let all = [
                (
                    "frames",
                    "stack overflow, most likely: a fill or copy out of bounds, by a function that calls itself",
                ),
                ("frame", "stack overflow, most likely: an access at 0x1"),
                (
                    "calls",
                    "stack overflow: the guest's calls are nested too deep",
                ),
                // It could as well be a copy to a wild pointer.
                (
                    "filled",
                    "wasm trap: out of bounds memory access: by a fill or copy, as where one frame is larger",
                ),
            ];
            for (n, (by, said)) in all.into_iter().enumerate() {
                let reply = served.get(&format!("/overflow?by={by}")).await;
                assert_eq!((reply.status(), reply.text().as_str()), (500, ""), "{by}");
                events::line(name, n + 1).await;
                let errors = events::errors(name);
                assert_eq!(errors.len(), n + 1, "{errors:#?}");
                assert!(errors[n].starts_with(said), "{by}: {}", errors[n]);
            }
            assert_eq!(served.get("/report").await.status(), 200);
        }
    });
}

#[test]
fn a_wild_pointer_is_no_stack_overflow() {
    run(async {
        let served = serve_raw("wild").await;
        assert!(
            served
                .get("/peek?at=1024")
                .await
                .text()
                .starts_with("found ")
        );
        // In the middle of what there is of addresses, and more below their end than a stack is large.
        for (n, at) in [0x4000_0000_u32, 0xff7f_ffff].into_iter().enumerate() {
            assert_eq!(served.get(&format!("/peek?at={at}")).await.status(), 500);
            events::line("wild", n + 2).await;
            let said = format!("wasm trap: out of bounds memory access: at 0x{at:x}, of ");
            let errors = events::errors("wild");
            assert!(errors[n].starts_with(&said), "{}", errors[n]);
            assert!(!errors[n].contains("overflow"), "{}", errors[n]);
        }
    });
}

#[test]
fn a_string_that_is_not_utf_8_ends_its_request_alone() {
    run(async {
        let served = serve_raw("bad-text").await;
        let (gate, mut beside) = held(&served).await;
        for (n, what) in ["log", "field", "error"].into_iter().enumerate() {
            let reply = served.get(&format!("/bad-text?in={what}")).await;
            assert_eq!((reply.status(), reply.text().as_str()), (500, ""), "{what}");
            events::line("bad-text", n + 1).await;
            let errors = events::errors("bad-text");
            assert_eq!(errors.len(), n + 1, "{errors:#?}");
            let said = "a string of the guest is not UTF-8: ";
            assert!(errors[n].starts_with(said), "{what}: {}", errors[n]);
        }
        gate.open();
        assert_eq!(beside.response().await.line("status "), "200");
    });
}

#[test]
fn a_stack_overflow_and_a_poll_over_nothing_end_their_requests_alone() {
    run(async {
        let served = serve_raw("beside").await;
        let (gate, mut beside) = held(&served).await;
        let nothing = steps(&["poll:"]);
        let all = [
            ("/overflow?by=calls", "stack overflow"),
            ("/overflow?by=frame", "stack overflow"),
            (&*nothing, "poll.poll: an empty list"),
        ];
        for (n, (target, said)) in all.into_iter().enumerate() {
            let reply = served.get(target).await;
            assert_eq!(
                (reply.status(), reply.text().as_str()),
                (500, ""),
                "{target}"
            );
            events::line("beside", n + 1).await;
            let errors = events::errors("beside");
            assert_eq!(errors.len(), n + 1, "{errors:#?}");
            assert!(errors[n].starts_with(said), "{target}: {}", errors[n]);
        }
        gate.open();
        assert_eq!(beside.response().await.line("status "), "200");
    });
}
