//! Every import goes through the seam: a hook sees all calls and can answer any of them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use edgewit_host::{Call, Hook, Value};
use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;
use wit_parser::{FunctionKind, Resolve, WorldId};

use crate::events;
use crate::support::{builder, q, raw, run, serve_app, serve_on, settings, wasi};
use crate::upstream::{Gate, Upstream};

/// Keeps what it is told, a line for each call.
#[derive(Default)]
struct Recorder {
    before: Mutex<Vec<String>>,
    after: Mutex<Vec<String>>,
    dropped: Mutex<Vec<String>>,
}

impl Hook for Recorder {
    fn before(&self, call: &Call<'_>) -> Option<Value> {
        assert!(!call.request_id.is_empty());
        let name = call.interface.split('@').next().unwrap_or_default();
        let line = format!("{name}#{} {:?}", call.function, call.arguments);
        self.before.lock().unwrap().push(line);
        None
    }

    fn after(&self, call: &Call<'_>, result: Result<&Value, &str>) {
        let line = format!("{} {result:?}", call.function);
        self.after.lock().unwrap().push(line);
    }

    fn dropped(&self, _: &str, resource: &str, _: u32) {
        self.dropped.lock().unwrap().push(resource.to_owned());
    }
}

impl Recorder {
    /// The names of the functions that were called, in order.
    fn called(&self) -> Vec<String> {
        let before = self.before.lock().unwrap();
        let name = |line: &String| line.split(' ').next().unwrap_or_default().to_owned();
        before.iter().map(name).collect()
    }
}

#[test]
fn a_hook_sees_every_call_with_arguments_and_results() {
    run(async {
        let recorder = Arc::new(Recorder::default());
        let host = builder().hook(recorder.clone()).build().unwrap();
        let served = serve_on(&host, "hook-sees", settings()).await;
        let reply = served
            .get("/kv?store=store&op=set/key/value&op=get/key&op=delete/other")
            .await;
        assert_eq!(reply.text(), "version 1\nvalue@-1\nfalse\n");
        events::message("hook-sees", "after-reply Ok").await;
        assert_eq!(
            recorder.called(),
            [
                "edge:sdk/kv#open",
                "edge:sdk/kv#[method]store.set",
                "edge:sdk/kv#[method]store.get",
                "edge:sdk/kv#[method]store.delete",
                "edge:sdk/logging#log",
            ]
        );
        let before = recorder.before.lock().unwrap();
        assert_eq!(before[0], "edge:sdk/kv#open [Text(\"store\")]");
        let set = "Text(\"key\"), Bytes([118, 97, 108, 117, 101]), Record([(\"condition\", \
                   Case(\"always\", None)), (\"ttl-ms\", Option(None)), (\"metadata\", Bytes([]))])]";
        assert!(before[1].ends_with(set), "{}", before[1]);
        let after = recorder.after.lock().unwrap();
        assert_eq!(after.len(), 5);
        assert_eq!(
            after[1],
            "[method]store.set Ok(Result(Ok(Some(Unsigned(1)))))"
        );
        assert_eq!(after[4], "log Ok(Tuple([]))");
        assert_eq!(
            *recorder.dropped.lock().unwrap(),
            ["edge:sdk/kv@0.1.0#store"]
        );
    });
}

#[test]
fn a_hook_sees_wasi_s_calls() {
    run(async {
        let recorder = Arc::new(Recorder::default());
        let host = builder().hook(recorder.clone()).build().unwrap();
        let app = host.load("hook-wasi", wasi(), settings()).await.unwrap();
        let served = serve_app("hook-wasi", app).await;
        assert_eq!(served.get("/report").await.status(), 200);
        assert_eq!(
            recorder.called(),
            [
                "wasi:clocks/monotonic-clock#now",
                "wasi:clocks/monotonic-clock#subscribe-duration",
                "wasi:clocks/monotonic-clock#subscribe-duration",
                "wasi:io/poll#[method]pollable.ready",
                "wasi:io/poll#poll",
                "wasi:io/poll#[method]pollable.block",
                "wasi:clocks/monotonic-clock#now",
                "wasi:clocks/wall-clock#now",
                "wasi:random/random#get-random-bytes",
                "wasi:random/random#get-random-u64",
                "wasi:cli/environment#get-environment",
                "wasi:cli/environment#initial-cwd",
                "wasi:filesystem/preopens#get-directories",
            ]
        );
        assert_eq!(
            recorder.after.lock().unwrap().len(),
            recorder.called().len()
        );
    });
}

/// Keeps the steps of a request.
#[derive(Default)]
struct Steps(Mutex<Vec<&'static str>>, tokio::sync::Notify);

impl Hook for Steps {
    fn began(&self, _: &str) {
        self.0.lock().unwrap().push("began");
    }

    fn instantiated(&self, _: &str) {
        self.0.lock().unwrap().push("instantiated");
    }

    fn before(&self, call: &Call<'_>) -> Option<Value> {
        assert_eq!(call.function, "log");
        self.0.lock().unwrap().push("after-reply logs");
        None
    }

    fn failed(&self, _: &str, _: &str) {
        self.0.lock().unwrap().push("failed");
    }

    fn returned(&self, _: &str) {
        self.0.lock().unwrap().push("returned");
    }

    fn ended(&self, _: &str) {
        self.0.lock().unwrap().push("ended");
        self.1.notify_one();
    }
}

#[test]
fn a_hook_sees_the_steps_of_a_request_in_order() {
    run(async {
        let steps = Arc::new(Steps::default());
        let host = builder().hook(steps.clone()).build().unwrap();
        let served = serve_on(&host, "hook-steps", settings()).await;
        for (target, status, between) in [
            ("/report", 200, "after-reply logs"),
            ("/trap", 500, "failed"),
        ] {
            assert_eq!(served.get(target).await.status(), status);
            steps.1.notified().await;
            let seen = std::mem::take(&mut *steps.0.lock().unwrap());
            assert_eq!(
                seen,
                ["began", "instantiated", between, "returned", "ended"]
            );
        }
    });
}

#[test]
fn a_trap_reaches_the_hook() {
    run(async {
        let recorder = Arc::new(Recorder::default());
        let host = builder().hook(recorder.clone()).build().unwrap();
        let served = serve_on(&host, "hook-trap", settings()).await;
        assert_eq!(served.get("/panic?text=ouch").await.status(), 500);
        let after = recorder.after.lock().unwrap();
        assert!(
            after[0].starts_with("abort Err(") && after[0].contains("ouch"),
            "{after:?}"
        );
    });
}

/// Answers the functions it has an answer for.
struct Answers(BTreeMap<&'static str, Value>);

impl Hook for Answers {
    fn before(&self, call: &Call<'_>) -> Option<Value> {
        self.0.get(call.function).cloned()
    }
}

/// Answers each `wait` in turn, but for those that are `false`.
struct Waits(Mutex<Vec<Value>>);

impl Hook for Waits {
    fn before(&self, call: &Call<'_>) -> Option<Value> {
        let mut answers = self.0.lock().unwrap();
        if call.function != "wait" || answers.is_empty() {
            return None;
        }
        let answer = answers.remove(0);
        (answer != Value::Bool(false)).then_some(answer)
    }
}

fn ok(value: Value) -> Value {
    Value::Result(Ok(Some(Box::new(value))))
}

#[test]
fn a_hook_s_answer_takes_the_place_of_the_result() {
    run(async {
        let field = |name: &'static str, value| (Cow::Borrowed(name), value);
        let entry = Value::Record(vec![
            field("value", Value::Bytes(b"injected".to_vec())),
            field("version", Value::Unsigned(9)),
            field("metadata", Value::Bytes(Vec::new())),
            field("expires-in-ms", Value::Option(None)),
        ]);
        let conflict = Value::Case("conflict".into(), None);
        let answers = Answers(BTreeMap::from([
            (
                "[method]store.get",
                ok(Value::Option(Some(Box::new(entry)))),
            ),
            (
                "[method]store.set",
                Value::Result(Err(Some(Box::new(conflict)))),
            ),
            ("now", Value::Unsigned(42)),
            ("random", Value::Bytes(b"dice".to_vec())),
        ]));
        let host = builder().hook(Arc::new(answers)).build().unwrap();
        let served = serve_on(&host, "hook-answers", settings()).await;
        let reply = served
            .get("/kv?store=store&op=get/key&op=set/key/1&op=exists/key")
            .await;
        assert_eq!(
            reply.text(),
            "injected@-1\nerror KvError::Conflict\nfalse\n"
        );
        let reply = served.get("/system").await;
        assert_eq!(reply.line("now "), "42");
        assert_eq!(reply.line("random "), "4 dice");
    });
}

/// What a call would have taken goes when a hook answers it: here a request on its way, whose connection
/// closes.
#[test]
fn a_handle_that_a_hook_s_answer_leaves_over_is_dropped() {
    run(async {
        let (steps, mut step) = tokio::sync::mpsc::unbounded_channel();
        let upstream = Upstream::script(move |mut wire| {
            let steps = steps.clone();
            async move {
                while wire.request().await.is_some() {
                    steps.send("asked").unwrap();
                }
                steps.send("closed").unwrap();
            }
        })
        .await;
        let denied = Value::Case(Cow::Borrowed("denied"), None);
        let denied = Value::Result(Err(Some(Box::new(denied))));
        let answers = Waits(Mutex::new(vec![Value::Bool(false), denied]));
        let host = builder().hook(Arc::new(answers)).build().unwrap();
        let served = serve_on(&host, "hook-handles", settings()).await;
        // The first wait is for a gate, and so is what keeps the instance afterwards.
        let gate = Gate::new().await;
        let (first, second) = (q(&gate.url()), q(&upstream.url("/")));
        let after = q(&first);
        let mut wire = served.connect().await;
        let target = format!("/many?url={first}&url={second}&after={after}");
        wire.send(format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n"))
            .await;
        assert_eq!(step.recv().await, Some("asked"));
        gate.open();
        let report = wire.response().await.text();
        assert_eq!(report, "status 200\nerror FetchError::Denied\n");
        assert_eq!(step.recv().await, Some("closed"));
    });
}

#[test]
fn a_hook_s_answer_of_another_type_is_a_trap_that_says_so() {
    run(async {
        let answers = Answers(BTreeMap::from([("now", Value::Text("noon".to_owned()))]));
        let host = builder().hook(Arc::new(answers)).build().unwrap();
        let served = serve_on(&host, "hook-misfit", settings()).await;
        let reply = served.get("/system").await;
        assert_eq!((reply.status(), reply.text().as_str()), (500, ""));
        let line = events::message("hook-misfit", "hook").await;
        let said =
            "the hook's answer to edge:sdk/system@0.1.0#now: expected u64, found Text(\"noon\")";
        assert!(line.message().starts_with(said), "{}", line.message());
    });
}

/// Functions that the host has no types for are known by their component's.
#[test]
fn a_hook_answers_what_the_host_refuses_of_wasi() {
    run(async {
        let text = |text: &str| Value::Text(text.to_owned());
        let variables = Value::List(vec![Value::Tuple(vec![text("HOME"), text("/home")])]);
        let invalid = Value::Case("invalid-argument".into(), None);
        let answers = Answers(BTreeMap::from([
            ("get-environment", variables),
            ("initial-cwd", Value::Option(Some(Box::new(text("/here"))))),
            (
                "create-tcp-socket",
                Value::Result(Err(Some(Box::new(invalid)))),
            ),
            ("get-arguments", Value::List(vec![Value::Unsigned(1)])),
            (
                "create-udp-socket",
                Value::Result(Ok(Some(Box::new(Value::Handle(1))))),
            ),
        ]));
        let host = builder().hook(Arc::new(answers)).build().unwrap();
        let app = host.load("hook-typed", wasi(), settings()).await.unwrap();
        let served = serve_app("hook-typed", app).await;
        for (function, told) in [
            ("get-environment", "[(\"HOME\", \"/home\")]"),
            ("initial-cwd", "Some(\"/here\")"),
            ("create-tcp-socket", "Err(\"invalid-argument\")"),
        ] {
            let reply = served.get(&format!("/{function}")).await;
            assert_eq!(reply.text(), told, "{function}");
        }
        for (function, why) in [
            ("get-arguments", "expected a string, found Unsigned(1)"),
            (
                "create-udp-socket",
                "expected a handle, which only the host makes here, found Handle(1)",
            ),
        ] {
            assert_eq!(served.get(&format!("/{function}")).await.status(), 500);
            let line = events::message("hook-typed", function).await;
            assert!(line.message().contains(why), "{}", line.message());
        }
    });
}

/// The WIT, and the world of an application in it.
pub fn imports_of_the_wit() -> (Resolve, WorldId) {
    let mut resolve = Resolve::default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("wit");
    let (package, _) = resolve.push_path(&folder).unwrap();
    let world = resolve.select_world(&[package], Some("app")).unwrap();
    (resolve, world)
}

/// The functions of each imported interface by the WIT.
pub fn functions_of_the_wit() -> BTreeSet<String> {
    let (resolve, world) = imports_of_the_wit();
    let mut functions = BTreeSet::new();
    for (key, item) in &resolve.worlds[world].imports {
        let wit_parser::WorldItem::Interface { id, .. } = item else {
            panic!("{key:?} is no interface");
        };
        for function in resolve.interfaces[*id].functions.values() {
            assert!(!matches!(function.kind, FunctionKind::Static(_)));
            let interface = resolve.name_world_key(key);
            functions.insert(format!("{interface}#{}", function.name));
        }
    }
    functions
}

#[test]
fn a_component_that_imports_every_function_of_the_wit_links() {
    let engine = Engine::default();
    let component = Component::new(&engine, raw()).unwrap();
    let mut imported = BTreeSet::new();
    for (interface, import) in component.component_type().imports(&engine) {
        let ComponentItem::ComponentInstance(instance) = import.ty else {
            panic!("{interface} is no interface");
        };
        for (item, export) in instance.exports(&engine) {
            if matches!(export.ty, ComponentItem::ComponentFunc(_)) {
                imported.insert(format!("{interface}#{item}"));
            }
        }
    }
    assert_eq!(imported, functions_of_the_wit());
    run(async {
        let loaded = crate::support::host().load("all", raw(), settings()).await;
        assert!(loaded.is_ok(), "{:?}", loaded.err());
    });
}

/// Panics where it is asked of `delete` and `send`, and once a request is over.
#[derive(Default)]
struct Panicking {
    ended: Mutex<usize>,
}

impl Hook for Panicking {
    fn before(&self, call: &Call<'_>) -> Option<Value> {
        let panics = call.function.ends_with("delete") || call.function == "send";
        assert!(!panics, "a panic of the test");
        None
    }

    fn returned(&self, _: &str) {
        panic!("another");
    }

    fn ended(&self, _: &str) {
        *self.ended.lock().unwrap() += 1;
    }
}

#[test]
fn a_panic_of_the_host_itself_is_a_500_with_a_line() {
    run(async {
        let hook = Arc::new(Panicking::default());
        let host = builder().hook(hook.clone()).build().unwrap();
        let served = serve_on(&host, "host-panics", settings()).await;
        let reply = served.get("/kv?store=store&op=delete/key").await;
        assert_eq!((reply.status(), reply.text().as_str()), (500, ""));
        let line = events::line("host-panics", 1).await;
        assert_eq!(line.field("status"), "500");
        let error = events::message("host-panics", "the host itself panicked: ").await;
        assert!(
            error.message().ends_with("a panic of the test"),
            "{error:?}"
        );
        assert_eq!(error.field("request"), line.field("request"));
        // In the middle of a reply it is cut.
        let reply = served
            .get("/source?pieces=2&gate=http%3A%2F%2F127.0.0.1%2F")
            .await;
        assert_eq!((reply.status(), reply.complete), (200, false));
        let line = events::line("host-panics", 2).await;
        assert_eq!(line.message(), "GET /source 200, incomplete");
        // Once the reply has gone out nothing of it is lost.
        assert_eq!(served.get("/report").await.status(), 200);
        events::message("host-panics", "panicked: another").await;
        let lines = events::of("host-panics");
        let lines = lines.iter().filter(|it| it.target == "edgewit::request");
        assert_eq!(
            lines.map(|it| it.field("status")).collect::<Vec<_>>(),
            ["500", "200", "200"]
        );
        while *hook.ended.lock().unwrap() < 3 {
            tokio::task::yield_now().await;
        }
    });
}
