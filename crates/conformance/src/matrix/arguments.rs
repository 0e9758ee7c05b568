//! Each shape of each argument, passed by a script, and the call that the host must see.

use std::collections::BTreeMap;

use edgewit_host::Value;
use wit_parser::{Function, Type};

use super::words::{bytes, items, member, pairs, word};
use super::{case, exchange};
use crate::case::{Case, Exchange, Inject};
use crate::show::shown_call;
use crate::wit::EDGE;

pub(super) fn arguments(name: &str, function: &Function) -> Vec<Case> {
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
    if function == "logging.log" {
        // The target is what the SDK makes of it.
        let is_plain = word(member(arguments, "target")) == "text";
        return is_plain.then(|| logged(arguments));
    }
    let (handles, mut steps, result) =
        to_a_store(function, arguments).or_else(|| to_a_server(function, arguments))?;
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
        call: function.into(),
        at: Some(1),
        result,
    }];
    Some(Exchange {
        inject,
        trace: Some(trace),
        ..exchange(before)
    })
}

/// How many handles a call comes after, the steps that make it, and what it is to return.
type Passing = (u32, Vec<String>, toml::Value);

fn to_a_store(function: &str, arguments: &Value) -> Option<Passing> {
    let of = |name: &str| word(member(arguments, name));
    let none = toml::Value::from("none");
    Some(match function {
        "kv.open" => (
            0,
            vec![format!("kv.open k {} -> err denied", of("name"))],
            err("denied"),
        ),
        "store.get" => (1, vec![format!("kv.get k {} -> ok ~", of("key"))], ok(none)),
        "store.get-many" => {
            let keys = items(member(arguments, "keys")).iter();
            let keys: Vec<String> = keys.map(|key| format!(" {}", word(key))).collect();
            let (count, due) = (keys.len(), " ~".repeat(keys.len()));
            let step = format!("kv.get-many k{} -> ok {count}{due}", keys.concat());
            (1, vec![step], ok(vec![none; count]))
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
        _ => return None,
    })
}

fn to_a_server(function: &str, arguments: &Value) -> Option<Passing> {
    Some(match function {
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
                vec![format!(
                    "fetch.write u {} -> ok",
                    word(member(arguments, "bytes"))
                )],
                ok(i64::try_from(taken).ok()?),
            )
        }
        _ => return None,
    })
}

/// The verb that sets all that is asked, and no more.
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

fn ok(written: impl Into<toml::Value>) -> toml::Value {
    toml::Table::from_iter([("ok".to_owned(), written.into())]).into()
}

fn err(case: &str) -> toml::Value {
    toml::Table::from_iter([("err".to_owned(), case.into())]).into()
}
