//! `edgewit kv`.

use std::io::{IsTerminal, Read, Write};

use edgewit_host::kv::File;
use edgewit_manifest::{Manifest, Store};

use crate::args::{Kv, KvOperation};
use crate::control::{self, Operation, Outcome};
use crate::error::Error;
use crate::load;
use crate::serve::runtime;

pub fn run(kv: Kv) -> Result<(), Error> {
    let manifest = Manifest::read(&kv.dir)?;
    let (store, operation, value) = match kv.operation {
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
    check_store(&manifest, &store)?;
    check_key(&operation)?;
    runtime()?.block_on(async {
        let mut operation = operation;
        loop {
            let (outcome, bytes) = once(&manifest, &store, &operation, &value).await?;
            match next_page(&operation, &outcome) {
                Some(next) => {
                    show(&store, &operation, outcome, &bytes)?;
                    operation = next;
                }
                None => return show(&store, &operation, outcome, &bytes),
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

fn check_store(manifest: &Manifest, store: &str) -> Result<(), Error> {
    match manifest.grants.kv.get(store) {
        Some(Store::ReadWrite) => Ok(()),
        Some(_) => Err(Error::Kv(format!(
            "the store {store:?} is read-only: its values are from {}",
            manifest.path.display()
        ))),
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

/// As the interface has it: 1 to 1024 bytes without control characters.
fn check_key(operation: &Operation) -> Result<(), Error> {
    let (Operation::Get { key } | Operation::Set { key, .. } | Operation::Delete { key }) =
        operation
    else {
        return Ok(());
    };
    if key.is_empty() || key.len() > 1024 || key.chars().any(char::is_control) {
        return Err(Error::Kv(format!(
            "the key {key:?}: 1 to 1024 bytes without control characters are due"
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
    load::make_data_folder(manifest.folder())?;
    let file = File::open(&load::stores_file(manifest.folder()))?;
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
    let mut out = std::io::stdout().lock();
    let written = match outcome {
        // A line feed of our own would be part of the value for whoever reads it from a pipe.
        Outcome::Found if out.is_terminal() => out.write_all(bytes).and_then(|()| writeln!(out)),
        Outcome::Found => out.write_all(bytes),
        Outcome::Done => Ok(()),
        Outcome::Keys { keys, .. } => keys.iter().try_for_each(|key| writeln!(out, "{key}")),
        Outcome::NotFound => {
            let (Operation::Get { key } | Operation::Delete { key }) = operation else {
                return Ok(());
            };
            return Err(Error::Kv(format!("no key {key:?} in the store {store:?}")));
        }
        Outcome::Failed(reason) => return Err(Error::Kv(reason)),
    };
    written
        .and_then(|()| out.flush())
        .map_err(Error::io("write", "standard output".as_ref()))
}
