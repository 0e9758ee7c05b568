//! Logging, clocks, randomness, and a variable of the program.

use std::cell::RefCell;

use edgewit::random;
use edgewit::time::{Instant, SystemTime};
use log::{Level, Record};

use crate::script::{Run, Table, done};
use crate::words::{Operands, Outcome, Report, mistake};

pub const VERBS: Table = &[
    ("log", event),
    ("log.min-level", min_level),
    ("sys.now", now),
    ("sys.monotonic", monotonic),
    ("sys.random", random_bytes),
    ("global.set", set_global),
    ("global.get", get_global),
];

thread_local! {
    static GLOBAL: RefCell<String> = RefCell::new("built".into());
}

/// The macros of the crate `log` want the names of fields as the program is written.
fn event(_: &mut Run, operands: &Operands) -> Outcome {
    let Ok(level) = operands.word(0)?.parse() else {
        return mistake("no level");
    };
    let (text, fields) = (operands.text(1)?, operands.pairs(2)?);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (&**k, &**v)).collect();
    let mut record = Record::builder();
    record.level(level).target("guest");
    let fields = &fields[..];
    record.key_values(&fields);
    log::logger().log(&record.args(format_args!("{text}")).build());
    done()
}

fn min_level(_: &mut Run, _: &Operands) -> Outcome {
    let least = Level::iter()
        .filter(|level| log::log_enabled!(*level))
        .last();
    Ok(Report::ok().maybe(least.map(|level| level.as_str().to_ascii_lowercase())))
}

fn now(_: &mut Run, _: &Operands) -> Outcome {
    Ok(Report::ok().word(SystemTime::now().since_epoch().as_nanos()))
}

fn monotonic(_: &mut Run, _: &Operands) -> Outcome {
    let (first, second) = (Instant::now(), Instant::now());
    let ordered = second >= first;
    Ok(Report::ok().word(if ordered { "ordered" } else { "unordered" }))
}

fn random_bytes(_: &mut Run, operands: &Operands) -> Outcome {
    let mut bytes = vec![0; operands.number(0)?];
    random::fill(&mut bytes);
    Ok(Report::ok().word(bytes.len()).value(bytes))
}

fn set_global(_: &mut Run, operands: &Operands) -> Outcome {
    GLOBAL.set(operands.text(0)?);
    done()
}

fn get_global(_: &mut Run, _: &Operands) -> Outcome {
    Ok(Report::ok().value(GLOBAL.with_borrow(String::clone)))
}
