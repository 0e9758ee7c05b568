//! An application on the raw bindings, without an SDK: its path says what it does, its query how.
//! One file for each interface it calls, and one for each way to end; `script` is for the conformance suite.

mod bodies;
mod ends;
mod fetching;
mod logs;
mod polling;
mod query;
mod replies;
mod report;
mod script;
mod steps;
mod stores;
mod system;
mod uploads;

wit_bindgen::generate!({
    path: "../../../wit",
    world: "app",
    generate_all,
});

use std::cell::Cell;

use edge::sdk::http::{BodyError, Chunk, Field, Request};
use edge::sdk::logging::{self, Level};
use exports::edge::sdk::handler::{Context, Guest, GuestBodySource, Reply, ReplyBody};
use query::Query;

/// What a request handler makes of a request.
type Handled = Result<Reply, String>;

thread_local! {
    /// A URL that `after-reply` fetches before it logs, unless it is empty, or `loop`.
    static AFTER: Cell<String> = const { Cell::new(String::new()) };
}

/// A response body that is produced while it is sent.
enum Source {
    Streamed(bodies::Streamed),
    Script(script::Source),
    Pieces(script::Pieces),
}

impl GuestBodySource for Source {
    fn read(&self) -> Result<Chunk, BodyError> {
        match self {
            Self::Streamed(streamed) => streamed.read(),
            Self::Script(script) => script.read(),
            Self::Pieces(pieces) => Ok(pieces.read()),
        }
    }
}

struct App;

export!(App);

impl Guest for App {
    type BodySource = Source;

    fn handle(request: Request, context: Context) -> Handled {
        ends::report_panics();
        if script::is_in(&request) {
            return script::handle(request, context);
        }
        let target = request.uri.splitn(4, '/').nth(3).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if path.starts_with("s/") {
            return script::handle_path(request);
        }
        let query = Query::parse(query);
        AFTER.set(query.text("after").to_owned());
        let verb = path.split('/').next().unwrap_or_default();
        match verb {
            "echo" => Ok(bodies::echo(request)),
            "forward" => Ok(bodies::forward(request)),
            "read" => Ok(bodies::read(request, &query)),
            "source" => Ok(bodies::source(&query)),
            "fetch" => Ok(fetching::report(request.body, &query)),
            "proxy" => fetching::proxy(request.body, &query),
            "many" => Ok(fetching::many(&query)),
            "steps" => steps::run(request, &query),
            "kv" => Ok(stores::run(&query)),
            "log" => Ok(logs::run(&query)),
            "system" => Ok(system::run(&query)),
            "reply" => Ok(replies::run(&query)),
            "error" => Err(query.text("text").to_owned()),
            "panic" => ends::panic(query.text("text")),
            "trap" => ends::trap(),
            "loop" => ends::spin_aloud(),
            "overflow" => Ok(ends::overflow(query.text("by"))),
            "peek" => Ok(ends::peek(query.number("at").unwrap_or(0))),
            "bad-text" => ends::bad_text(query.text("in")),
            "grow" => Ok(ends::grow(query.number("bytes").unwrap_or(0))),
            "handles" => Ok(ends::hoard(query.number("count").unwrap_or(0))),
            _ => Ok(report::run(request, &context)),
        }
    }

    fn after_reply(sent: Result<(), BodyError>) {
        if script::after_reply(&sent) {
            return;
        }
        let gate = AFTER.take();
        if gate == "loop" {
            ends::spin_aloud()
        }
        if !gate.is_empty() {
            let _ = fetching::pass(&gate);
        }
        logging::log(Level::Info, "raw", &format!("after-reply {sent:?}"), &[]);
    }
}

/// A reply of 200 with a text.
fn text(text: impl Into<String>) -> Reply {
    Reply {
        status: 200,
        headers: Vec::new(),
        body: ReplyBody::Bytes(text.into().into_bytes()),
        hints: Vec::new(),
    }
}

/// A line for each field, bytes beyond ASCII escaped.
fn lines_of(fields: &[Field]) -> String {
    let line = |(name, value): &Field| format!("{name}: {}\n", value.escape_ascii());
    fields.iter().map(line).collect()
}
