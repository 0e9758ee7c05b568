use serde_json::{Value, json};

use crate::case::Level;
use crate::suite::{Run, VERSION, Verdict};

pub(super) fn write(run: &Run) -> String {
    let cases: Vec<Value> = run.verdicts.iter().map(case).collect();
    let document = json!({
        "suite": VERSION,
        "passed": run.passed(),
        "components": run.subjects,
        "seconds": run.took.as_secs_f64(),
        "problems": run.problems,
        "cases": cases,
    });
    format!("{document:#}\n")
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
