//! Steps on stores.

use crate::edge::sdk::kv::{self, Condition, Page, SetOptions, Store};
use crate::script::handles::Handle;
use crate::script::words::{self, Failure, Report, Values, Words, decode_text, number_of, wrong};
use crate::script::{Run, Verb};

pub const VERBS: &[(&str, Verb)] = &[
    ("kv.open", open),
    ("kv.get", |run, words| {
        let entry = store(run, words)?.get(&words.text()?)?;
        words::optional(entry.map(|entry| entry.value))
    }),
    ("kv.entry", entry),
    ("kv.get-many", get_many),
    ("kv.set", |run, words| {
        set(run, words, |_, _| Ok(unconditional()))
    }),
    ("kv.set-if", |run, words| set(run, words, set_if)),
    ("kv.set-with", |run, words| set(run, words, set_with)),
    ("kv.set-all", |run, words| set(run, words, set_all)),
    ("kv.delete", |run, words| {
        words::word(store(run, words)?.delete(&words.text()?)?)
    }),
    ("kv.exists", |run, words| {
        words::word(store(run, words)?.exists(&words.text()?)?)
    }),
    ("kv.increment", |run, words| {
        let store = store(run, words)?;
        let (key, delta, ttl_ms) = (words.text()?, words.number()?, words.optional_number()?);
        words::word(store.increment(&key, delta, ttl_ms)?)
    }),
    ("kv.keys", keys),
    ("kv.count", |run, words| {
        let store = store(run, words)?;
        count(store, &words.text()?, words.number()?)
    }),
];

/// The store that the next word names.
fn store<'r>(run: &'r mut Run, words: &mut Words) -> Result<&'r mut Store, Failure> {
    run.handles.store(words.word()?)
}

fn open(run: &mut Run, words: &mut Words) -> Report {
    let name = run.handles.free(words.word()?)?;
    let store = kv::open(&words.text()?)?;
    run.handles.keep(name, Handle::Store(store));
    words::nothing()
}

fn entry(run: &mut Run, words: &mut Words) -> Report {
    let store_name = words.word()?;
    let key = words.text()?;
    let name = run.handles.free(words.word()?)?;
    let Some(entry) = run.handles.store(store_name)?.get(&key)? else {
        return Ok(Values::default().word('~'));
    };
    run.handles.keep(name, Handle::Version(entry.version));
    let values = Values::default().value(entry.value).value(entry.metadata);
    Ok(values
        .word(entry.version)
        .optional_word(entry.expires_in_ms))
}

fn get_many(run: &mut Run, words: &mut Words) -> Report {
    let store = store(run, words)?;
    let found = store.get_many(&words.all(Words::text)?)?;
    let counted = Values::default().word(found.len());
    let values = found.into_iter().map(|entry| entry.map(|it| it.value));
    Ok(values.fold(counted, Values::optional))
}

fn unconditional() -> SetOptions {
    SetOptions {
        condition: Condition::Always,
        ttl_ms: None,
        metadata: Vec::new(),
    }
}

/// Sets what the next words name, with the options that the words after these give.
fn set(
    run: &mut Run,
    words: &mut Words,
    options: fn(&Run, &mut Words) -> Result<SetOptions, Failure>,
) -> Report {
    let store = words.word()?;
    let (key, value) = (words.text()?, words.bytes()?);
    let options = options(run, words)?;
    words::word(run.handles.store(store)?.set(&key, &value, &options)?)
}

fn set_if(run: &Run, words: &mut Words) -> Result<SetOptions, Failure> {
    let condition = words.word()?;
    let condition = match condition.strip_prefix('@') {
        Some(name) => match run.handles.get(name)? {
            Handle::Version(version) => Condition::IfVersion(*version),
            _ => return wrong(format!("{name} is no version")),
        },
        None if condition == "if-absent" => Condition::IfAbsent,
        None => Condition::IfVersion(number_of(condition)?),
    };
    Ok(SetOptions {
        condition,
        ..unconditional()
    })
}

fn set_all(run: &Run, words: &mut Words) -> Result<SetOptions, Failure> {
    let SetOptions { condition, .. } = set_if(run, words)?;
    Ok(SetOptions {
        condition,
        ..set_with(run, words)?
    })
}

fn set_with(_: &Run, words: &mut Words) -> Result<SetOptions, Failure> {
    Ok(SetOptions {
        ttl_ms: words.optional_number()?,
        metadata: words.bytes()?,
        ..unconditional()
    })
}

fn keys(run: &mut Run, words: &mut Words) -> Report {
    let store = words.word()?;
    let prefix = words.text()?;
    let cursor = cursor(run, words.word()?)?;
    let limit = words.number()?;
    let name = run.handles.free(words.word()?)?;
    let store = run.handles.store(store)?;
    let page = store.keys(&prefix, cursor.as_deref(), limit)?;
    let values = Values::default().list(&page.keys);
    Ok(match page.cursor {
        Some(cursor) => {
            run.handles.keep(name, Handle::Cursor(cursor));
            values.word("more")
        }
        None => values.word("last"),
    })
}

fn cursor(run: &Run, word: &str) -> Result<Option<String>, Failure> {
    if word == "~" {
        return Ok(None);
    }
    match word.strip_prefix('@') {
        Some(name) => match run.handles.get(name)? {
            Handle::Cursor(cursor) => Ok(Some(cursor.clone())),
            _ => wrong(format!("{name} is no cursor")),
        },
        None => decode_text(word).map(Some),
    }
}

fn count(store: &Store, prefix: &str, limit: u32) -> Report {
    let (mut count, mut pages, mut ordered) = (0, 0, true);
    let mut last: Option<String> = None;
    let mut cursor = None;
    loop {
        let page: Page = store.keys(prefix, cursor.as_deref(), limit)?;
        pages += 1;
        count += page.keys.len();
        for key in page.keys {
            ordered &= last.is_none_or(|last| last < key);
            last = Some(key);
        }
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    let order = if ordered { "ordered" } else { "unordered" };
    Ok(Values::default().word(count).word(order).word(pages))
}
