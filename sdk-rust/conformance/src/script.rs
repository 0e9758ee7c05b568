//! Carries a script out, in the three places where a step can run.

use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::rc::Rc;

use bytes::Bytes;
use edgewit::http::HeaderMap;
use edgewit::poll::ClientGone;
use edgewit::{Body, BodyError, Context, Error, Request, Response};

use crate::replies::Reply;
use crate::words::{Failure, Operands, Outcome, Report, mistake};
use crate::{bodies, echo, ends, fetching, replies, requests, routes, stores, system, waiting};

/// Carries a step out.
pub type Verb = fn(&mut Run, &Operands) -> Outcome;

/// The verbs of one group.
pub type Table = &'static [(&'static str, Verb)];

const GROUPS: &[Table] = &[
    requests::VERBS,
    bodies::VERBS,
    replies::VERBS,
    fetching::VERBS,
    waiting::VERBS,
    stores::VERBS,
    routes::VERBS,
    system::VERBS,
    echo::VERBS,
    ends::VERBS,
];

pub struct Step {
    verb: String,
    operands: Operands,
}

/// What ends a turn of steps before they are used up.
pub enum Turn {
    /// The handler ends with a body made by the steps that follow.
    Source,
    /// The handler ends with an error.
    Fail(String),
    /// The source hands bytes out so many times.
    Give(u64, Bytes),
    /// The source ends with trailers.
    End(HeaderMap),
    /// The source ends with an error.
    Break(BodyError),
}

/// A script and what its steps have made so far.
pub struct Run {
    pub request: Request,
    pub about: About,
    pub reply: Reply,
    /// How the reply went, once it is over.
    pub sent: Option<Result<(), BodyError>>,
    /// What ends the turn, by the step that runs.
    pub turn: Option<Turn>,
    /// What `grow` holds.
    pub memory: Vec<Vec<u8>>,
    /// By the names of the script; `None` once dropped or used up.
    handles: BTreeMap<String, Option<Box<dyn Any>>>,
    steps: VecDeque<Step>,
    after: VecDeque<Step>,
    lines: String,
    giving: (u64, Bytes),
    trailers: HeaderMap,
}

/// What the context says of the request: it is gone when a source or what is after the reply runs.
pub struct About {
    pub id: String,
    pub client: Option<IpAddr>,
    pub gone: ClientGone,
    pub attributes: Vec<(String, String)>,
    pub query: Vec<(String, String)>,
}

impl About {
    fn new(c: &Context) -> About {
        let pairs = c.query_pairs();
        About {
            id: c.request_id().to_owned(),
            client: c.client(),
            gone: c.client_gone(),
            attributes: c.attributes().to_vec(),
            query: pairs.map(|(k, v)| (k.into(), v.into())).collect(),
        }
    }
}

/// The steps in the fields of a request; `None` if it has no script.
pub fn steps(fields: &HeaderMap) -> Option<VecDeque<Step>> {
    let lines = fields.get_all("conformance").iter();
    let steps = lines.map(|line| {
        let line = String::from_utf8_lossy(line.as_bytes());
        let mut words = line.split(' ').map(str::to_owned);
        Step {
            verb: words.next().unwrap_or_default(),
            operands: Operands(words.collect()),
        }
    });
    Some(steps.collect()).filter(|steps: &VecDeque<_>| !steps.is_empty())
}

/// Runs the steps of the handler, and leaves the others to the body and to what comes after the reply.
pub fn run(c: &mut Context, mut steps: VecDeque<Step>) -> Result<Response, Error> {
    let mut after = VecDeque::new();
    if let Some(place) = steps.iter().position(|step| step.verb == "after") {
        after = steps.split_off(place);
        after.pop_front();
    }
    let about = About::new(c);
    let run = Run {
        request: c.take_request(),
        about,
        reply: Reply::default(),
        sent: None,
        turn: None,
        memory: Vec::new(),
        handles: BTreeMap::new(),
        steps,
        after,
        lines: String::new(),
        giving: (0, Bytes::new()),
        trailers: HeaderMap::new(),
    };
    let run = Rc::new(RefCell::new(run));
    let later = run.clone();
    // Registered also for a script that has no step there: it holds the handles until the end of the request.
    c.after_reply(move |sent| later.borrow_mut().after_reply(sent));
    let turn = run.borrow_mut().advance()?;
    match turn {
        None => run.borrow_mut().answer(c),
        Some(Turn::Source) => {
            let body = source(&run);
            run.borrow_mut().reply.body(body);
            run.borrow_mut().answer(c)
        }
        Some(Turn::Fail(text)) => Err(Error::app(text)),
        Some(_) => Err(Error::app("script: this step is one of a source")),
    }
}

/// The body that the steps left make.
fn source(run: &Rc<RefCell<Run>>) -> Body {
    let (pulled, ended) = (run.clone(), run.clone());
    let chunks = std::iter::from_fn(move || pulled.borrow_mut().pull());
    let body = Body::stream(chunks);
    // An application that has no trailers would not ask for any.
    if run.borrow().steps.iter().all(|step| step.verb != "end") {
        return body;
    }
    body.with_trailers(move || Ok(std::mem::take(&mut ended.borrow_mut().trailers)))
}

impl Run {
    /// Runs steps until one ends the turn, or all are done.
    /// Errors: what is wrong with the script.
    fn advance(&mut self) -> Result<Option<Turn>, Error> {
        while let Some(Step { verb, operands }) = self.steps.pop_front() {
            let known = GROUPS.iter().copied().flatten();
            let line = match known.clone().find(|(name, _)| *name == verb) {
                None => "unsupported".to_owned(),
                Some((_, carry_out)) => match carry_out(self, &operands) {
                    Ok(report) | Err(Failure::Error(report)) => report.into_line(),
                    Err(Failure::Prevented) => "prevented".to_owned(),
                    Err(Failure::Script(text)) => {
                        return Err(Error::app(format!("script: {verb}: {text}")));
                    }
                },
            };
            self.say(line);
            if let Some(turn) = self.turn.take() {
                return Ok(Some(turn));
            }
        }
        Ok(None)
    }

    /// Reports a line.
    pub fn say(&mut self, line: String) {
        log::info!(target: "conformance", "{line}");
        self.lines += &line;
        self.lines.push('\n');
    }

    fn answer(&mut self, c: &Context) -> Result<Response, Error> {
        match self.reply.shaped() {
            true => self.reply.take(c),
            false => {
                let lines = std::mem::take(&mut self.lines);
                self.reply.text(lines);
                self.reply.take(c)
            }
        }
    }

    /// The next bytes of the source; `None` at its end.
    fn pull(&mut self) -> Option<Result<Bytes, BodyError>> {
        loop {
            if self.giving.0 > 0 {
                self.giving.0 -= 1;
                return Some(Ok(self.giving.1.clone()));
            }
            match self.advance() {
                Ok(None) => return None,
                Ok(Some(Turn::Give(times, bytes))) => self.giving = (times, bytes),
                Ok(Some(Turn::End(trailers))) => {
                    self.trailers = trailers;
                    return None;
                }
                Ok(Some(Turn::Break(error))) => return Some(Err(error)),
                Ok(Some(Turn::Source | Turn::Fail(_))) => {
                    let text = "script: this step is one of a handler";
                    return Some(Err(BodyError::Other(text.into())));
                }
                Err(error) => return Some(Err(error.into())),
            }
        }
    }

    fn after_reply(&mut self, sent: Result<(), BodyError>) -> Result<(), Error> {
        self.sent = Some(sent);
        self.steps = std::mem::take(&mut self.after);
        match self.advance()? {
            None => Ok(()),
            Some(_) => Err(Error::app("script: this step has no place after the reply")),
        }
    }

    /// Keeps what a step has made, by a name that is not given yet.
    pub fn keep(&mut self, name: &str, value: impl Any) -> Result<(), Failure> {
        if self.handles.contains_key(name) {
            return mistake(format!("`{name}` is given twice"));
        }
        self.handles.insert(name.into(), Some(Box::new(value)));
        Ok(())
    }

    /// What an earlier step has made, of any kind.
    pub fn any(&self, name: &str) -> Result<&dyn Any, Failure> {
        match self.handles.get(name) {
            Some(Some(value)) => Ok(&**value),
            // A moved value can't be named.
            Some(None) => Err(Failure::Prevented),
            None => mistake(format!("`{name}` is not given")),
        }
    }

    /// What an earlier step has made.
    pub fn get<T: Any>(&mut self, name: &str) -> Result<&mut T, Failure> {
        self.any(name)?;
        let value = self.handles.get_mut(name).and_then(Option::as_mut);
        match value.and_then(|value| value.downcast_mut()) {
            Some(value) => Ok(value),
            None => mistake(format!("`{name}` is something else")),
        }
    }

    /// What an earlier step has made, used up by this one.
    pub fn take<T: Any>(&mut self, name: &str) -> Result<T, Failure> {
        self.get::<T>(name)?;
        match self.release(name)?.downcast() {
            Ok(value) => Ok(*value),
            Err(_) => mistake(format!("`{name}` is something else")),
        }
    }

    /// What an earlier step has made, of any kind, which later ones can't name.
    pub fn release(&mut self, name: &str) -> Result<Box<dyn Any>, Failure> {
        self.any(name)?;
        match self.handles.get_mut(name).and_then(Option::take) {
            Some(value) => Ok(value),
            None => Err(Failure::Prevented),
        }
    }

    /// The body of the request, or of a response.
    pub fn body(&mut self, name: &str) -> Result<&Body, Failure> {
        match name {
            "request" => Ok(self.request.body()),
            name => Ok(self.get::<Response>(name)?.body()),
        }
    }
}

/// A report that a step's work is done, without a value.
pub fn done() -> Outcome {
    Ok(Report::ok())
}
