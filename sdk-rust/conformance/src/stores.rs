use edgewit::kv::{self, Condition, Entry, SetOptions, Store};

use crate::script::{Run, Table, done};
use crate::words::{Failure, Operands, Outcome, Report};

pub const VERBS: Table = &[
    ("kv.open", open),
    ("kv.get", get),
    ("kv.entry", entry),
    ("kv.get-many", get_many),
    ("kv.set", set),
    ("kv.set-if", set_if),
    ("kv.set-with", set_with),
    ("kv.set-all", set_all),
    ("kv.delete", delete),
    ("kv.exists", exists),
    ("kv.increment", increment),
    ("kv.keys", keys),
    ("kv.count", count),
];

/// The version of an entry, kept.
struct Version(u64);

/// What a page of keys goes on from, kept.
struct Cursor(Option<String>);

fn open(run: &mut Run, operands: &Operands) -> Outcome {
    let store = kv::open(&operands.text(1)?)?;
    run.keep(operands.word(0)?, store)?;
    done()
}

fn store<'a>(run: &'a mut Run, operands: &Operands) -> Result<&'a Store, Failure> {
    Ok(run.get(operands.word(0)?)?)
}

fn get(run: &mut Run, operands: &Operands) -> Outcome {
    let entry = store(run, operands)?.get(&operands.text(1)?)?;
    Ok(Report::ok().maybe(entry.map(|entry| entry.value)))
}

fn entry(run: &mut Run, operands: &Operands) -> Outcome {
    let entry = store(run, operands)?.get(&operands.text(1)?)?;
    let Some(Entry {
        value,
        version,
        metadata,
        expires_in,
    }) = entry
    else {
        return Ok(Report::ok().none());
    };
    run.keep(operands.word(2)?, Version(version))?;
    let report = Report::ok().value(value).value(metadata).word(version);
    Ok(match expires_in {
        Some(left) => report.word(left.as_millis()),
        None => report.none(),
    })
}

fn get_many(run: &mut Run, operands: &Operands) -> Outcome {
    let entries = store(run, operands)?.get_many(&operands.texts(1)?)?;
    let report = Report::ok().word(entries.len());
    Ok(entries.into_iter().fold(report, |report, entry| {
        report.maybe(entry.map(|entry| entry.value))
    }))
}

fn set(run: &mut Run, operands: &Operands) -> Outcome {
    let (key, value) = (operands.text(1)?, operands.bytes(2)?);
    Ok(Report::ok().word(store(run, operands)?.set(&key, value)?))
}

fn condition(run: &mut Run, operands: &Operands) -> Result<Condition, Failure> {
    Ok(match operands.word(3)? {
        "if-absent" => Condition::IfAbsent,
        word => Condition::IfVersion(match word.strip_prefix('@') {
            Some(name) => run.get::<Version>(name)?.0,
            None => operands.number(3)?,
        }),
    })
}

fn set_if(run: &mut Run, operands: &Operands) -> Outcome {
    let options = SetOptions {
        condition: condition(run, operands)?,
        ..SetOptions::default()
    };
    write(run, operands, options)
}

fn set_with(run: &mut Run, operands: &Operands) -> Outcome {
    let options = SetOptions {
        ttl: operands.time(3)?,
        metadata: operands.bytes(4)?,
        ..SetOptions::default()
    };
    write(run, operands, options)
}

fn set_all(run: &mut Run, operands: &Operands) -> Outcome {
    let options = SetOptions {
        condition: condition(run, operands)?,
        ttl: operands.time(4)?,
        metadata: operands.bytes(5)?,
    };
    write(run, operands, options)
}

fn write(run: &mut Run, operands: &Operands, options: SetOptions) -> Outcome {
    let (key, value) = (operands.text(1)?, operands.bytes(2)?);
    let version = store(run, operands)?.set_with(&key, value, options)?;
    Ok(Report::ok().word(version))
}

fn delete(run: &mut Run, operands: &Operands) -> Outcome {
    let deleted = store(run, operands)?.delete(&operands.text(1)?)?;
    Ok(Report::ok().word(deleted))
}

fn exists(run: &mut Run, operands: &Operands) -> Outcome {
    let exists = store(run, operands)?.exists(&operands.text(1)?)?;
    Ok(Report::ok().word(exists))
}

fn increment(run: &mut Run, operands: &Operands) -> Outcome {
    let (key, delta) = (operands.text(1)?, operands.number(2)?);
    let store = store(run, operands)?;
    let sum = match operands.time(3)? {
        None => store.increment(&key, delta)?,
        Some(ttl) => store.increment_with_ttl(&key, delta, ttl)?,
    };
    Ok(Report::ok().word(sum))
}

fn keys(run: &mut Run, operands: &Operands) -> Outcome {
    let (prefix, limit) = (operands.text(1)?, operands.number(3)?);
    let word = operands.word(2)?;
    let cursor = match word.strip_prefix('@') {
        Some(name) => run.get::<Cursor>(name)?.0.clone(),
        None if word == "~" => None,
        None => Some(operands.text(2)?),
    };
    let page = store(run, operands)?.keys(&prefix, cursor.as_deref(), limit)?;
    let end = if page.cursor.is_some() {
        "more"
    } else {
        "last"
    };
    run.keep(operands.word(4)?, Cursor(page.cursor))?;
    Ok(Report::ok().list(page.keys.iter()).word(end))
}

fn count(run: &mut Run, operands: &Operands) -> Outcome {
    let (prefix, limit) = (operands.text(1)?, operands.number(2)?);
    let store = store(run, operands)?;
    let (mut count, mut pages, mut ordered) = (0, 0, true);
    let (mut last, mut cursor): (Option<String>, Option<String>) = (None, None);
    loop {
        let page = store.keys(&prefix, cursor.as_deref(), limit)?;
        pages += 1;
        count += page.keys.len();
        for key in page.keys {
            ordered &= last.is_none_or(|last| last.as_bytes() < key.as_bytes());
            last = Some(key);
        }
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    let ordered = if ordered { "ordered" } else { "unordered" };
    Ok(Report::ok().word(count).word(ordered).word(pages))
}
