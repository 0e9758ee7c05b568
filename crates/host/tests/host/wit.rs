//! The raw guest calls each function of the WIT in success, and meets each error that a host can produce by
//! itself; what is missing is named.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use edgewit_host::kv::File;
use edgewit_host::{Call, Hook, Host, Settings, Value};
use edgewit_manifest::{Limits, Store};
use socket2::{Domain, Socket, Type};
use wit_parser::{Resolve, TypeDefKind, WorldItem};

use crate::events;
use crate::seam::{functions_of_the_wit, imports_of_the_wit};
use crate::support::{Served, UNKNOWN, builder, limited, q, run, serve_on, settings, steps, tls};
use crate::upstream::{Upstream, bare, ok};

/// What no host produces by itself.
const NOT_BY_ITSELF: [&str; 1] = [
    // Whatever has no case of its own: none is known.
    "fetch-error.other",
];

/// The functions that returned, and the errors that they returned.
#[derive(Default)]
struct Met {
    functions: Mutex<BTreeSet<String>>,
    errors: Mutex<BTreeSet<String>>,
}

impl Hook for Met {
    fn before(&self, _: &Call<'_>) -> Option<Value> {
        None
    }

    fn after(&self, call: &Call<'_>, result: Result<&Value, &str>) {
        match result {
            Ok(Value::Result(Err(Some(error)))) => {
                let Value::Case(case, _) = &**error else {
                    panic!("{} {error:?}", call.function);
                };
                let error = format!("{}.{case}", error_of(call));
                self.errors.lock().unwrap().insert(error);
            }
            // One does not return.
            Err(_) if call.function != "abort" => {}
            _ => {
                let function = format!("{}#{}", call.interface, call.function);
                self.functions.lock().unwrap().insert(function);
            }
        }
    }
}

/// The type of a function's errors.
fn error_of(call: &Call<'_>) -> &'static str {
    if call.interface.contains("/kv@") {
        "kv-error"
    } else if matches!(call.function, "send" | "send-streaming" | "wait") {
        "fetch-error"
    } else {
        "body-error"
    }
}

/// The cases of every error of what the WIT imports.
fn errors_of_the_wit() -> BTreeSet<String> {
    let mut errors = BTreeSet::new();
    let (resolve, world): (Resolve, _) = imports_of_the_wit();
    for item in resolve.worlds[world].imports.values() {
        let WorldItem::Interface { id, .. } = item else {
            continue;
        };
        for (name, of) in &resolve.interfaces[*id].types {
            if let TypeDefKind::Variant(variant) = &resolve.types[*of].kind
                && name.ends_with("-error")
            {
                let cases = variant.cases.iter();
                errors.extend(cases.map(|case| format!("{name}.{}", case.name)));
            }
        }
    }
    errors
}

#[test]
fn every_function_and_every_error_of_the_wit_is_met() {
    run(async {
        let met = Arc::new(Met::default());
        let host = builder().hook(met.clone()).build().unwrap();
        let served = serve_on(&host, "met", settings()).await;
        call_the_rest(&served).await;
        stores(&host, &served).await;
        requests_that_fail(&served).await;
        servers_that_fail(&served).await;
        limits(&host).await;
        bodies(&host, &served).await;
        let called = met.functions.lock().unwrap().clone();
        let missing: Vec<_> = functions_of_the_wit()
            .difference(&called)
            .cloned()
            .collect();
        assert!(missing.is_empty(), "never called: {missing:#?}");
        let met = met.errors.lock().unwrap().clone();
        let known = errors_of_the_wit();
        let possible = known
            .iter()
            .filter(|it| !NOT_BY_ITSELF.contains(&it.as_str()));
        let missing: Vec<_> = possible.filter(|error| !met.contains(*error)).collect();
        assert!(missing.is_empty(), "never met: {missing:#?}");
        // Both sides know the same names, else nothing could be missing.
        let unknown: Vec<_> = met.difference(&known).collect();
        assert!(unknown.is_empty(), "not of the WIT: {unknown:#?}");
    });
}

/// Fetches, and the report does not matter.
async fn fetch(served: &Served, url: &str, more: &str) {
    let reply = served.get(&format!("/fetch?url={}{more}", q(url))).await;
    assert_eq!(reply.status(), 200);
}

async fn take(served: &Served, list: &[&str], more: &str) {
    served.get(&format!("{}{more}", steps(list))).await;
}

async fn call_the_rest(served: &Served) {
    let upstream = Upstream::answering(|_| ok("abc")).await;
    let (send, stream) = (
        format!("send:{}", upstream.url("/")),
        format!("stream:{}", upstream.url("/")),
    );
    let list = [
        &*send,
        "subscribe:client",
        "subscribe:pending 0",
        "ready:0",
        "poll:1",
        "wait:0",
        "subscribe:incoming 0",
        "read:0",
        &stream,
        "subscribe:outgoing 0",
        "write:3",
        "finish",
        "wait:1",
    ];
    take(served, &list, "").await;
    fetch(served, &upstream.url("/"), "").await;
    for target in ["/system?len=1", "/log?text=a", "/panic?text=a"] {
        served.get(target).await;
    }
}

async fn stores(host: &Host, served: &Served) {
    let ops = [
        "set/a/1",
        "get/a",
        "get-many/a/b",
        "exists/a",
        "increment/a/1",
        "keys//10",
        "delete/a",
        "set/text/x",
        "increment/text/1",
        "set/most/9223372036854775807",
        "increment/most/1",
        "set-if-absent/text/1",
        "get/",
        "keys//0",
    ];
    let ops: String = ops.iter().map(|op| format!("&op={}", q(op))).collect();
    served.get(&format!("/kv?store=store{ops}")).await;
    served.get("/kv?store=other").await;
    let none = Settings {
        kv: None,
        ..settings()
    };
    serve_on(host, "met-no-store", none)
        .await
        .get("/kv?store=store")
        .await;
    let few = Limits {
        kv_operations: 2,
        kv_value_bytes: 10,
        ..Limits::default()
    };
    let mut few = limited(few);
    let fixed = Store::ReadOnly {
        values: Default::default(),
        env: Vec::new(),
    };
    few.grants.kv.insert("fixed".to_owned(), fixed);
    let few = serve_on(host, "met-few", few).await;
    few.get("/kv?store=store&op=set-bytes/a/11&op=get/a").await;
    few.get("/kv?store=store&op=get/a&op=get/a").await;
    few.get("/kv?store=fixed&op=set/a/1").await;
    damaged_store(host).await;
}

/// A file of stores in which a record is none.
async fn damaged_store(host: &Host) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv");
    let database = redb::Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let entries = redb::TableDefinition::<(&str, &str), &[u8]>::new("entries");
        let mut entries = transaction.open_table(entries).unwrap();
        entries.insert(("store", "a"), b"short".as_slice()).unwrap();
    }
    transaction.commit().unwrap();
    drop(database);
    let damaged = Settings {
        kv: Some(Arc::new(File::open(&path).unwrap())),
        ..settings()
    };
    let damaged = serve_on(host, "met-damaged", damaged).await;
    damaged.get("/kv?store=store&op=get/a").await;
}

async fn requests_that_fail(served: &Served) {
    fetch(served, "http://denied.example/", "").await;
    fetch(served, "ftp://a.test/", "").await;
    fetch(served, "http://nowhere.test/", "").await;
    let redirecting = Upstream::answering(|_| bare(307, "location: /\r\n")).await;
    fetch(served, &redirecting.url("/"), "").await;
    fetch(served, &redirecting.url("/"), "&redirect=error").await;
}

/// A port of this machine at which connections are neither taken nor refused.
fn full() -> (Socket, Vec<Socket>, String) {
    let address = "127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap();
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&address.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let waiting = |_| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        let _ = socket.connect(&address);
        socket
    };
    let waiting = (0..8).map(waiting).collect();
    let url = format!("http://{}/", address.as_socket().unwrap());
    (listener, waiting, url)
}

/// A server that says nothing.
async fn silent() -> Upstream {
    Upstream::script(|wire| async move {
        let _open = wire;
        std::future::pending().await
    })
    .await
}

async fn servers_that_fail(served: &Served) {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    fetch(served, &format!("http://127.0.0.1:{port}/"), "").await;
    let (_listener, _waiting, url) = full();
    fetch(served, &url, "&connect-ms=200").await;
    let unknown = Upstream::over_tls(tls(&UNKNOWN), |_| ok("")).await;
    fetch(
        served,
        &format!("https://localhost:{}/", unknown.address.port()),
        "",
    )
    .await;
    for answer in ["", "no HTTP\r\n\r\n"] {
        let upstream = Upstream::script(move |mut wire| async move {
            wire.send(answer).await;
            wire.request().await;
        })
        .await;
        fetch(
            served,
            &format!("https://localhost:{}/", upstream.address.port()),
            "",
        )
        .await;
        let upstream = Upstream::script(move |mut wire| async move {
            wire.request().await;
            wire.send(answer).await;
        })
        .await;
        fetch(served, &upstream.url("/"), "").await;
    }
    let silent = silent().await;
    fetch(served, &silent.url("/"), "&first-byte-ms=100").await;
    fetch(served, &silent.url("/"), "&total-ms=100").await;
}

async fn limits(host: &Host) {
    let upstream = Upstream::answering(|_| ok("abcde")).await;
    let limits = Limits {
        fetches: 1,
        fetched_body_bytes: 4,
        ..Limits::default()
    };
    let served = serve_on(host, "met-limits", limited(limits)).await;
    let url = q(&upstream.url("/"));
    served.get(&format!("/many?url={url}&url={url}")).await;
    fetch(&served, &upstream.url("/"), "").await;
}

async fn bodies(host: &Host, served: &Served) {
    let stream = |url: String| format!("stream:{url}");
    let takes = Upstream::answering(|_| ok("")).await;
    let list = [&*stream(takes.url("/")), "write:1", "finish", "wait:0"];
    take(served, &list, "&field=content-length:5").await;
    take(served, &list, "&trailer=a%20b:1").await;
    let list = [&*stream(takes.url("/")), "drop-pending:0", "write-on"];
    take(served, &list, "").await;
    let answers = Upstream::script(|mut wire| async move {
        wire.head().await;
        wire.send(ok("")).await;
    })
    .await;
    take(served, &[&stream(answers.url("/")), "write-on"], "").await;
    let limits = Limits {
        idle_ms: 100,
        ..Limits::default()
    };
    let late = serve_on(host, "met-late", limited(limits)).await;
    let silent = silent().await;
    take(&late, &[&stream(silent.url("/")), "write-on"], "").await;
    events::message("met-late", "write-on: BodyError::Timeout").await;
}
