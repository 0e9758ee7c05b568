//! `edgewit kv`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal, Read};

use edgewit_host::kv::{self, File};
use edgewit_manifest::{Manifest, Store};

use crate::args::{Kv, KvOperation};
use crate::control::{self, Operation, Outcome};
use crate::error::Error;
use crate::load;
use crate::output::print;
use crate::serve::block_on;

pub fn run(arguments: Kv) -> Result<(), Error> {
    let manifest = match &arguments.config {
        Some(file) => Manifest::read(file)?,
        None => load::manifest(&arguments.dir)?,
    };
    let (store, operation, value) = match arguments.operation {
        KvOperation::Get { store, key } => (store, Operation::Get { key }, Vec::new()),
        KvOperation::Set {
            store,
            key,
            value,
            ttl_ms,
        } => {
            let value = if value == "-" {
                standard_input()?
            } else {
                value.into_bytes()
            };
            (store, Operation::Set { key, ttl_ms }, value)
        }
        KvOperation::List { store, prefix } => (
            store,
            Operation::List {
                prefix,
                cursor: None,
            },
            Vec::new(),
        ),
        KvOperation::Delete { store, key } => (store, Operation::Delete { key }, Vec::new()),
    };
    check_key(&operation)?;
    if let Store::ReadOnly { values, env } = granted(&manifest, &store)? {
        let (outcome, value) = read_only(&manifest, &store, &operation, values, env)?;
        return show(&store, &operation, outcome, &value);
    }
    check_value(&manifest, &value)?;
    block_on(async {
        let mut operation = operation;
        let mut damaged = Vec::new();
        loop {
            let (mut outcome, bytes) = once(&manifest, &store, &operation, &value).await?;
            if let Outcome::Keys { damaged: found, .. } = &mut outcome {
                damaged.append(found);
            }
            let next = next_page(&operation, &outcome);
            show(&store, &operation, outcome, &bytes)?;
            match next {
                Some(next) => operation = next,
                None if damaged.is_empty() => return Ok(()),
                None => return Err(Error::Kv(damaged.join("\n"))),
            }
        }
    })
}

fn standard_input() -> Result<Vec<u8>, Error> {
    let mut value = Vec::new();
    let read = std::io::stdin().lock().read_to_end(&mut value);
    read.map_err(Error::io("read", "standard input".as_ref()))?;
    Ok(value)
}

fn granted<'a>(manifest: &'a Manifest, store: &str) -> Result<&'a Store, Error> {
    match manifest.grants.kv.get(store) {
        Some(granted) => Ok(granted),
        None => {
            let known: Vec<&str> = manifest.grants.kv.keys().map(String::as_str).collect();
            let known = if known.is_empty() {
                "it has none".to_owned()
            } else {
                format!("it has {}", known.join(", "))
            };
            let path = manifest.path.display();
            Err(Error::Kv(format!("no store {store:?} in {path}; {known}")))
        }
    }
}

/// On a store whose values the edge.toml gives, those of the environment left out: they are secrets.
fn read_only(
    manifest: &Manifest,
    store: &str,
    operation: &Operation,
    values: &BTreeMap<String, String>,
    env: &[String],
) -> Result<(Outcome, Vec<u8>), Error> {
    match operation {
        Operation::Get { key } if env.contains(key) => Err(Error::Kv(format!(
            "the value of {key} in the store {store:?} is from the environment, and never shown"
        ))),
        Operation::Get { key } => Ok(match values.get(key) {
            Some(value) => (Outcome::Found, value.clone().into_bytes()),
            None => (Outcome::NotFound, Vec::new()),
        }),
        Operation::List { prefix, .. } => {
            let keys: BTreeSet<&String> = values.keys().chain(env).collect();
            let keys = keys.into_iter().filter(|key| key.starts_with(&**prefix));
            let outcome = Outcome::Keys {
                keys: keys.cloned().collect(),
                cursor: None,
                damaged: Vec::new(),
            };
            Ok((outcome, Vec::new()))
        }
        Operation::Set { .. } | Operation::Delete { .. } => Err(Error::Kv(format!(
            "the store {store:?} is read-only: to change it, change {}",
            manifest.path.display()
        ))),
    }
}

/// The rules that a guest's keys have.
fn check_key(operation: &Operation) -> Result<(), Error> {
    let (Operation::Get { key } | Operation::Set { key, .. } | Operation::Delete { key }) =
        operation
    else {
        return Ok(());
    };
    match kv::check_key(key) {
        Err(kv::Error::InvalidKey(reason)) => Err(Error::Kv(format!("the key {key:?}: {reason}"))),
        _ => Ok(()),
    }
}

/// What is larger could be read by no guest.
fn check_value(manifest: &Manifest, value: &[u8]) -> Result<(), Error> {
    let limit = manifest.limits.kv_value_bytes;
    if value.len() as u64 > limit {
        let met = value.len();
        return Err(Error::Kv(format!(
            "the value: {met} bytes, at most {limit} (kv-value-bytes)"
        )));
    }
    Ok(())
}

/// Through the `serve` that holds the file, else on the file.
async fn once(
    manifest: &Manifest,
    store: &str,
    operation: &Operation,
    value: &[u8],
) -> Result<(Outcome, Vec<u8>), Error> {
    let data = load::data_folder(manifest.folder());
    let called = control::call(&data, store, operation, value).await;
    if let Some(answer) = called.map_err(Error::io("reach `edgewit serve` through", &data))? {
        return Ok(answer);
    }
    let file = load::stores_file(manifest.folder());
    if !file.exists() {
        // Looking makes nothing.
        let nothing = match operation {
            Operation::Set { .. } => None,
            Operation::Get { .. } | Operation::Delete { .. } => Some(Outcome::NotFound),
            Operation::List { .. } => Some(Outcome::Keys {
                keys: Vec::new(),
                cursor: None,
                damaged: Vec::new(),
            }),
        };
        if let Some(outcome) = nothing {
            return Ok((outcome, Vec::new()));
        }
    }
    load::make_data_folder(manifest.folder())?;
    let file = File::open(&file)?;
    Ok(control::carry_out(&file, store, operation.clone(), value.to_vec()).await)
}

fn next_page(operation: &Operation, outcome: &Outcome) -> Option<Operation> {
    match (operation, outcome) {
        (
            Operation::List { prefix, .. },
            Outcome::Keys {
                cursor: Some(cursor),
                ..
            },
        ) => Some(Operation::List {
            prefix: prefix.clone(),
            cursor: Some(cursor.clone()),
        }),
        _ => None,
    }
}

fn show(store: &str, operation: &Operation, outcome: Outcome, bytes: &[u8]) -> Result<(), Error> {
    match outcome {
        Outcome::Found => print(bytes)?,
        Outcome::Done => return Ok(()),
        Outcome::Keys { keys, .. } => {
            let lines: String = keys.iter().map(|key| format!("{key}\n")).collect();
            return print(lines.as_bytes());
        }
        Outcome::NotFound => {
            let (Operation::Get { key } | Operation::Delete { key }) = operation else {
                return Ok(());
            };
            return Err(Error::Kv(format!("no key {key:?} in the store {store:?}")));
        }
        Outcome::Failed(reason) => return Err(Error::Kv(reason)),
    }
    // A line feed of our own would be part of the value for whoever reads it from a pipe.
    match std::io::stdout().is_terminal() {
        true => print(b"\n"),
        false => Ok(()),
    }
}
