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
        match record.args().as_str() {
            Some(text) => host::log(record.level(), record.target(), text),
            None => host::log(record.level(), record.target(), &record.args().to_string()),
        }
    }

    fn flush(&self) {}
}
