//! Steps that log, ask the system, or carry values through the guest alone.

use std::cell::RefCell;

use crate::edge::sdk::logging::{self, Level};
use crate::edge::sdk::system;
use crate::script::Verb;
use crate::script::words::{self, Report, Values, Words, wrong};

pub const VERBS: &[(&str, Verb)] = &[
    ("log", |_, words| log(words)),
    ("log.min-level", |_, _| {
        words::optional(logging::min_level().map(name))
    }),
    ("sys.now", |_, _| words::word(system::now())),
    ("sys.monotonic", |_, _| monotonic()),
    ("sys.random", |_, words| {
        let bytes = system::random(words.number()?);
        Ok(Values::default().word(bytes.len()).value(bytes))
    }),
    ("global.set", |_, words| {
        GLOBAL.set(words.text()?);
        words::nothing()
    }),
    ("global.get", |_, _| {
        words::value(GLOBAL.with_borrow(String::clone))
    }),
    ("echo.text", |_, words| words::value(words.text()?)),
    ("echo.bytes", |_, words| words::value(words.bytes()?)),
    ("echo.u64", |_, words| words::word(words.number::<u64>()?)),
    ("echo.s64", |_, words| words::word(words.number::<i64>()?)),
    ("echo.list", |_, words| {
        Ok(Values::default().list(&words.all(Words::text)?))
    }),
];

thread_local! {
    static GLOBAL: RefCell<String> = RefCell::new("built".to_owned());
}

const LEVELS: [(&str, Level); 5] = [
    ("trace", Level::Trace),
    ("debug", Level::Debug),
    ("info", Level::Info),
    ("warn", Level::Warn),
    ("error", Level::Error),
];

fn name(level: Level) -> &'static str {
    let named = LEVELS.iter().find(|(_, found)| *found == level);
    named.map_or("", |(name, _)| name)
}

/// Logs each level's name at that level.
pub fn log_levels() {
    for (name, level) in LEVELS {
        logging::log(level, "guest", name, &[]);
    }
}

fn log(words: &mut Words) -> Report {
    let wanted = words.word()?;
    let Some((_, level)) = LEVELS.iter().find(|(name, _)| *name == wanted) else {
        return wrong(format!("no level {wanted}"));
    };
    let text = words.text()?;
    let fields = words.all(|words| Ok((words.text()?, words.text()?)))?;
    logging::log(*level, "guest", &text, &fields);
    words::nothing()
}

fn monotonic() -> Report {
    let first = system::monotonic();
    let ordered = system::monotonic() >= first;
    words::word(if ordered { "ordered" } else { "unordered" })
}
