use serde::Deserialize;

use crate::cases;
use crate::script::{Run, Table};
use crate::words::{Failure, Operands, Outcome, Report};

pub const VERBS: Table = &[
    ("body.length", length),
    ("body.read", read),
    ("body.read-exactly", read_exactly),
    ("body.read-all", read_all),
    ("body.drain", drain),
    ("body.trailers", trailers),
    ("body.text", text),
    ("body.json", json),
    ("body.json-integer", json_integer),
];

fn length(run: &mut Run, operands: &Operands) -> Outcome {
    let report = Report::ok();
    Ok(match run.body(operands.word(0)?)?.length() {
        Some(length) => report.word(length),
        None => report.none(),
    })
}

fn read(run: &mut Run, operands: &Operands) -> Outcome {
    let chunk = run.body(operands.word(0)?)?.read()?;
    Ok(Report::ok().maybe(chunk))
}

fn read_exactly(run: &mut Run, operands: &Operands) -> Outcome {
    let body = run.body(operands.word(0)?)?;
    Ok(Report::ok().value(body.read_exactly(operands.number(1)?)?))
}

fn read_all(run: &mut Run, operands: &Operands) -> Outcome {
    let body = run.body(operands.word(0)?)?;
    Ok(Report::ok().value(body.bytes()?))
}

fn drain(run: &mut Run, operands: &Operands) -> Outcome {
    let body = run.body(operands.word(0)?)?;
    let mut length = 0;
    loop {
        match body.read() {
            Ok(Some(chunk)) => length += chunk.len(),
            Ok(None) => return Ok(Report::ok().word(length)),
            Err(error) => return Err(Failure::Error(cases::of(&error).word(length))),
        }
    }
}

fn trailers(run: &mut Run, operands: &Operands) -> Outcome {
    let report = Report::ok();
    Ok(match run.body(operands.word(0)?)?.trailers() {
        Some(trailers) => report.fields(&trailers),
        None => report.none(),
    })
}

fn text(run: &mut Run, operands: &Operands) -> Outcome {
    Ok(Report::ok().value(run.body(operands.word(0)?)?.text()?))
}

fn json(run: &mut Run, operands: &Operands) -> Outcome {
    let value: serde_json::Value = run.body(operands.word(0)?)?.json()?;
    Ok(Report::ok().value(value.to_string()))
}

fn json_integer(run: &mut Run, operands: &Operands) -> Outcome {
    #[derive(Deserialize)]
    struct Object {
        n: i64,
    }
    let object: Object = run.body(operands.word(0)?)?.json()?;
    Ok(Report::ok().word(object.n))
}
