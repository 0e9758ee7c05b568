//! Cases made from the WIT: each shape of each import's result reaches the application as it is, and each shape of
//! each argument reaches the host. What is due follows from what is injected alone.

mod arguments;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use edgewit_host::Value;
use toml::Spanned;
use wit_parser::Function;

use crate::case::{Case, Exchange, Inject, Layer, Level, Upstream};
use crate::show::shown_call;
use crate::wit::EDGE;
use arguments::arguments;
use words::{bytes, due, entry, fields, inner, items, member, page, values, word};

/// Shows that the guest goes on: each of these calls is answered by the host itself.
const USABLE: [&str; 3] = [
    "kv.open z z -> ok",
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
        exchange.trace = call(name, function, &value).map(|call| vec!["...".to_owned(), call]);
        exchange.inject = vec![Inject {
            call: name.into(),
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
        // None, or one byte of the two that are offered.
        "outgoing-body.write" if text.contains("ok = 0") => Some(written),
        "outgoing-body.write" if written.get("ok").is_some() => {
            Some(toml::Table::from_iter([("ok".to_owned(), 1.into())]).into())
        }
        // A read gives a byte at least, and as many entries as keys.
        "incoming-body.read" if text.contains("bytes = \"-\"") => None,
        "system.random" if text == "\"-\"" => None,
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
            let keys = " key".repeat(items(inner(result)).len());
            store(format!("kv.get-many k{keys} -> {}", due(&values)))
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

/// What steps of results pass to the call that is answered, and how many handles came before it.
const PASSED: [(&str, u32, &str); 13] = [
    ("kv.open", 0, "name = 's'"),
    ("store.get", 1, "key = 'key'"),
    ("store.get-many", 1, "keys = []"),
    (
        "store.set",
        1,
        "key = 'key'\nvalue = 'value'\noptions = { condition = 'always', ttl-ms = 'none', metadata = '-' }",
    ),
    ("store.delete", 1, "key = 'key'"),
    ("store.exists", 1, "key = 'key'"),
    (
        "store.increment",
        1,
        "key = 'key'\ndelta = 1\nttl-ms = 'none'",
    ),
    ("store.keys", 1, "prefix = ''\ncursor = 'none'\nlimit = 10"),
    ("fetch.send", 0, POST),
    ("fetch.send-streaming", 0, POST),
    ("fetch.wait", 1, ""),
    ("fetch.finish", 2, "trailers = []"),
    ("outgoing-body.write", 2, "bytes = 'ab'"),
];
const POST: &str = "
request = { method = 'POST', uri = 'http://up.test/', headers = [], body = 'none' }
options.redirect = 'follow'
options.timeouts = { connect-ms = 'none', first-byte-ms = 'none', between-bytes-ms = 'none', total-ms = 'none' }
options.hints = []
";

/// The call that has this result, as the host must see it, and once. None where how often is an SDK's own affair.
fn call(name: &str, function: &Function, result: &Value) -> Option<String> {
    if name == "incoming-body.read" {
        // What came is read on in pieces of any size, and an end may be met again; an error ends it.
        let is_error = matches!(result, Value::Result(Err(_)));
        return is_error.then(|| shown_call(name, 1, &[], result));
    }
    let (_, handles, passed) = PASSED.iter().find(|(call, ..)| *call == name)?;
    let mut passed: toml::Table = passed.parse().expect("arguments in TOML");
    if name == "store.get-many" {
        let keys = vec![toml::Value::from("key"); items(inner(result)).len()];
        passed.insert("keys".to_owned(), keys.into());
    }
    let params = function.params.iter();
    let arguments: Vec<Value> = params
        .filter_map(|it| {
            Some(
                EDGE.value(&it.ty, passed.get(&it.name)?)
                    .expect("a shape of the argument"),
            )
        })
        .collect();
    Some(shown_call(name, *handles, &arguments, result))
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
            kv.z = {}
            fetch = ["http://up.test"]
        },
        stores: [(
            "z".to_owned(),
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
        ..exchange(steps)
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

    /// Results whose call may come more than once: asked for anew, or read on.
    const ANY_NUMBER: [&str; 7] = [
        "incoming-body-length",
        "incoming-body-read/result-ok-bytes",
        "incoming-body-read/result-ok-end",
        "logging-min-level",
        "system-monotonic",
        "system-now",
        "system-random",
    ];

    #[test]
    fn a_call_whose_result_is_injected_comes_once() {
        for case in cases().iter().filter(|it| it.rule == "matrix-results") {
            let of_any = |it: &&str| case.name().starts_with(&format!("matrix/{it}"));
            let is_any = ANY_NUMBER.iter().any(of_any);
            assert_eq!(case.request[0].trace.is_none(), is_any, "{}", case.name());
        }
    }

    #[test]
    fn the_matrix_is_as_large_as_the_wit() {
        let cases = cases();
        let of = |rule: &str| cases.iter().filter(|case| case.rule == rule).count();
        assert_eq!((of("matrix-results"), of("matrix-arguments")), (243, 74));
    }
}
