use serde_json::{Value, json};

use crate::case::Level;
use crate::compare::Relaxed;
use crate::suite::{Run, VERSION};
use crate::verdict::{Status, Verdict};

pub(super) fn write(run: &Run) -> String {
    let cases: Vec<Value> = run.verdicts.iter().map(case).collect();
    let document = json!({
        "suite": VERSION,
        "passed": run.passed(),
        "components": run.subjects,
        "totals": totals(run),
        "not-owed": run.not_owed,
        "seconds": run.took.as_secs_f64(),
        "problems": run.problems,
        "relaxed": run.relaxed.iter().map(relaxed).collect::<Vec<_>>(),
        "cases": cases,
    });
    format!("{document:#}\n")
}

/// How many verdicts there are of each status.
fn totals(run: &Run) -> Value {
    let count = |status: Status| (status.name().to_owned(), run.count(status).into());
    Value::Object(Status::ALL.map(count).into_iter().collect())
}

fn relaxed(relaxed: &Relaxed) -> Value {
    json!({
        "case": relaxed.case,
        "component": relaxed.subject,
        "what": relaxed.what.name(),
        "reason": relaxed.reason,
    })
}

fn case(verdict: &Verdict) -> Value {
    json!({
        "component": verdict.subject,
        "case": verdict.case,
        "status": verdict.status.name(),
        "area": verdict.area,
        "layer": verdict.layer.name(),
        "required": verdict.level == Level::Required,
        "rule": verdict.rule,
        "why": verdict.why,
        "seconds": verdict.took.as_secs_f64(),
    })
}
