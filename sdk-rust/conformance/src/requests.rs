use crate::script::{Run, Table};
use crate::words::{Operands, Outcome, Report};

pub const VERBS: Table = &[
    ("req.method", method),
    ("req.uri", uri),
    ("req.fields", fields),
    ("req.field", field),
    ("req.id", id),
    ("req.client", client),
    ("req.attribute", attribute),
    ("req.query", query),
];

fn method(run: &mut Run, _: &Operands) -> Outcome {
    Ok(Report::ok().value(run.request.method().as_str()))
}

fn uri(run: &mut Run, _: &Operands) -> Outcome {
    Ok(Report::ok().value(run.request.uri().to_string()))
}

fn fields(run: &mut Run, _: &Operands) -> Outcome {
    Ok(Report::ok().fields(run.request.headers()))
}

fn field(run: &mut Run, operands: &Operands) -> Outcome {
    let name = operands.text(0)?;
    Ok(Report::ok().field(run.request.headers(), &name))
}

fn id(run: &mut Run, _: &Operands) -> Outcome {
    Ok(Report::ok().value(&run.about.id))
}

fn client(run: &mut Run, _: &Operands) -> Outcome {
    let client = run.about.client.map(|address| address.to_string());
    Ok(Report::ok().maybe(client))
}

fn attribute(run: &mut Run, operands: &Operands) -> Outcome {
    first(&run.about.attributes, &operands.text(0)?)
}

fn query(run: &mut Run, operands: &Operands) -> Outcome {
    first(&run.about.query, &operands.text(0)?)
}

/// The first value of a name.
pub fn first(pairs: &[(String, String)], name: &str) -> Outcome {
    let found = pairs.iter().find(|(key, _)| key == name);
    Ok(Report::ok().maybe(found.map(|(_, value)| value)))
}
