use std::fmt::Write as _;

use crate::suite::{Run, Status, VERSION};

pub(super) fn write(run: &Run) -> String {
    let mut text = format!("TAP version 14\n# edge:sdk conformance {VERSION}\n");
    let _ = writeln!(text, "1..{}", run.verdicts.len() + run.problems.len());
    for (at, verdict) in run.verdicts.iter().enumerate() {
        let passed = if verdict.status.is_as_expected() {
            "ok"
        } else {
            "not ok"
        };
        let directive = match verdict.status {
            Status::Ok => "",
            Status::NotRun | Status::Prevented => " # SKIP",
            _ if verdict.fails() => "",
            // What does not fail the run is not to fail a reader's.
            _ => " # TODO",
        };
        let reason = match verdict.status {
            Status::Ok => String::new(),
            status if directive.is_empty() => format!(" ({})", status.name()),
            status => format!(" {}", status.name()),
        };
        let _ = match directive {
            "" => writeln!(
                text,
                "{passed} {} - {}: {}{reason}",
                at + 1,
                verdict.subject,
                verdict.case
            ),
            directive => writeln!(
                text,
                "{passed} {} - {}: {}{directive}{reason}",
                at + 1,
                verdict.subject,
                verdict.case
            ),
        };
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
    text.replace('\n', " ").replace('#', "\\#")
}
