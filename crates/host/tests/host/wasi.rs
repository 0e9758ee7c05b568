//! WASI, for the runtimes that import it.

use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Type};

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

#[test]
fn the_standard_input_is_at_its_end() {
    run(async {
        let app = host().load("wasi-stdin", wasi(), settings()).await.unwrap();
        let served = serve_app("wasi-stdin", app).await;
        let reply = served.get("/get-stdin").await;
        let closed = "Err(StreamError::Closed)";
        assert_eq!(reply.text(), format!("{closed} {closed}"));
    });
}

/// Interfaces whose functions do something, and have their tests above.
const OFFERED: [&str; 8] = [
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:random/random",
    "wasi:io/poll",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
    "wasi:cli/exit",
];

/// A function of WASI that is none of those.
#[derive(Debug)]
struct Other {
    name: String,
    takes_handle: bool,
    /// Whether its result can say that there is nothing.
    says_nothing: bool,
}

/// All of them that the guest imports.
fn others() -> Vec<Other> {
    let engine = Engine::default();
    let component = Component::new(&engine, wasi()).unwrap();
    let mut others = Vec::new();
    for (interface, import) in component.component_type().imports(&engine) {
        let name = interface.split('@').next().unwrap_or_default();
        let ComponentItem::ComponentInstance(instance) = import.ty else {
            panic!("{interface} is no interface");
        };
        if !name.starts_with("wasi:") || OFFERED.contains(&name) {
            continue;
        }
        for (item, export) in instance.exports(&engine) {
            if let ComponentItem::ComponentFunc(function) = export.ty
                && !item.contains("output-stream")
            {
                let is_handle = |ty: &Type| matches!(ty, Type::Own(_) | Type::Borrow(_));
                let is_nothing =
                    |ty: &Type| matches!(ty, Type::List(_) | Type::Option(_) | Type::Result(_));
                others.push(Other {
                    name: format!("{interface}#{item}"),
                    takes_handle: function.params().any(|(_, ty)| is_handle(&ty)),
                    says_nothing: function.results().any(|ty| is_nothing(&ty)),
                });
            }
        }
    }
    others
}

/// All that the guest imports is there, or it would not load. What can be called without a handle refuses, and so no
/// handle ever exists that the rest could be called with.
#[test]
fn everything_else_is_present_and_refuses() {
    run(async {
        let app = host().load("wasi-rest", wasi(), settings()).await.unwrap();
        let served = serve_app("wasi-rest", app).await;
        let (rest, callable): (Vec<_>, Vec<_>) =
            others().into_iter().partition(|other| other.takes_handle);
        assert_eq!(
            (callable.len(), rest.len()),
            (10, 8),
            "{callable:#?}{rest:#?}"
        );
        for Other {
            name, says_nothing, ..
        } in callable
        {
            let item = name.split('#').next_back().unwrap();
            let reply = served.get(&format!("/{item}")).await;
            if says_nothing {
                let said = reply.text();
                let refusals = ["[]", "None", "Err(\"not-supported\")"];
                assert!(refusals.contains(&said.as_str()), "{name}: {said}");
            } else {
                assert_eq!(reply.status(), 500, "{name}");
                let line = format!("{name} of WASI is refused");
                events::message("wasi-rest", &line).await;
            }
        }
    });
}
