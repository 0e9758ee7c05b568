use crate::edge::sdk::logging::{self, Level};
use crate::exports::edge::sdk::handler::Reply;
use crate::query::Query;
use crate::text;

/// Logs `text` at each level; with `bytes`, `lines` lines of so many bytes, in a field with `field`.
pub fn run(query: &Query) -> Reply {
    if let Some(bytes) = query.number("bytes") {
        let line = "l".repeat(bytes as usize);
        for _ in 0..query.number("lines").unwrap_or(1) {
            if query.bytes("field").is_some() {
                let fields = [("f".to_owned(), line.clone())];
                logging::log(Level::Info, "raw", "", &fields);
            } else {
                logging::log(Level::Info, "raw", &line, &[]);
            }
        }
        return text("logged");
    }
    let fields = [
        ("first".to_owned(), "1".to_owned()),
        ("second".to_owned(), "two words".to_owned()),
    ];
    for level in [
        Level::Trace,
        Level::Debug,
        Level::Info,
        Level::Warn,
        Level::Error,
    ] {
        logging::log(level, "raw::logs", query.text("text"), &fields);
    }
    text(format!("{:?}", logging::min_level()))
}
