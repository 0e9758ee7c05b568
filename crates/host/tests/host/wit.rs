//! The raw guest calls each function of the WIT in success, and meets each error that a host can produce by
//! itself; what is missing is named.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use edgewit_host::kv::File;
use edgewit_host::{Call, Hook, Host, Settings, Value};
use edgewit_manifest::{Limits, Store};
use socket2::{Domain, SockRef, Socket};
use wit_parser::{Function, Resolve, Type, TypeDefKind, WorldItem};

use crate::events;
use crate::seam::{functions_of_the_wit, imports_of_the_wit};
use crate::support::{Served, UNKNOWN, builder, limited, q, run, serve_on, settings, steps, tls};
use crate::upstream::{Gate, Upstream, bare, ok, refusing};
use crate::wire::Wire;

/// Errors that a function's type allows and the host does not produce there by itself: functions, cases, and why.
#[rustfmt::skip]
const NOT_BY_ITSELF: &[(&[&str], &[&str], &str)] = &[
    (&["send", "send-streaming"],
        &["dns", "connection-refused", "connect-timeout", "connection-closed", "tls-certificate", "tls-protocol",
          "first-byte-timeout", "deadline", "request-body", "protocol", "redirect", "too-many-redirects", "other"],
        "they do not wait: what the network says shows at `wait`"),
    (&["wait"], &["limit"], "what would pass a limit is not sent"),
    (&["wait"], &["invalid-request"], "nor is what can't be, and a location that can't be is a redirect's"),
    (&["wait"], &["other"], "what has no case of its own: none is known"),
    (&["[method]incoming-body.read"], &["unwanted"], "of uploads alone: whoever reads wants it"),
    (&["[method]incoming-body.read"], &["other"], "what has no case of its own: none is known"),
    (&["[method]outgoing-body.write", "finish"], &["too-large"], "a body that is sent has no limit"),
    (&["[method]outgoing-body.write"], &["incomplete"], "it is not known to be before its end"),
    (&["open"], &["invalid-key", "invalid-argument", "value-too-large", "conflict", "not-a-number", "overflow", "other"],
        "it reads and writes nothing"),
    (&["[method]store.get", "[method]store.get-many", "[method]store.set", "[method]store.delete",
       "[method]store.exists", "[method]store.increment", "[method]store.keys"],
        &["no-such-store"], "what was opened is there"),
    (&["[method]store.get", "[method]store.get-many", "[method]store.exists", "[method]store.keys"], &["denied"],
        "what was opened may be read"),
    (&["[method]store.get", "[method]store.get-many", "[method]store.delete", "[method]store.exists",
       "[method]store.increment", "[method]store.keys"],
        &["conflict"], "they have no condition"),
    (&["[method]store.get", "[method]store.get-many", "[method]store.set", "[method]store.delete",
       "[method]store.exists", "[method]store.keys"],
        &["not-a-number", "overflow"], "they do not count"),
    (&["[method]store.get", "[method]store.delete", "[method]store.exists"], &["invalid-argument"],
        "a key is all that they are given"),
    (&["[method]store.get", "[method]store.delete", "[method]store.exists", "[method]store.keys"],
        &["value-too-large"], "what was written is within the limit, and comes alone or not at all"),
    (&["[method]store.increment"], &["value-too-large"], "a number is short"),
    (&["[method]store.delete", "[method]store.keys"], &["other"],
        "a record that can't be read is deleted and listed like any; no host damages the file around it"),
    (&["[method]store.keys"], &["invalid-key"], "a prefix need not be a key"),
];

/// The functions that returned, and the errors that they returned, each with its function.
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
        let function = format!("{}#{}", call.interface, call.function);
        match result {
            Ok(Value::Result(Err(Some(error)))) => {
                let Value::Case(case, _) = &**error else {
                    panic!("{} {error:?}", call.function);
                };
                let error = format!("{function} {case}");
                self.errors.lock().unwrap().insert(error);
            }
            // One does not return.
            Err(_) if call.function != "abort" => {}
            _ => {
                self.functions.lock().unwrap().insert(function);
            }
        }
    }
}

/// The cases of the error that a function of the WIT may return.
fn cases_of<'a>(resolve: &'a Resolve, function: &Function) -> Vec<&'a str> {
    let named = |ty: &Type| match ty {
        Type::Id(id) => Some(&resolve.types[*id].kind),
        _ => None,
    };
    // A type that comes from another interface is an alias.
    let mut kind = function.result.as_ref().and_then(named);
    if let Some(TypeDefKind::Result(result)) = kind {
        kind = result.err.as_ref().and_then(named);
    }
    while let Some(TypeDefKind::Type(aliased)) = kind {
        kind = named(aliased);
    }
    match kind {
        Some(TypeDefKind::Variant(variant)) => variant
            .cases
            .iter()
            .map(|case| case.name.as_str())
            .collect(),
        _ => Vec::new(),
    }
}

/// Every error of every function that the WIT imports.
fn errors_of_the_wit() -> BTreeSet<String> {
    let mut errors = BTreeSet::new();
    let (resolve, world): (Resolve, _) = imports_of_the_wit();
    for (key, item) in &resolve.worlds[world].imports {
        let WorldItem::Interface { id, .. } = item else {
            continue;
        };
        let interface = resolve.name_world_key(key);
        for function in resolve.interfaces[*id].functions.values() {
            let cases = cases_of(&resolve, function).into_iter();
            errors.extend(cases.map(|case| format!("{interface}#{} {case}", function.name)));
        }
    }
    errors
}

/// Whether the list above has the error, and counts it in.
fn is_not_by_itself(error: &str) -> bool {
    let (function, case) = error.split_once(' ').expect("a function and a case");
    let function = function.split_once('#').expect("an interface").1;
    let has = |(functions, cases, _): &(&[&str], &[&str], &str)| {
        functions.contains(&function) && cases.contains(&case)
    };
    NOT_BY_ITSELF.iter().any(has)
}

#[test]
fn every_function_and_every_error_of_the_wit_is_met() {
    run(async {
        let met = Arc::new(Met::default());
        let host = builder().hook(met.clone()).build().unwrap();
        let served = serve_on(&host, "met", settings()).await;
        call_the_rest(&served).await;
        stores(&host, &served).await;
        requests_that_fail(&host, &served).await;
        servers_that_fail(&served).await;
        limits(&host).await;
        bodies(&host, &served).await;
        uploads(&host, &served).await;
        let called = met.functions.lock().unwrap().clone();
        let missing: Vec<_> = functions_of_the_wit()
            .difference(&called)
            .cloned()
            .collect();
        assert!(missing.is_empty(), "never called: {missing:#?}");
        let met = met.errors.lock().unwrap().clone();
        let known = errors_of_the_wit();
        let missing = known
            .difference(&met)
            .filter(|error| !is_not_by_itself(error));
        let missing: Vec<_> = missing.collect();
        assert!(missing.is_empty(), "never met: {missing:#?}");
        let listed: Vec<_> = met.iter().filter(|error| is_not_by_itself(error)).collect();
        assert!(listed.is_empty(), "met, and said not to be: {listed:#?}");
        // Both sides know the same names, else nothing could be missing.
        let unknown: Vec<_> = met.difference(&known).collect();
        assert!(unknown.is_empty(), "not of the WIT: {unknown:#?}");
        let entries = NOT_BY_ITSELF
            .iter()
            .map(|it| it.0.len() * it.1.len())
            .sum::<usize>();
        let listed = known.iter().filter(|error| is_not_by_itself(error)).count();
        assert_eq!(
            entries, listed,
            "an entry that is none of the WIT's, or is there twice"
        );
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

async fn take_ops(served: &Served, store: &str, ops: &[&str]) {
    let ops: String = ops.iter().map(|op| format!("&op={}", q(op))).collect();
    let target = format!("/kv?store={store}{ops}");
    assert_eq!(served.get(&target).await.status(), 200);
}

async fn stores(host: &Host, served: &Served) {
    #[rustfmt::skip]
    take_ops(served, "store", &[
        "set/a/1", "get/a", "get-many/a/b", "exists/a", "increment/a/1", "keys//10", "delete/a",
        "set/text/x", "increment/text/1", "set/most/9223372036854775807", "increment/most/1",
        "set-if-absent/text/1",
        "get/", "get-many/", "set//x", "delete/", "exists/", "increment//1",
        "get-same/a/1001", "set/a/1/0", "increment/a/1/0", "keys//0",
    ])
    .await;
    take_ops(served, "other", &[]).await;
    let none = Settings {
        kv: None,
        ..settings()
    };
    take_ops(&serve_on(host, "met-no-store", none).await, "store", &[]).await;
    let small = Limits {
        kv_value_bytes: 10,
        ..Limits::default()
    };
    let mut small = limited(small);
    let fixed = Store::ReadOnly {
        values: Default::default(),
        env: Vec::new(),
    };
    small.grants.kv.insert("fixed".to_owned(), fixed);
    let small = serve_on(host, "met-small", small).await;
    let ops = ["set-bytes/a/11", "set-bytes/a/8", "get-same/a/2"];
    take_ops(&small, "store", &ops).await;
    let ops = ["set/a/1", "delete/a", "increment/a/1"];
    take_ops(&small, "fixed", &ops).await;
    for (name, kv_operations) in [("met-none", 0), ("met-one", 1)] {
        let few = Limits {
            kv_operations,
            ..Limits::default()
        };
        let few = serve_on(host, name, limited(few)).await;
        take_ops(&few, "store", &EACH).await;
    }
    damaged_store(host).await;
}

/// Each function of a store once, on a key that has a value, and a write that looks at it.
const EACH: [&str; 7] = [
    "get/a",
    "get-many/a",
    "exists/a",
    "keys//10",
    "set-if-absent/a/1",
    "increment/a/1",
    "delete/a",
];

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
    take_ops(&damaged, "store", &EACH).await;
}

async fn requests_that_fail(host: &Host, served: &Served) {
    for url in ["http://denied.example/", "ftp://a.test/"] {
        fetch(served, url, "").await;
        take(served, &[&format!("stream:{url}")], "").await;
    }
    fetch(served, "http://nowhere.test/", "").await;
    let redirecting = Upstream::answering(|request| {
        let location = match request.head.start.split(' ').nth(1).unwrap_or_default() {
            "/denied" => "http://denied.example/",
            // Longer than any URI that can be sent.
            "/long" => return bare(307, &format!("location: /{}\r\n", "l".repeat(70_000))),
            _ => "/",
        };
        bare(307, &format!("location: {location}\r\n"))
    })
    .await;
    for path in ["/", "/denied", "/long"] {
        fetch(served, &redirecting.url(path), "").await;
    }
    fetch(served, &redirecting.url("/"), "&redirect=error").await;
    let none = Limits {
        fetches: 0,
        ..Limits::default()
    };
    let none = serve_on(host, "met-no-fetch", limited(none)).await;
    take(&none, &["stream:http://127.0.0.1:1/"], "").await;
}

/// A port of this machine at which connections are neither taken nor refused.
fn full() -> (Socket, Vec<Socket>, String) {
    let address = "127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap();
    let listener = Socket::new(Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    listener.bind(&address.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let waiting = |_| {
        let socket = Socket::new(Domain::IPV4, socket2::Type::STREAM, None).unwrap();
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
    let (_socket, port) = refusing();
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
    let no_http = "no HTTP\r\n\r\n";
    let no_tls = Upstream::script(move |mut wire| async move {
        wire.send(no_http).await;
        wire.request().await;
    })
    .await;
    let url = format!("https://localhost:{}/", no_tls.address.port());
    fetch(served, &url, "").await;
    for answer in ["", no_http] {
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

/// Bodies that break off, each in its own way.
async fn bodies(host: &Host, served: &Served) {
    let upstream = Upstream::script(|mut wire| async move {
        let head = wire.head().await.expect("a request");
        wire.send("HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\nabc")
            .await;
        if head.start.contains("/stuck") {
            wire.request().await;
        }
    })
    .await;
    fetch(served, &upstream.url("/incomplete"), "").await;
    fetch(served, &upstream.url("/stuck"), "&between-bytes-ms=100").await;
    // A client that resets its connection.
    let gate = Gate::new().await;
    let stream = tokio::net::TcpStream::connect(served.address)
        .await
        .unwrap();
    let at_once = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    at_once.unwrap();
    let mut wire = Wire::new(stream);
    let pass = format!("pass:{}", gate.url());
    let target = steps(&[&*pass, "read-once:0", "read-once:0"]);
    wire.send(format!(
        "POST {target} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
    ))
    .await;
    gate.arrived(1).await;
    drop(wire);
    gate.open();
    events::message("met", "read-once: error BodyError::Closed").await;
    let large = Limits {
        request_body_bytes: 4,
        ..Limits::default()
    };
    let large = serve_on(host, "met-large", limited(large)).await;
    large
        .send("POST /read HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n")
        .await;
}

/// Uploads that end early, seen by whoever writes and whoever finishes.
async fn uploads(host: &Host, served: &Served) {
    let stream = |url: String| format!("stream:{url}");
    let takes = Upstream::answering(|_| ok("")).await;
    let list = [&*stream(takes.url("/")), "write:1", "finish", "wait:0"];
    take(served, &list, "&field=content-length:5").await;
    take(served, &list, "&trailer=a%20b:1").await;
    let more = [&*stream(takes.url("/")), "write:1", "write:1"];
    take(served, &more, "&field=content-length:1").await;
    let pass = format!("pass:{}", takes.url("/"));
    for last in ["write-on", "finish"] {
        let list = [&*stream(takes.url("/")), "drop-pending:0", &pass, last];
        take(served, &list, "").await;
    }
    let answers = Upstream::script(|mut wire| async move {
        wire.head().await;
        wire.send(ok("")).await;
    })
    .await;
    // Once a write is told, the connection has let go, and the end is told the same.
    let list = [
        &*stream(answers.url("/")),
        "write:1",
        "subscribe:pending 0",
        "poll:0",
        "write-on",
        "finish",
    ];
    take(served, &list, "").await;
    let limits = Limits {
        idle_ms: 100,
        ..Limits::default()
    };
    let late = serve_on(host, "met-late", limited(limits)).await;
    let silent = silent().await;
    take(&late, &[&stream(silent.url("/")), "write-on"], "").await;
    events::message("met-late", "write-on: BodyError::Timeout").await;
    let list = [
        &*stream(silent.url("/")),
        "write:1",
        "subscribe:pending 0",
        "poll:0",
        "finish",
    ];
    take(served, &list, "&total-ms=200").await;
}
