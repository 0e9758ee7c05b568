//! Cases made from the WIT: each shape of each import's result reaches the application as it is, and each shape of
//! each argument reaches the host. What is due follows from what is injected alone.

use std::collections::{BTreeMap, BTreeSet};

use edgewit_host::Value;
use toml::Spanned;
use wit_parser::{Function, Type};

use crate::case::{Case, Exchange, Inject, Layer, Level, Reply, Upstream};
use crate::recorder::shown_call;
use crate::wit::EDGE;
use crate::words;

/// Shows that the guest goes on: each of these calls is answered by the host itself.
const USABLE: [&str; 3] = [
    "kv.open z s -> ok",
    "kv.get z key -> ok value",
    "fetch.get http://up.test/ y -> ok 200",
];

/// All cases of the matrix.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, function) in &EDGE.functions {
        cases.extend(results(name, function));
        cases.extend(arguments(name, function));
    }
    cases
}

fn results(name: &str, function: &Function) -> Vec<Case> {
    let Some(result) = &function.result else {
        return Vec::new();
    };
    let shapes = EDGE.shapes("", result).into_iter();
    let made = shapes.filter_map(|(parts, written)| {
        let written = as_the_host_may(name, written)?;
        let value = EDGE.result(name, &written).expect("a shape of the result");
        let mut exchange = with_a_body(steps_of_result(name, &value)?);
        exchange.inject = vec![Inject {
            call: name.to_owned(),
            // What is asked of these at other times, by a logger say, is not the case's.
            at: (!name.starts_with("system.") && !name.starts_with("logging.")).then_some(1),
            result: written,
        }];
        let parts = parts.join("-");
        let parts = if parts.is_empty() { "any" } else { &parts };
        Some(case(
            &format!("{}/result-{parts}", name.replace('.', "-")),
            "matrix-results",
            exchange,
        ))
    });
    made.collect()
}

/// A shape as the host gives it: where the number of bytes or items follows from what is asked.
fn as_the_host_may(function: &str, written: toml::Value) -> Option<toml::Value> {
    let text = written.to_string();
    match function {
        // One byte of the two that are offered.
        "outgoing-body.write" if written.get("ok").is_some() => {
            Some(toml::Table::from_iter([("ok".to_owned(), 1.into())]).into())
        }
        // A read gives a byte at least, and as many entries as keys.
        "incoming-body.read" if text.contains("bytes = \"-\"") => None,
        "system.random" if text == "\"-\"" => None,
        // A level past that of reports silences them.
        "logging.min-level"
            if !["trace", "debug", "info"]
                .iter()
                .any(|it| text.contains(it)) =>
        {
            None
        }
        _ => Some(written),
    }
}

/// The steps by which a guest comes to call a function, with what is due for its result.
fn steps_of_result(function: &str, result: &Value) -> Option<Vec<String>> {
    let due = |ok: &dyn Fn(&Value) -> String| due(result, ok);
    let simple = |ok: &Value| format!(" {}", word(ok));
    let nothing = |_: &Value| String::new();
    let request = |then: String| vec!["fetch.new r POST http://up.test/ -> ok".to_owned(), then];
    let store = |then: String| vec!["kv.open k s -> ok".to_owned(), then];
    Some(match function {
        "kv.open" => vec![format!("kv.open k s -> {}", due(&nothing))],
        "store.get" => store(format!("kv.entry k key v -> {}", due(&entry))),
        "store.get-many" => {
            let keys = vec!["key"; items(inner(result)).len()].join(" ");
            store(format!("kv.get-many k {keys} -> {}", due(&values)).replace("  ", " "))
        }
        "store.set" => store(format!("kv.set k key value -> {}", due(&simple))),
        "store.delete" => store(format!("kv.delete k key -> {}", due(&simple))),
        "store.exists" => store(format!("kv.exists k key -> {}", due(&simple))),
        "store.increment" => store(format!("kv.increment k key 1 ~ -> {}", due(&simple))),
        "store.keys" => store(format!("kv.keys k - ~ 10 c -> {}", due(&page))),
        "fetch.send" => request(format!("fetch.send r p -> {}", due(&nothing))),
        "fetch.send-streaming" => request(format!("fetch.stream r p u -> {}", due(&nothing))),
        "fetch.wait" => {
            let mut steps = request("fetch.send r p -> ok".to_owned());
            steps.push(format!(
                "fetch.wait p s -> {}",
                due(&|ok| format!(" {}", word(member(ok, "status"))))
            ));
            if let Value::Result(Ok(Some(response))) = result {
                steps.extend(steps_of_response(response));
            }
            steps
        }
        "outgoing-body.write" | "fetch.finish" => {
            let mut steps = request("fetch.stream r p u -> ok".to_owned());
            let step = if function == "fetch.finish" {
                "fetch.finish u"
            } else {
                "fetch.write u ab"
            };
            steps.push(format!("{step} -> {}", due(&nothing)));
            steps
        }
        "incoming-body.read" => steps_of_chunk(result),
        "incoming-body.length" => vec![format!("body.length request -> {}", due(&simple))],
        "logging.min-level" => vec![format!("log.min-level -> {}", due(&simple))],
        "system.now" => vec![format!("sys.now -> {}", due(&simple))],
        "system.monotonic" => vec!["sys.monotonic -> ok ordered".to_owned()],
        "system.random" => vec![format!(
            "sys.random {0} -> ok {0} {1}",
            bytes(result).len(),
            word(result)
        )],
        _ => return None,
    })
}

fn steps_of_response(response: &Value) -> Vec<String> {
    let body = match member(response, "body") {
        Value::Case(_, Some(bytes)) => word(bytes),
        _ => "-".to_owned(),
    };
    let mut steps = vec![
        format!("res.fields s -> ok {}", fields(member(response, "headers"))),
        format!("res.uri s -> ok {}", word(member(response, "uri"))),
        format!(
            "res.redirects s -> ok {}",
            word(member(response, "redirects"))
        ),
        format!("body.read-all s -> ok {body}"),
    ];
    let attributes = items(member(response, "attributes"));
    if attributes.is_empty() {
        steps.push("res.attribute s text -> ok ~".to_owned());
    }
    let mut told = BTreeSet::new();
    for attribute in attributes {
        let [name, value] = items(attribute) else {
            continue;
        };
        // Of one name the first is told.
        if told.insert(word(name)) {
            steps.push(format!(
                "res.attribute s {} -> ok {}",
                word(name),
                word(value)
            ));
        }
    }
    steps
}

fn steps_of_chunk(result: &Value) -> Vec<String> {
    let due = due(result, &|chunk| match chunk {
        Value::Case(case, Some(bytes)) if case == "bytes" => format!(" {}", word(bytes)),
        _ => " ~".to_owned(),
    });
    let mut steps = vec![format!("body.read request -> {due}")];
    if let Value::Result(Ok(Some(chunk))) = result
        && let Value::Case(case, Some(trailers)) = &**chunk
        && case == "end"
    {
        steps.push(format!("body.trailers request -> ok {}", fields(trailers)));
    }
    steps
}

fn arguments(name: &str, function: &Function) -> Vec<Case> {
    let is_handle = |ty: &Type| EDGE.shapes("", ty).is_empty();
    let members = function.params.iter().filter(|it| !is_handle(&it.ty));
    let types: BTreeMap<String, Type> =
        members.clone().map(|it| (it.name.clone(), it.ty)).collect();
    let members: Vec<_> = members.map(|it| (it.name.clone(), it.ty)).collect();
    if members.is_empty() {
        return Vec::new();
    }
    let made = EDGE
        .varied(members)
        .into_iter()
        .filter_map(|(parts, written)| {
            let values = written.into_iter().map(|(name, written)| {
                let value = EDGE
                    .value(&types[&name], &written)
                    .expect("a shape of the argument");
                (name.into(), value)
            });
            let arguments = Value::Record(values.collect());
            let exchange = exchange_of_arguments(name, &arguments)?;
            let parts = if parts.is_empty() {
                "plain".to_owned()
            } else {
                parts.join("-")
            };
            Some(case(
                &format!("{}/argument-{parts}", name.replace('.', "-")),
                "matrix-arguments",
                exchange,
            ))
        });
    made.collect()
}

/// The steps by which a guest comes to pass these arguments, and the call that the host must see.
fn exchange_of_arguments(function: &str, arguments: &Value) -> Option<Exchange> {
    let of = |name: &str| word(member(arguments, name));
    let none = toml::Value::from("none");
    let (handles, mut steps, result) = match function {
        "kv.open" => (
            0,
            vec![format!("kv.open k {} -> err denied", of("name"))],
            err("denied"),
        ),
        "store.get" => (1, vec![format!("kv.get k {} -> ok ~", of("key"))], ok(none)),
        "store.get-many" => {
            let keys: Vec<String> = items(member(arguments, "keys")).iter().map(word).collect();
            let (count, step) = (keys.len(), keys.join(" "));
            let due = vec!["~"; count].join(" ");
            let step = format!("kv.get-many k {step} -> ok {count} {due}");
            (
                1,
                vec![step.replace("  ", " ").trim_end().to_owned()],
                ok(vec![none; count]),
            )
        }
        "store.set" => (1, vec![format!("{} -> ok 7", set(arguments)?)], ok(7)),
        "store.delete" => (
            1,
            vec![format!("kv.delete k {} -> ok false", of("key"))],
            ok(false),
        ),
        "store.exists" => (
            1,
            vec![format!("kv.exists k {} -> ok false", of("key"))],
            ok(false),
        ),
        "store.increment" => {
            let step = format!(
                "kv.increment k {} {} {} -> ok 7",
                of("key"),
                of("delta"),
                of("ttl-ms")
            );
            (1, vec![step], ok(7))
        }
        "store.keys" => {
            let step = format!(
                "kv.keys k {} {} {} c -> ok 0 last",
                of("prefix"),
                of("cursor"),
                of("limit")
            );
            let page = [
                ("keys".to_owned(), toml::Value::Array(Vec::new())),
                ("cursor".to_owned(), none),
            ];
            (1, vec![step], ok(toml::Table::from_iter(page)))
        }
        "fetch.send" | "fetch.send-streaming" => (0, send(function, arguments)?, err("denied")),
        "fetch.finish" => {
            let trailers = pairs(member(arguments, "trailers"));
            let step = format!("fetch.finish u{trailers} -> err closed");
            (2, vec![step], err("closed"))
        }
        "outgoing-body.write" => {
            let taken = bytes(member(arguments, "bytes")).len();
            // Nothing to write is not written.
            (taken > 0).then_some(())?;
            (
                2,
                vec![format!("fetch.write u {} -> ok", of("bytes"))],
                ok(i64::try_from(taken).ok()?),
            )
        }
        // The target is what the SDK makes of it.
        "logging.log" => return (of("target") == "text").then(|| logged(arguments)),
        _ => return None,
    };
    let mut before = match handles {
        1 => vec!["kv.open k s -> ok".to_owned()],
        2 => vec![
            "fetch.new r POST http://up.test/ -> ok".to_owned(),
            "fetch.stream r p u -> ok".to_owned(),
        ],
        _ => Vec::new(),
    };
    before.append(&mut steps);
    let value = EDGE
        .result(function, &result)
        .expect("a result of the function");
    let Value::Record(members) = arguments else {
        return None;
    };
    let passed: Vec<Value> = members.iter().map(|(_, value)| value.clone()).collect();
    let trace = vec![
        "...".to_owned(),
        shown_call(function, handles, &passed, &value),
    ];
    let inject = vec![Inject {
        call: function.to_owned(),
        at: Some(1),
        result,
    }];
    Some(Exchange {
        inject,
        trace: Some(trace),
        ..exchange(before)
    })
}

/// The verb that sets all that is asked; no verb gives a condition and a lifetime at once.
fn set(arguments: &Value) -> Option<String> {
    let (key, value) = (
        word(member(arguments, "key")),
        word(member(arguments, "value")),
    );
    let options = member(arguments, "options");
    let Value::Case(condition, version) = member(options, "condition") else {
        return None;
    };
    let (ttl, metadata) = (
        word(member(options, "ttl-ms")),
        word(member(options, "metadata")),
    );
    Some(match (condition.as_ref(), version) {
        ("always", _) if ttl == "~" && metadata == "-" => format!("kv.set k {key} {value}"),
        ("always", _) => format!("kv.set-with k {key} {value} {ttl} {metadata}"),
        (_, Some(version)) => format!("kv.set-if k {key} {value} {}", word(version)),
        (condition, None) => format!("kv.set-if k {key} {value} {condition}"),
    })
}

fn send(function: &str, arguments: &Value) -> Option<Vec<String>> {
    let (request, options) = (member(arguments, "request"), member(arguments, "options"));
    let uri = word(member(request, "uri"));
    let mut steps = vec![format!(
        "fetch.new r {} {uri} -> ok",
        word(member(request, "method"))
    )];
    for field in items(member(request, "headers")) {
        let [name, value] = items(field) else {
            continue;
        };
        steps.push(format!(
            "fetch.field r {} {} -> ok",
            word(name),
            word(value)
        ));
    }
    if let Value::Case(_, Some(bytes)) = member(request, "body") {
        // What is streamed is written afterwards.
        (function == "fetch.send").then_some(())?;
        steps.push(format!("fetch.bytes r {} -> ok", word(bytes)));
    }
    if let Value::Case(redirect, _) = member(options, "redirect") {
        steps.push(format!("fetch.redirect r {redirect} -> ok"));
    }
    if let Value::Record(timeouts) = member(options, "timeouts") {
        for (name, ms) in timeouts.iter().filter(|(_, ms)| *ms != Value::Option(None)) {
            steps.push(format!(
                "fetch.timeout r {} {} -> ok",
                name.trim_end_matches("-ms"),
                word(ms)
            ));
        }
    }
    for hint in items(member(options, "hints")) {
        let [name, value] = items(hint) else {
            continue;
        };
        steps.push(format!("fetch.hint r {} {} -> ok", word(name), word(value)));
    }
    steps.push(match function {
        "fetch.send" => "fetch.send r p -> err denied".to_owned(),
        _ => "fetch.stream r p u -> err denied".to_owned(),
    });
    Some(steps)
}

fn logged(arguments: &Value) -> Exchange {
    let Value::Case(level, _) = member(arguments, "level") else {
        unreachable!("a level is a case")
    };
    let message = word(member(arguments, "message"));
    let named = pairs(member(arguments, "fields"));
    let mut exchange = exchange(vec![format!("log {level} {message}{named} -> ok")]);
    exchange.log = Some(vec![format!("{level} ? {message}{named}")]);
    exchange
}

fn case(name: &str, rule: &str, mut exchange: Exchange) -> Case {
    let usable = USABLE.iter().map(|step| step.parse().expect("a step"));
    exchange.steps.extend(usable);
    // Calls after the one that is looked at.
    if let Some(trace) = &mut exchange.trace {
        trace.push("...".to_owned());
    }
    let reply = "send HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
    Case {
        name: Spanned::new(0..0, format!("matrix/{name}")),
        rule: rule.to_owned(),
        layer: Layer::Wit,
        level: Level::Required,
        app: toml::toml! {
            kv.s = {}
            fetch = ["http://up.test"]
        },
        stores: [(
            "s".to_owned(),
            [("key".to_owned(), "value".to_owned())].into(),
        )]
        .into(),
        stores_after: BTreeMap::new(),
        upstream: vec![Upstream {
            origin: "http://up.test".to_owned(),
            connections: vec![vec!["request".to_owned(), reply.to_owned()]],
            saw: None,
        }],
        relaxed: Vec::new(),
        request: vec![exchange],
    }
}

fn exchange(steps: Vec<String>) -> Exchange {
    let steps = steps.iter().map(|step| step.parse().expect("a step"));
    Exchange {
        steps: steps.collect(),
        ..Exchange::default()
    }
}

/// One whose own body is a handle.
fn with_a_body(steps: Vec<String>) -> Exchange {
    let client = ["head", "chunk abc", "last", "read"];
    Exchange {
        request: "POST /".to_owned(),
        fields: vec!["transfer-encoding: chunked".to_owned()],
        client: Some(client.map(str::to_owned).into()),
        reply: Reply {
            status: Some(200),
            ..Reply::default()
        },
        ..exchange(steps)
    }
}

fn ok(written: impl Into<toml::Value>) -> toml::Value {
    toml::Table::from_iter([("ok".to_owned(), written.into())]).into()
}

fn err(case: &str) -> toml::Value {
    toml::Table::from_iter([("err".to_owned(), case.into())]).into()
}

/// The report of a result: `ok` and what `ok` makes of it, or `err` and the case.
fn due(result: &Value, ok: &dyn Fn(&Value) -> String) -> String {
    match result {
        Value::Result(Ok(Some(value))) => format!("ok{}", ok(value)),
        Value::Result(Ok(None)) => "ok".to_owned(),
        Value::Result(Err(error)) => format!(
            "err{}",
            error.as_deref().map(error_word).unwrap_or_default()
        ),
        value => format!("ok{}", ok(value)),
    }
}

fn error_word(error: &Value) -> String {
    match error {
        Value::Case(case, Some(carried)) if matches!(**carried, Value::Case(..)) => {
            format!(" {case}{}", error_word(carried))
        }
        Value::Case(case, Some(carried)) if matches!(**carried, Value::Unsigned(_)) => {
            format!(" {case} {}", word(carried))
        }
        Value::Case(case, _) => format!(" {case}"),
        other => format!(" {}", word(other)),
    }
}

/// A value as a report holds it, and as a step does.
fn word(value: &Value) -> String {
    match value {
        Value::Text(text) => words::report(text.as_bytes()),
        Value::Bytes(bytes) => words::report(bytes),
        Value::Unsigned(number) => number.to_string(),
        Value::Signed(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Option(None) => "~".to_owned(),
        Value::Option(Some(value)) => word(value),
        Value::Case(case, _) => case.to_string(),
        other => unreachable!("{other:?} has no word"),
    }
}

fn entry(found: &Value) -> String {
    let Value::Option(Some(entry)) = found else {
        return " ~".to_owned();
    };
    let of = |name| word(member(entry, name));
    format!(
        " {} {} {} {}",
        of("value"),
        of("metadata"),
        of("version"),
        of("expires-in-ms")
    )
}

fn values(found: &Value) -> String {
    let found = items(found);
    let values = found.iter().map(|entry| match entry {
        Value::Option(Some(entry)) => format!(" {}", word(member(entry, "value"))),
        _ => " ~".to_owned(),
    });
    format!(" {}{}", found.len(), values.collect::<String>())
}

fn page(page: &Value) -> String {
    let keys = items(member(page, "keys"));
    let listed: String = keys.iter().map(|key| format!(" {}", word(key))).collect();
    let more = match member(page, "cursor") {
        Value::Option(None) => "last",
        _ => "more",
    };
    format!(" {}{listed} {more}", keys.len())
}

/// The number of fields, and each one's name and value.
fn fields(fields: &Value) -> String {
    format!("{}{}", items(fields).len(), pairs(fields))
}

fn pairs(list: &Value) -> String {
    let all = items(list).iter().flat_map(items);
    all.map(|part| format!(" {}", word(part))).collect()
}

fn member<'a>(record: &'a Value, name: &str) -> &'a Value {
    let Value::Record(members) = record else {
        unreachable!("{record:?} is no record")
    };
    let found = members.iter().find(|(member, _)| member == name);
    &found.unwrap_or_else(|| unreachable!("no member {name}")).1
}

fn items(list: &Value) -> &[Value] {
    match list {
        Value::List(items) | Value::Tuple(items) => items,
        _ => &[],
    }
}

fn bytes(value: &Value) -> &[u8] {
    match value {
        Value::Bytes(bytes) => bytes,
        _ => &[],
    }
}

fn inner(result: &Value) -> &Value {
    match result {
        Value::Result(Ok(Some(value))) => value,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is not in the matrix, and why.
    const RESULTS_LEFT_OUT: [(&str, &str); 6] = [
        ("incoming-body.subscribe", "a handle"),
        ("outgoing-body.subscribe", "a handle"),
        ("pending.subscribe", "a handle"),
        ("poll.client-gone", "a handle"),
        ("poll.poll", "how an SDK waits is its own affair"),
        ("pollable.ready", "how an SDK waits is its own affair"),
    ];
    const ARGUMENTS_LEFT_OUT: [(&str, &str); 4] = [
        (
            "incoming-body.read",
            "how much is read at once is an SDK's affair",
        ),
        ("logging.abort", "it ends the request: by hand"),
        ("poll.poll", "how an SDK waits is its own affair"),
        ("system.random", "shown by how many bytes come: by hand"),
    ];

    fn without(part: &str, owed: impl Fn(&Function) -> bool) -> Vec<&'static str> {
        let cases = cases();
        let functions = EDGE.functions.iter().filter(|(_, function)| owed(function));
        let missing = functions.filter(|(name, _)| {
            let begin = format!("matrix/{}/{part}-", name.replace('.', "-"));
            !cases.iter().any(|case| case.name().starts_with(&begin))
        });
        missing.map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn every_function_of_the_wit_is_in_the_matrix_or_left_out_by_name() {
        let left_out =
            |list: &[(&'static str, &str)]| list.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        assert_eq!(
            without("result", |it| it.result.is_some()),
            left_out(&RESULTS_LEFT_OUT)
        );
        let of_handles = |it: &wit_parser::Param| EDGE.shapes("", &it.ty).is_empty();
        assert_eq!(
            without("argument", |it| !it.params.iter().all(of_handles)),
            left_out(&ARGUMENTS_LEFT_OUT)
        );
    }

    #[test]
    fn the_matrix_is_as_large_as_the_wit() {
        let cases = cases();
        let of = |rule: &str| cases.iter().filter(|case| case.rule == rule).count();
        assert_eq!((of("matrix-results"), of("matrix-arguments")), (217, 57));
    }
}
