use crate::edge::sdk::kv::{self, Condition, Entry, KvError, SetOptions, Store};
use crate::exports::edge::sdk::handler::Reply;
use crate::query::Query;
use crate::text;

/// Runs each `op` on the store `store` and reports each outcome on a line.
pub fn run(query: &Query) -> Reply {
    let store = match kv::open(query.text("store")) {
        Ok(store) => store,
        Err(error) => return text(format!("open {error:?}\n")),
    };
    let outcome = |op: &[u8]| match one(&store, &String::from_utf8_lossy(op)) {
        Ok(outcome) => format!("{outcome}\n"),
        Err(error) => format!("error {error:?}\n"),
    };
    text(query.all("op").map(outcome).collect::<String>())
}

/// An operation and its arguments, separated by `/`; an argument that is left out is empty.
fn one(store: &Store, op: &str) -> Result<String, KvError> {
    let mut words = op.split('/');
    let mut word = || words.next().unwrap_or_default();
    let (name, key) = (word(), word());
    let value = word();
    let third = word();
    match name {
        "get" => Ok(shown(store.get(key)?.as_ref())),
        "get-many" => {
            let keys: Vec<String> = op.split('/').skip(1).map(str::to_owned).collect();
            let found = store.get_many(&keys)?;
            Ok(found
                .iter()
                .map(|entry| shown(entry.as_ref()))
                .collect::<Vec<_>>()
                .join(" "))
        }
        "get-same" => {
            let keys = vec![key.to_owned(); value.parse().unwrap_or(0)];
            store.get_many(&keys).map(|found| found.len().to_string())
        }
        "get-times" => {
            for _ in 0..value.parse().unwrap_or(0) {
                store.get(key)?;
            }
            Ok("done".to_owned())
        }
        "set" => set(store, key, value, Condition::Always, third),
        "set-if-absent" => set(store, key, value, Condition::IfAbsent, third),
        "set-if-version" => {
            let version = third.parse().unwrap_or(0);
            set(store, key, value, Condition::IfVersion(version), "")
        }
        "set-bytes" => {
            let bytes = vec![b'v'; value.parse().unwrap_or(0)];
            let metadata = vec![b'm'; third.parse().unwrap_or(0)];
            store
                .set(key, &bytes, &unconditional(metadata))
                .map(|_| "set".to_owned())
        }
        "delete" => store.delete(key).map(|found| found.to_string()),
        "exists" => store.exists(key).map(|found| found.to_string()),
        "increment" => store
            .increment(key, value.parse().unwrap_or(1), third.parse().ok())
            .map(|sum| sum.to_string()),
        "keys" => {
            let cursor = (!third.is_empty()).then_some(third);
            let page = store.keys(key, cursor, value.parse().unwrap_or(0))?;
            Ok(format!("{} {:?}", page.keys.join(","), page.cursor))
        }
        other => Ok(format!("no operation {other}")),
    }
}

fn unconditional(metadata: Vec<u8>) -> SetOptions {
    SetOptions {
        condition: Condition::Always,
        ttl_ms: None,
        metadata,
    }
}

fn set(
    store: &Store,
    key: &str,
    value: &str,
    condition: Condition,
    ttl_ms: &str,
) -> Result<String, KvError> {
    let options = SetOptions {
        condition,
        ttl_ms: ttl_ms.parse().ok(),
        metadata: Vec::new(),
    };
    let version = store.set(key, value.as_bytes(), &options)?;
    Ok(format!("version {version}"))
}

fn shown(entry: Option<&Entry>) -> String {
    match entry {
        None => "absent".to_owned(),
        Some(entry) => format!(
            "{}@{}",
            entry.value.escape_ascii(),
            entry.expires_in_ms.map_or(-1, |ms| ms as i64)
        ),
    }
}
