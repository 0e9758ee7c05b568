//! Steps that shape the reply, or produce its body.

use crate::edge::sdk::http::{Body, BodyError, Chunk, Field};
use crate::exports::edge::sdk::handler::{BodySource, Reply, ReplyBody};
use crate::script::words::{self, Failure, Report, Words, wrong};
use crate::script::{Place, Run, Turn, Verb};
use crate::{Source, script};

pub const VERBS: &[(&str, Verb)] = &[
    ("reply.status", status),
    ("reply.field", field),
    ("reply.set", set),
    ("reply.none", |run, _| body(run, ReplyBody::None)),
    ("reply.bytes", |run, words| {
        let bytes = words.bytes()?;
        body(run, ReplyBody::Bytes(bytes))
    }),
    ("reply.forward", forward),
    ("reply.hint", hint),
    ("reply.source", source),
    ("reply.fail", fail),
    ("give", give),
    ("give-many", give_many),
    ("end", end),
    ("break", break_off),
    ("sent", sent),
];

/// What the steps have made of the reply.
#[derive(Default)]
pub struct Shape {
    shaped: bool,
    status: Option<u16>,
    fields: Vec<Field>,
    body: Option<ReplyBody>,
    hints: Vec<(String, String)>,
}

impl Shape {
    /// The reply; `lines` are its body where no step has shaped it.
    pub fn into_reply(self, lines: &str) -> Reply {
        let body = match self.body {
            Some(body) => body,
            None if self.shaped => ReplyBody::None,
            None => ReplyBody::Bytes(lines.into()),
        };
        Reply {
            status: self.status.unwrap_or(200),
            headers: self.fields,
            body,
            hints: self.hints,
        }
    }
}

/// The reply can be shaped in the handler only.
fn shaped(run: &mut Run) -> Result<&mut Shape, Failure> {
    let shape = unsent(run)?;
    shape.shaped = true;
    Ok(shape)
}

fn unsent(run: &mut Run) -> Result<&mut Shape, Failure> {
    if run.place != Place::Handler {
        return wrong("the handler has returned its reply already");
    }
    Ok(&mut run.shape)
}

fn status(run: &mut Run, words: &mut Words) -> Report {
    let status = words.number()?;
    shaped(run)?.status = Some(status);
    words::nothing()
}

fn field(run: &mut Run, words: &mut Words) -> Report {
    let field = (words.text()?, words.bytes()?);
    shaped(run)?.fields.push(field);
    words::nothing()
}

fn set(run: &mut Run, words: &mut Words) -> Report {
    let (name, value) = (words.text()?, words.bytes()?);
    let fields = &mut shaped(run)?.fields;
    fields.retain(|(found, _)| !found.eq_ignore_ascii_case(&name));
    fields.push((name, value));
    words::nothing()
}

fn body(run: &mut Run, body: ReplyBody) -> Report {
    shaped(run)?.body = Some(body);
    words::nothing()
}

fn forward(run: &mut Run, words: &mut Words) -> Report {
    unsent(run)?;
    let taken = run.handles.take_body(words.word()?)?;
    body(run, handed_on(taken))
}

/// A body that arrived, as that of a reply.
pub fn handed_on(body: Body) -> ReplyBody {
    match body {
        Body::None => ReplyBody::None,
        Body::Bytes(bytes) => ReplyBody::Bytes(bytes),
        Body::Incoming(incoming) => ReplyBody::Incoming(incoming),
    }
}

fn hint(run: &mut Run, words: &mut Words) -> Report {
    let hint = (words.text()?, words.text()?);
    unsent(run)?.hints.push(hint);
    words::nothing()
}

fn source(run: &mut Run, _: &mut Words) -> Report {
    let source = BodySource::new(Source::Script(script::Source));
    let report = body(run, ReplyBody::Source(source))?;
    run.turn = Some(Turn::Produce);
    Ok(report)
}

fn fail(run: &mut Run, words: &mut Words) -> Report {
    let text = words.text()?;
    unsent(run)?;
    run.turn = Some(Turn::Fail(text));
    words::nothing()
}

fn in_source(run: &Run) -> Result<(), Failure> {
    if run.place != Place::Source {
        return wrong("this stands in a source only");
    }
    Ok(())
}

/// Ends this pull of the source with `chunk`.
fn yields(run: &mut Run, chunk: Result<Chunk, BodyError>) -> Report {
    in_source(run)?;
    run.turn = Some(Turn::Yield(chunk));
    words::nothing()
}

fn give(run: &mut Run, words: &mut Words) -> Report {
    let bytes = words.bytes()?;
    yields(run, Ok(Chunk::Bytes(bytes)))
}

fn give_many(run: &mut Run, words: &mut Words) -> Report {
    let times: u64 = words.number()?;
    let bytes = words.bytes()?;
    in_source(run)?;
    let Some(more) = times.checked_sub(1) else {
        return words::nothing();
    };
    let report = yields(run, Ok(Chunk::Bytes(bytes.clone())))?;
    run.again = Some((more, bytes));
    Ok(report)
}

fn end(run: &mut Run, words: &mut Words) -> Report {
    let trailers = words.fields()?;
    yields(run, Ok(Chunk::End(trailers)))
}

fn break_off(run: &mut Run, words: &mut Words) -> Report {
    let error = match words.word()? {
        "closed" => BodyError::Closed,
        "incomplete" => BodyError::Incomplete,
        "timeout" => BodyError::Timeout,
        "other" => BodyError::Other("the script breaks off".to_owned()),
        case => return wrong(format!("a source can't break off with {case}")),
    };
    yields(run, Err(error))
}

fn sent(run: &mut Run, _: &mut Words) -> Report {
    match run.sent.clone() {
        Some(sent) => Ok(sent.map(|()| Default::default())?),
        None => wrong("the reply is not over yet"),
    }
}
