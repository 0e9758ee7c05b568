//! Values as reports hold them.

use edgewit_host::Value;

use crate::words;

/// The report of a result: `ok` and what `ok` makes of it, or `err` and the case.
pub(super) fn due(result: &Value, ok: &dyn Fn(&Value) -> String) -> String {
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

pub(super) fn error_word(error: &Value) -> String {
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
pub(super) fn word(value: &Value) -> String {
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

pub(super) fn entry(found: &Value) -> String {
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

pub(super) fn values(found: &Value) -> String {
    let found = items(found);
    let values = found.iter().map(|entry| match entry {
        Value::Option(Some(entry)) => format!(" {}", word(member(entry, "value"))),
        _ => " ~".to_owned(),
    });
    format!(" {}{}", found.len(), values.collect::<String>())
}

pub(super) fn page(page: &Value) -> String {
    let keys = items(member(page, "keys"));
    let listed: String = keys.iter().map(|key| format!(" {}", word(key))).collect();
    let more = match member(page, "cursor") {
        Value::Option(None) => "last",
        _ => "more",
    };
    format!(" {}{listed} {more}", keys.len())
}

/// The number of fields, and each one's name and value.
pub(super) fn fields(fields: &Value) -> String {
    format!("{}{}", items(fields).len(), pairs(fields))
}

pub(super) fn pairs(list: &Value) -> String {
    let all = items(list).iter().flat_map(items);
    all.map(|part| format!(" {}", word(part))).collect()
}

pub(super) fn member<'a>(record: &'a Value, name: &str) -> &'a Value {
    let Value::Record(members) = record else {
        unreachable!("{record:?} is no record")
    };
    let found = members.iter().find(|(member, _)| member == name);
    &found.unwrap_or_else(|| unreachable!("no member {name}")).1
}

pub(super) fn items(list: &Value) -> &[Value] {
    match list {
        Value::List(items) | Value::Tuple(items) => items,
        _ => &[],
    }
}

pub(super) fn bytes(value: &Value) -> &[u8] {
    match value {
        Value::Bytes(bytes) => bytes,
        _ => &[],
    }
}

pub(super) fn inner(result: &Value) -> &Value {
    match result {
        Value::Result(Ok(Some(value))) => value,
        other => other,
    }
}
