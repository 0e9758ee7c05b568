//! Scripts of the conformance suite, carried out on bindings alone: `tests/conformance/CONTRACT.md`.
//! One file for each group of verbs.

mod bodies;
mod ends;
mod fetch;
mod handlers;
mod handles;
mod kv;
mod reply;
mod request;
mod system;
mod waiting;
mod words;

use std::cell::RefCell;
use std::collections::VecDeque;

use crate::Handled;
use crate::edge::sdk::http::{self, BodyError, Chunk, Field};
use crate::edge::sdk::logging::{self, Level};
use crate::exports::edge::sdk::handler::Context;
use bodies::Reading;
use handles::{Handle, Handles};
use reply::Shape;
use words::{Failure, Report, Words};

pub use handlers::{Pieces, handle as handle_path};

/// The field that holds a script, and the target of what its steps report.
const FIELD: &str = "conformance";

/// What carries a step out.
type Verb = for<'w> fn(&mut Run, &mut Words<'w>) -> Report;

thread_local! {
    /// The script of the one request that an instance handles: it goes on in the body and after the reply.
    static RUN: RefCell<Option<Run>> = const { RefCell::new(None) };
}

/// Where a step runs.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Handler,
    Source,
    After,
}

/// What a step asks of the place that it runs in, once it has reported.
enum Turn {
    /// The steps that follow are the source's.
    Produce,
    Yield(Result<Chunk, BodyError>),
    Fail(String),
}

/// What the request says besides its body.
struct Head {
    method: String,
    uri: String,
    fields: Vec<Field>,
    context: Context,
}

struct Run {
    head: Head,
    steps: VecDeque<String>,
    place: Place,
    handles: Handles,
    shape: Shape,
    turn: Option<Turn>,
    /// How often these bytes are still to be given before the next step.
    again: Option<(u64, Vec<u8>)>,
    sent: Option<Result<(), BodyError>>,
    lines: String,
}

/// Whether a request holds a script.
pub fn is_in(request: &http::Request) -> bool {
    request.headers.iter().any(|(name, _)| name == FIELD)
}

/// Runs the steps up to the source's, or to those after the reply.
pub fn handle(request: http::Request, context: Context) -> Handled {
    RUN.with_borrow_mut(|kept| {
        let run = kept.insert(Run::new(request, context));
        match run.advance() {
            Some(Turn::Fail(text)) => Err(text),
            _ => Ok(std::mem::take(&mut run.shape).into_reply(&run.lines)),
        }
    })
}

/// Runs what is left for after the reply; whether the request was the conformance suite's.
pub fn after_reply(sent: &Result<(), BodyError>) -> bool {
    // All that is still held goes with it.
    let Some(mut run) = RUN.take() else {
        return handlers::after_reply();
    };
    // A source that was not pulled to its end leaves steps behind.
    while run.steps.pop_front().is_some_and(|step| step != "after") {}
    run.place = Place::After;
    run.sent = Some(sent.clone());
    run.advance();
    true
}

/// The body that a script produces.
pub struct Source;

impl Source {
    pub fn read(&self) -> Result<Chunk, BodyError> {
        RUN.with_borrow_mut(|run| match run {
            Some(run) => run.pull(),
            None => Ok(Chunk::End(Vec::new())),
        })
    }
}

impl Run {
    fn new(request: http::Request, context: Context) -> Self {
        let steps = steps(&request.headers);
        let mut handles = Handles::default();
        handles.keep("request", Handle::Incoming(Reading::new(request.body)));
        Self {
            head: Head {
                method: request.method,
                uri: request.uri,
                fields: request.headers,
                context,
            },
            steps,
            place: Place::Handler,
            handles,
            shape: Shape::default(),
            turn: None,
            again: None,
            sent: None,
            lines: String::new(),
        }
    }

    fn pull(&mut self) -> Result<Chunk, BodyError> {
        self.place = Place::Source;
        if let Some((times @ 1.., bytes)) = &mut self.again {
            *times -= 1;
            return Ok(Chunk::Bytes(bytes.clone()));
        }
        match self.advance() {
            Some(Turn::Yield(chunk)) => chunk,
            _ => Ok(Chunk::End(Vec::new())),
        }
    }

    /// Runs steps until one asks for something of the place that they run in, or none is left for it.
    fn advance(&mut self) -> Option<Turn> {
        while let Some(step) = self.next_step() {
            let report = self.run(&step);
            let line = match report {
                Ok(values) => format!("ok{}", values.line()),
                Err(Failure::Case(case)) => format!("err {case}"),
                Err(Failure::Prevented) => "prevented".to_owned(),
                Err(Failure::Unsupported) => "unsupported".to_owned(),
                Err(Failure::Script(text)) => return Some(self.mistake(&step, &text)),
            };
            self.report(&line);
            if let Some(turn) = self.turn.take() {
                return Some(turn);
            }
        }
        None
    }

    /// A mistake of the case ends the place that it is in.
    fn mistake(&mut self, step: &str, text: &str) -> Turn {
        let text = format!("script: {step}: {text}");
        logging::log(Level::Error, "raw", &text, &[]);
        self.steps.clear();
        match self.place {
            Place::Source => Turn::Yield(Err(BodyError::Other(text))),
            Place::Handler | Place::After => Turn::Fail(text),
        }
    }

    fn next_step(&mut self) -> Option<String> {
        if self.place != Place::After && self.steps.front().is_some_and(|step| step == "after") {
            return None;
        }
        self.steps.pop_front()
    }

    fn run(&mut self, step: &str) -> Report {
        let (name, mut words) = Words::of(step);
        let verb = verb(name).ok_or(Failure::Unsupported)?;
        let report = verb(self, &mut words)?;
        words.end()?;
        Ok(report)
    }

    fn report(&mut self, line: &str) {
        logging::log(Level::Info, FIELD, line, &[]);
        self.lines += line;
        self.lines.push('\n');
    }
}

/// The lines of the fields, those of joined fields apart.
fn steps(fields: &[Field]) -> VecDeque<String> {
    let scripts = fields.iter().filter(|(name, _)| name == FIELD);
    let lines = scripts.map(|(_, value)| String::from_utf8_lossy(value));
    let mut steps = VecDeque::new();
    for line in lines {
        steps.extend(line.split(',').map(|step| step.trim().to_owned()));
    }
    steps
}

fn verb(name: &str) -> Option<Verb> {
    let groups = [
        request::VERBS,
        bodies::VERBS,
        reply::VERBS,
        fetch::VERBS,
        waiting::VERBS,
        kv::VERBS,
        system::VERBS,
        ends::VERBS,
    ];
    let mut verbs = groups.into_iter().flatten();
    let (_, verb) = verbs.find(|(found, _)| *found == name)?;
    Some(*verb)
}
