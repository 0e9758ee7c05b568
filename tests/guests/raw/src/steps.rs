use crate::edge::sdk::fetch::{self, OutgoingBody, Pending};
use crate::edge::sdk::http::{Body, BodyError, Chunk, IncomingBody, Request, Response};
use crate::edge::sdk::logging::{self, Level};
use crate::edge::sdk::poll::Pollable;
use crate::exports::edge::sdk::handler::{Reply, ReplyBody};
use crate::query::Query;
use crate::{fetching, text};

/// What the steps of a request have made so far, each kind numbered from 0. What was dropped or used up
/// leaves its number empty.
pub struct Steps<'a> {
    pub query: &'a Query,
    pub pending: Vec<Option<Pending>>,
    pub outgoing: Vec<Option<OutgoingBody>>,
    pub incoming: Vec<Option<IncomingBody>>,
    pub pollables: Vec<Pollable>,
}

/// Takes each `step`, `name:argument`, in order. What comes of one is a line of the reply, and of the log
/// for those whose client is gone. The request's body, if it is incoming, is the first of its kind;
/// `reply` names the one that is handed on instead of the lines, `error` is what the handler fails with.
pub fn run(request: Request, query: &Query) -> crate::Handled {
    let mut steps = Steps {
        query,
        pending: Vec::new(),
        outgoing: Vec::new(),
        incoming: Vec::new(),
        pollables: Vec::new(),
    };
    if let Body::Incoming(body) = request.body {
        steps.incoming.push(Some(body));
    }
    let mut report = String::new();
    for step in query.all("step") {
        let step = String::from_utf8_lossy(step);
        let (name, argument) = step.split_once(':').unwrap_or((&step, ""));
        let line = format!("{name}: {}", steps.take(name, argument));
        logging::log(Level::Info, "raw::steps", &line, &[]);
        report += &line;
        report.push('\n');
    }
    let error = query.text("error");
    if !error.is_empty() {
        return Err(error.to_owned());
    }
    Ok(match query.number("reply") {
        None => text(report),
        Some(number) => Reply {
            body: taken(&mut steps.incoming, number as usize)
                .map_or(ReplyBody::None, ReplyBody::Incoming),
            ..text("")
        },
    })
}

/// The entry of a number, which is empty afterwards.
pub fn taken<T>(entries: &mut [Option<T>], number: usize) -> Option<T> {
    entries.get_mut(number).and_then(Option::take)
}

/// The number that an argument is.
pub fn number(argument: &str) -> usize {
    argument.parse().unwrap_or(0)
}

impl Steps<'_> {
    fn take(&mut self, name: &str, argument: &str) -> String {
        match name {
            "send" => self.send(argument),
            "wait" => self.wait(number(argument)),
            "read" => self.read(number(argument)),
            "read-once" => self.read_once(number(argument)),
            "pass" => format!("{:?}", fetching::pass(argument)),
            "drop-pending" => dropped(taken(&mut self.pending, number(argument))),
            "drop-incoming" => dropped(taken(&mut self.incoming, number(argument))),
            "stream" => self.stream(argument),
            "write" => self.write(number(argument)),
            "write-once" => self.write_once(number(argument)),
            "write-on" => self.write_on(),
            "write-all" => self.write_all(number(argument)),
            "fill" => self.fill(),
            "finish" => self.finish(),
            "drop-outgoing" => dropped(self.outgoing.last_mut().and_then(Option::take)),
            "subscribe" => self.subscribe(argument),
            "ready" => self.ready(number(argument)),
            "poll" => self.poll(argument),
            "loop" => crate::ends::spin_aloud(),
            "poll-many" => self.poll_many(number(argument)),
            _ => "no such step".to_owned(),
        }
    }

    /// Starts a request without a body.
    fn send(&mut self, url: &str) -> String {
        let request = Request {
            method: "GET".to_owned(),
            uri: url.to_owned(),
            headers: Vec::new(),
            body: Body::None,
        };
        let sent = fetch::send(request, &fetching::options(self.query));
        let outcome = format!("{:?}", sent.as_ref().map(drop));
        self.pending.push(sent.ok());
        outcome
    }

    fn wait(&mut self, number: usize) -> String {
        let Some(pending) = taken(&mut self.pending, number) else {
            return "nothing".to_owned();
        };
        match fetch::wait(pending) {
            Ok(response) => self.arrived(response),
            Err(error) => format!("error {error:?}"),
        }
    }

    fn arrived(&mut self, response: Response) -> String {
        if let Body::Incoming(body) = response.body {
            self.incoming.push(Some(body));
        }
        format!("status {}", response.status)
    }

    /// All that is left of a body, and its trailers.
    fn read(&self, number: usize) -> String {
        let Some(Some(body)) = self.incoming.get(number) else {
            return "nothing".to_owned();
        };
        let mut read = Vec::new();
        loop {
            match body.read(0) {
                Ok(Chunk::Bytes(bytes)) => read.extend(bytes),
                Ok(Chunk::End(trailers)) => {
                    let trailers = crate::lines_of(&trailers).replace('\n', ";");
                    return format!("{} end {trailers}", shown(&read));
                }
                Err(error) => return format!("{} error {error:?}", shown(&read)),
            }
        }
    }

    fn read_once(&self, number: usize) -> String {
        let Some(Some(body)) = self.incoming.get(number) else {
            return "nothing".to_owned();
        };
        let chunk: Result<Chunk, BodyError> = body.read(0);
        match chunk {
            Ok(Chunk::Bytes(bytes)) => shown(&bytes),
            Ok(Chunk::End(_)) => "end".to_owned(),
            Err(error) => format!("error {error:?}"),
        }
    }
}

/// The bytes themselves, or how many there are.
fn shown(bytes: &[u8]) -> String {
    if bytes.len() <= 100 {
        bytes.escape_ascii().to_string()
    } else {
        format!("{} bytes", bytes.len())
    }
}

fn dropped<T>(entry: Option<T>) -> String {
    entry.map_or("nothing", |_| "dropped").to_owned()
}
