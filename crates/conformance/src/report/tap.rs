use std::fmt::Write as _;

use crate::report::printable;
use crate::suite::{Run, VERSION};
use crate::verdict::Status;

pub(super) fn write(run: &Run) -> String {
    let mut text = format!("TAP version 14\n# edge:sdk conformance {VERSION}\n");
    let _ = writeln!(text, "1..{}", run.verdicts.len() + run.problems.len());
    for (at, verdict) in run.verdicts.iter().enumerate() {
        let status = verdict.status;
        let passed = match status {
            Status::Ok | Status::Prevented | Status::NotRun => "ok",
            _ => "not ok",
        };
        let directive = match status {
            Status::Ok => String::new(),
            Status::NotRun | Status::Prevented => format!(" # SKIP {}", status.name()),
            _ if verdict.fails() => format!(" ({})", status.name()),
            // What does not fail the run is not to fail a reader's.
            _ => format!(" # TODO {}", status.name()),
        };
        let (number, subject) = (at + 1, one_line(&verdict.subject));
        let _ = writeln!(
            text,
            "{passed} {number} - {subject}: {}{directive}",
            verdict.case
        );
        for why in &verdict.why {
            let _ = writeln!(text, "# {}", one_line(why));
        }
    }
    for (at, problem) in run.problems.iter().enumerate() {
        let _ = writeln!(
            text,
            "not ok {} - run: {}",
            run.verdicts.len() + at + 1,
            one_line(problem)
        );
    }
    text
}

/// A `#` would begin a directive.
fn one_line(text: &str) -> String {
    printable(text).replace('#', "\\#")
}
