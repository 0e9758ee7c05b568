use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::compare::Relaxed;
use crate::suite::{Run, Status, VERSION};

pub(super) fn write(run: &Run) -> String {
    let mut text = String::new();
    for verdict in run.verdicts.iter().filter(|verdict| shown(verdict.status)) {
        let _ = writeln!(
            text,
            "{}: {} {}",
            verdict.subject,
            verdict.status.name(),
            verdict.case
        );
        for why in &verdict.why {
            let _ = writeln!(text, "    {why}");
        }
    }
    for problem in &run.problems {
        let _ = writeln!(text, "{problem}");
    }
    for Relaxed {
        case,
        subject,
        what,
        reason,
    } in &run.relaxed
    {
        let who = subject.as_deref().unwrap_or("the case");
        let _ = writeln!(
            text,
            "relaxed: {} of calls in {case}, by {who}: {reason}",
            what.name()
        );
    }
    let mut counts: BTreeMap<(&str, Status), usize> = BTreeMap::new();
    for verdict in &run.verdicts {
        *counts
            .entry((&verdict.subject, verdict.status))
            .or_default() += 1;
    }
    let subjects: Vec<&str> = run
        .verdicts
        .iter()
        .map(|verdict| verdict.subject.as_str())
        .collect();
    let mut subjects: Vec<&str> = subjects.into_iter().rev().collect();
    subjects.dedup();
    for subject in subjects.into_iter().rev() {
        let of_it = counts.iter().filter(|((name, _), _)| *name == subject);
        let told: Vec<String> = of_it
            .map(|((_, status), count)| format!("{count} {}", status.name()))
            .collect();
        let _ = writeln!(text, "{subject}: {}", told.join(", "));
    }
    let failed = run
        .verdicts
        .iter()
        .filter(|verdict| verdict.fails())
        .count()
        + run.problems.len();
    let passed = run
        .verdicts
        .iter()
        .filter(|verdict| verdict.status.is_as_expected() && verdict.status != Status::NotRun);
    let _ = writeln!(
        text,
        "suite {VERSION}, {} component{}, {:.1} s\n{} passed, {failed} failed",
        run.subjects,
        if run.subjects == 1 { "" } else { "s" },
        run.took.as_secs_f64(),
        passed.count()
    );
    text
}

fn shown(status: Status) -> bool {
    !matches!(status, Status::Ok | Status::Prevented | Status::NotRun)
}
