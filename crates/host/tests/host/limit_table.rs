//! The whole table of limits: each is passed over a socket, while fifty other requests are under way.

use std::collections::BTreeSet;

use edgewit_host::Host;
use edgewit_manifest::Limits;

use crate::events;
use crate::support::{Served, builder, limited, q, run, serve_on};
use crate::upstream::{Gate, Upstream, ok};
use crate::wire::Wire;

/// So many requests are under way all the time.
const OTHERS: usize = 50;

/// One limit, and what comes of going past it.
struct Row {
    limit: &'static str,
    set: fn(&mut Limits),
    ask: Ask,
    status: u16,
    body: &'static str,
    /// What a line of the application's log holds.
    log: &'static str,
}

/// What is sent. `{gate}` and `{server}` stand for a server that never answers and for one that does, each as a value
/// in a query; `{long}` stands for a thousand letters.
enum Ask {
    Get(&'static str),
    /// A whole head, and of a body what there is.
    Send(&'static str),
    /// The second target, while the first one waits at the gate.
    Beside(&'static str, &'static str),
}

use Ask::{Beside, Get, Send};

const fn row(
    limit: &'static str,
    set: fn(&mut Limits),
    ask: Ask,
    status: u16,
    body: &'static str,
    log: &'static str,
) -> Row {
    Row {
        limit,
        set,
        ask,
        status,
        body,
        log,
    }
}

#[rustfmt::skip]
const TABLE: &[Row] = &[
    row("memory-bytes", |it| it.memory_bytes = 4 << 20, Get("/grow?bytes=8000000"), 500, "",
        "memory-bytes: limit 4194304, met "),
    row("guest-ms", |it| it.guest_ms = 100, Get("/loop"), 504, "", "guest time: limit 100 ms, met "),
    row("head-ms", |it| it.head_ms = 200, Get("/fetch?url={gate}"), 504, "", "no reply within 200 ms (head-ms)"),
    row("after-reply-ms", |it| it.after_reply_ms = 100, Get("/reply?bytes=abc&after={gate-twice}"), 200, "abc",
        "after-reply took longer than 100 ms (after-reply-ms)"),
    row("request-read-ms", |it| it.request_read_ms = 100, Send("POST / HTTP/1.1\r\ncontent-length: 9\r\n"), 408, "",
        "request-read-ms: limit 100, met 0 of 9 bytes"),
    row("idle-ms", |it| it.idle_ms = 100, Send("POST /read HTTP/1.1\r\ntransfer-encoding: chunked\r\n"), 200,
        "length None\nerror BodyError::Timeout\nerror BodyError::Timeout\n", "idle-ms: limit 100 "),
    row("source-import-ms", |it| it.source_import_ms = 100, Get("/source?pieces=1&gate={gate-twice}"), 200, "",
        "the reply was cut: source-import-ms: limit 100 ms"),
    row("uri-bytes", |it| it.uri_bytes = 100, Get("/{long}"), 414, "", "uri-bytes: limit 100, met 1001"),
    row("request-head-bytes", |it| it.request_head_bytes = 1000, Send("GET / HTTP/1.1\r\nx: {long}\r\n"), 431, "",
        "request-head-bytes: limit 1000, met 10"),
    row("request-fields", |it| it.request_fields = 1, Send("GET / HTTP/1.1\r\na: 1\r\n"), 431, "",
        "request-fields: limit 1, met 2"),
    row("request-body-bytes", |it| it.request_body_bytes = 8, Send("POST / HTTP/1.1\r\ncontent-length: 9\r\n"), 413, "",
        "request-body-bytes: limit 8, met 9"),
    row("fetched-body-bytes", |it| it.fetched_body_bytes = 1, Get("/proxy?url={server}"), 200, "",
        "the reply was cut: fetched-body-bytes: limit 1, met "),
    row("reply-head-bytes", |it| it.reply_head_bytes = 256, Get("/reply?filler=20"), 500, "",
        "reply-head-bytes: limit 256, met "),
    row("reply-fields", |it| it.reply_fields = 5, Get("/reply?filler=6"), 500, "", "reply-fields: limit 5, met 6"),
    // The second queues behind the first, and no error says so.
    row("fetches-waiting", |it| it.fetches_waiting = 1,
        Get("/steps?step=send:{gate}&step=send:{server}&step=subscribe:pending+1&step=poll:0,300"), 200,
        "send: Ok(())\nsend: Ok(())\nsubscribe: pollable 0\npoll: []\n", "GET /steps 200"),
    row("fetches", |it| it.fetches = 1, Get("/many?url={server}&url={server}"), 200,
        "status 200\nerror FetchError::Limit(\"fetches: limit 1, met 2 in a request\")\n",
        "fetches: limit 1, met 2"),
    row("fetches-open", |it| it.fetches_open = 1, Get("/many?url={server}&url={server}"), 200,
        "status 200\nerror FetchError::Limit(\"fetches-open: limit 1, met 2 requests and unread bodies\")\n",
        "fetches-open: limit 1, met 2"),
    row("hops", |it| it.hops = 1, Send("GET /fetch?url={server} HTTP/1.1\r\ncdn-loop: edgewit\r\n"), 200,
        "error FetchError::Limit(\"hops: limit 1, met 2 through this host\")\n", "hops: limit 1, met 2"),
    row("kv-operations", |it| it.kv_operations = 2, Get("/kv?store=store&op=get/a&op=get/a&op=get/a"), 200,
        "absent\nerror KvError::Unavailable(\"kv-operations: limit 2, met 3\")\n\
         error KvError::Unavailable(\"kv-operations: limit 2, met 4\")\n",
        "kv-operations: limit 2, met 3"),
    row("kv-value-bytes", |it| it.kv_value_bytes = 10, Get("/kv?store=store&op=set-bytes/a/11"), 200,
        "error KvError::ValueTooLarge(10)\n", "kv-value-bytes: limit 10, met 11"),
    row("kv-metadata-bytes", |it| it.kv_metadata_bytes = 10, Get("/kv?store=store&op=set-bytes/a/1/11"), 200,
        "error KvError::InvalidArgument(\"metadata: 11 bytes, at most 10\")\n",
        "kv-metadata-bytes: limit 10, met 11"),
    row("log-bytes", |it| it.log_bytes = 1000, Get("/log?bytes=300&lines=10"), 200, "logged",
        "log-bytes: limit 1000, 8 more lines"),
    row("handles", |it| it.handles = 20, Get("/handles?count=21"), 500, "", "handles: limit 20, met 21"),
    row("instances", |it| it.instances = 1, Beside("/fetch?url={gate}", "/report"), 503, "",
        "instances: limit 1, met 2"),
];

#[test]
fn each_limit_has_a_row() {
    let limits = serde_json::to_value(Limits::default()).unwrap();
    let limits: BTreeSet<String> = limits.as_object().unwrap().keys().cloned().collect();
    let rows: Vec<String> = TABLE.iter().map(|row| row.limit.to_owned()).collect();
    assert_eq!(rows.iter().cloned().collect::<BTreeSet<_>>(), limits);
    assert_eq!(rows.len(), limits.len());
}

#[test]
fn each_limit_ends_its_own_request_and_no_other() {
    run(async {
        let host = builder().instances(OTHERS as u32 + 8).build().unwrap();
        let others = Others::start(&host).await;
        let server = Upstream::answering(|_| ok("body")).await;
        for row in TABLE {
            let gate = Gate::new().await;
            row.check(&host, &gate, &server).await;
        }
        others.end_well().await;
    });
}

impl Row {
    async fn check(&self, host: &Host, gate: &Gate, server: &Upstream) {
        let name: &'static str = format!("table {}", self.limit).leak();
        let mut limits = Limits::default();
        (self.set)(&mut limits);
        let served = serve_on(host, name, limited(limits)).await;
        let filled = |text: &str| {
            text.replace("{gate}", &q(&gate.url()))
                .replace("{gate-twice}", &q(&q(&gate.url())))
                .replace("{server}", &q(&server.url("/")))
                .replace("{long}", &"x".repeat(1000))
        };
        let get = |target: &str| format!("GET {} HTTP/1.1\r\nhost: a\r\n\r\n", filled(target));
        let mut wire = served.connect().await;
        let mut first = served.connect().await;
        match self.ask {
            Get(target) => wire.send(get(target)).await,
            Send(head) => wire.send(filled(head) + "host: a\r\n\r\n").await,
            Beside(target, second) => {
                first.send(get(target)).await;
                gate.arrived(1).await;
                wire.send(get(second)).await;
            }
        }
        let reply = wire.response().await;
        let came = (reply.status(), reply.text());
        assert_eq!(came, (self.status, self.body.to_owned()), "{}", self.limit);
        let is_cut = self.log.starts_with("the reply was cut");
        assert_eq!(reply.complete, !is_cut, "{}", self.limit);
        events::message(name, self.log).await;
    }
}

/// Requests whose bodies go to and fro, held in the middle.
struct Others {
    name: &'static str,
    wires: Vec<Wire>,
}

impl Others {
    async fn start(host: &Host) -> Self {
        let limits = Limits {
            // They wait as long as the table takes.
            idle_ms: 600_000,
            ..Limits::default()
        };
        let name = "table others";
        let served: Served = serve_on(host, name, limited(limits)).await;
        let mut wires = Vec::new();
        for _ in 0..OTHERS {
            let mut wire = served.connect().await;
            wire.send("POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n")
                .await;
            assert_eq!(wire.head().await.unwrap().status(), 200);
            assert_eq!(wire.chunk().await.unwrap(), b"first");
            wires.push(wire);
        }
        Self { name, wires }
    }

    async fn end_well(self) {
        for mut wire in self.wires {
            wire.send("6\r\nsecond\r\n0\r\n\r\n").await;
            assert_eq!(wire.chunk().await.unwrap(), b"second");
            assert_eq!(wire.chunk().await.unwrap(), b"");
        }
        let line = events::line(self.name, OTHERS).await;
        assert_eq!(line.message(), "POST /echo 200");
        let bad = |event: &events::Logged| event.level <= tracing::Level::WARN;
        assert!(!events::of(self.name).iter().any(bad));
    }
}
