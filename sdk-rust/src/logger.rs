//! The `log` facade, on the host's log.

use std::sync::Once;

use log::{Log, Metadata, Record};

use crate::host;

/// Makes the host's log the logger of this instance, unless the application has set its own.
pub(crate) fn install() {
    if log::set_logger(&Logger).is_ok() {
        log::set_max_level(log::LevelFilter::Trace);
    }
}

struct Logger;

/// The host is asked only once something is logged: an application that is silent does not pay for the call.
fn ask_once() {
    static ASKED: Once = Once::new();
    ASKED.call_once(|| log::set_max_level(host::min_level()));
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        ask_once();
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let (level, target, fields) = (record.level(), record.target(), fields(record));
        match record.args().as_str() {
            Some(text) => host::log(level, target, text, &fields),
            None => host::log(level, target, &record.args().to_string(), &fields),
        }
    }

    fn flush(&self) {}
}

/// The fields of a record in order, as text.
#[cfg(feature = "log-fields")]
fn fields(record: &Record<'_>) -> Vec<(String, String)> {
    use log::kv::{Error, Key, Value, VisitSource};

    struct Fields(Vec<(String, String)>);

    impl<'a> VisitSource<'a> for Fields {
        fn visit_pair(&mut self, key: Key<'a>, value: Value<'a>) -> Result<(), Error> {
            self.0.push((key.as_str().to_owned(), value.to_string()));
            Ok(())
        }
    }

    let mut fields = Fields(Vec::new());
    // Logging never fails: of a source that does, what came before is kept.
    let _ = record.key_values().visit(&mut fields);
    fields.0
}

#[cfg(not(feature = "log-fields"))]
fn fields(_: &Record<'_>) -> [(String, String); 0] {
    []
}
