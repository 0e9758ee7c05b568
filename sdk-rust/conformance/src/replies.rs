use edgewit::http::{HeaderMap, StatusCode};
use edgewit::{Body, BodyError, Context, Error, Hints, Response};

use crate::script::{Run, Table, Turn, done};
use crate::words::{Operands, Outcome, Report, mistake};

pub const VERBS: Table = &[
    ("reply.status", status),
    ("reply.field", field),
    ("reply.set", set),
    ("reply.none", none),
    ("reply.bytes", bytes),
    ("reply.text", text),
    ("reply.json", json),
    ("reply.json-number", json_number),
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

/// The reply, as far as steps have shaped it.
#[derive(Default)]
pub struct Reply {
    status: Option<StatusCode>,
    fields: HeaderMap,
    hints: Vec<(String, String)>,
    content: Option<Content>,
}

enum Content {
    Body(Body),
    Text(String),
    Json(serde_json::Value),
    Number(f64),
}

impl Reply {
    pub fn shaped(&self) -> bool {
        self.status.is_some() || self.content.is_some() || !self.fields.is_empty()
    }

    pub fn body(&mut self, body: Body) {
        self.content = Some(Content::Body(body));
    }

    pub fn text(&mut self, text: String) {
        self.content = Some(Content::Text(text));
    }

    /// The reply as a response; the script's own fields go over those of the SDK's helpers.
    pub fn take(&mut self, c: &Context) -> Result<Response, Error> {
        let reply = std::mem::take(self);
        let mut response = match reply.content {
            Some(Content::Body(body)) => Response::new(body),
            Some(Content::Text(text)) => c.text(text),
            Some(Content::Json(value)) => c.json(&value)?,
            Some(Content::Number(number)) => c.json(&number)?,
            None => Response::new(Body::empty()),
        };
        if let Some(status) = reply.status {
            *response.status_mut() = status;
        }
        response.headers_mut().extend(reply.fields);
        if !reply.hints.is_empty() {
            response.extensions_mut().insert(Hints(reply.hints));
        }
        Ok(response)
    }
}

fn status(run: &mut Run, operands: &Operands) -> Outcome {
    run.reply.status = Some(StatusCode::try_from(operands.word(0)?)?);
    done()
}

fn field(run: &mut Run, operands: &Operands) -> Outcome {
    let (name, value) = operands.field(0)?;
    run.reply.fields.append(name, value);
    done()
}

fn set(run: &mut Run, operands: &Operands) -> Outcome {
    let (name, value) = operands.field(0)?;
    run.reply.fields.insert(name, value);
    done()
}

fn none(run: &mut Run, _: &Operands) -> Outcome {
    run.reply.body(Body::empty());
    done()
}

fn bytes(run: &mut Run, operands: &Operands) -> Outcome {
    run.reply.body(operands.bytes(0)?.into());
    done()
}

fn text(run: &mut Run, operands: &Operands) -> Outcome {
    run.reply.text(operands.text(0)?);
    done()
}

fn json(run: &mut Run, operands: &Operands) -> Outcome {
    run.reply.content = Some(Content::Json(operands.text(0)?.into()));
    done()
}

fn json_number(run: &mut Run, operands: &Operands) -> Outcome {
    run.reply.content = Some(Content::Number(operands.number(0)?));
    done()
}

fn forward(run: &mut Run, operands: &Operands) -> Outcome {
    let body = run.body(operands.word(0)?)?.take();
    run.reply.body(body);
    done()
}

fn hint(run: &mut Run, operands: &Operands) -> Outcome {
    run.reply.hints.extend(operands.pairs(0)?);
    done()
}

fn source(run: &mut Run, _: &Operands) -> Outcome {
    run.turn = Some(Turn::Source);
    done()
}

fn fail(run: &mut Run, operands: &Operands) -> Outcome {
    run.turn = Some(Turn::Fail(operands.text(0)?));
    done()
}

fn give(run: &mut Run, operands: &Operands) -> Outcome {
    run.turn = Some(Turn::Give(1, operands.bytes(0)?.into()));
    done()
}

fn give_many(run: &mut Run, operands: &Operands) -> Outcome {
    run.turn = Some(Turn::Give(operands.number(0)?, operands.bytes(1)?.into()));
    done()
}

fn end(run: &mut Run, operands: &Operands) -> Outcome {
    run.turn = Some(Turn::End(operands.fields(0)?));
    done()
}

fn break_off(run: &mut Run, operands: &Operands) -> Outcome {
    run.turn = Some(Turn::Break(match operands.word(0)? {
        "closed" => BodyError::Closed,
        "incomplete" => BodyError::Incomplete,
        "timeout" => BodyError::Timeout,
        "other" => BodyError::Other("by the script".into()),
        case => return mistake(format!("`{case}` is no error of a source")),
    }));
    done()
}

fn sent(run: &mut Run, _: &Operands) -> Outcome {
    match run.sent.clone() {
        Some(sent) => Ok(sent.map(|()| Report::ok())?),
        None => mistake("the reply is not over"),
    }
}
