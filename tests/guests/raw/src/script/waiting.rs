//! Steps that wait, and those that give a handle up.

use crate::edge::sdk::http::Body;
use crate::edge::sdk::poll::{self, Pollable};
use crate::script::handles::Handle;
use crate::script::words::{self, Failure, Report, Values, Words, wrong};
use crate::script::{Run, Verb};

pub const VERBS: &[(&str, Verb)] = &[
    ("wait", wait),
    ("sleep", |_, words| {
        poll::poll(&[], Some(words.number()?));
        words::nothing()
    }),
    ("drop", |run, words| {
        run.handles.drop(words.word()?)?;
        words::nothing()
    }),
];

fn wait(run: &mut Run, words: &mut Words) -> Report {
    let timeout = words.optional_number()?;
    let names = words.all(Words::word)?;
    let waited = names.iter().map(|name| pollable(run, name));
    let waited: Vec<Option<Pollable>> = waited.collect::<Result<_, _>>()?;
    let ready: Vec<_> = names.iter().zip(ready(&waited, timeout)).collect();
    let ready = ready.into_iter().filter(|(_, ready)| *ready);
    let ready: Vec<&str> = ready.map(|(name, _)| *name).collect();
    Ok(Values::default().list(&ready))
}

/// What is waited for; none where there is nothing to wait for, as in a body that is whole.
fn pollable(run: &Run, name: &str) -> Result<Option<Pollable>, Failure> {
    if name == "client" {
        return Ok(Some(poll::client_gone()));
    }
    let body = match run.handles.get(name)? {
        Handle::Pending(pending) => return Ok(Some(pending.subscribe())),
        Handle::Upload(upload) => return Ok(Some(upload.subscribe())),
        Handle::Incoming(body) => Some(body),
        Handle::Response(response) => response.body.as_ref(),
        _ => None,
    };
    match body {
        Some(body) => Ok(match body.body() {
            Body::Incoming(body) => Some(body.subscribe()),
            Body::None | Body::Bytes(_) => None,
        }),
        None => wrong(format!("{name} is nothing to wait for")),
    }
}

/// Whether each is ready, once one is or the time is over.
fn ready(waited: &[Option<Pollable>], timeout: Option<u32>) -> Vec<bool> {
    let timeout = if waited.iter().any(Option::is_none) {
        Some(0)
    } else {
        timeout
    };
    let pollables: Vec<&Pollable> = waited.iter().flatten().collect();
    let found = poll::poll(&pollables, timeout);
    let mut number = 0;
    let one = |waited: &Option<Pollable>| {
        waited.is_none() || {
            number += 1;
            found.contains(&(number - 1))
        }
    };
    waited.iter().map(one).collect()
}
