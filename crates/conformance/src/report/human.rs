use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::case::{Level, NEEDS};
use crate::compare::Relaxed;
use crate::report::printable;
use crate::suite::{Run, VERSION};
use crate::verdict::{Status, Verdict};

pub(super) fn write(run: &Run) -> String {
    let mut text = String::new();
    run.verdicts
        .iter()
        .filter(|verdict| is_told(verdict.status))
        .for_each(|verdict| tell(&mut text, verdict));
    for problem in &run.problems {
        let _ = writeln!(text, "{}", printable(problem));
    }
    for relaxed in &run.relaxed {
        let Relaxed {
            case, what, reason, ..
        } = relaxed;
        let (who, what) = (
            relaxed.subject.as_deref().unwrap_or("the case"),
            what.name(),
        );
        let _ = writeln!(
            text,
            "relaxed: {what} of calls in {case}, by {who}: {reason}"
        );
    }
    // A component's come together.
    let by_subject = run
        .verdicts
        .chunk_by(|one, other| one.subject == other.subject);
    by_subject.for_each(|verdicts| count(&mut text, run, verdicts));
    let failed = run.verdicts.iter().filter(|verdict| verdict.fails());
    let _ = write!(
        text,
        "suite {VERSION}, {} component{}, {:.1} s",
        run.subjects,
        if run.subjects == 1 { "" } else { "s" },
        run.took.as_secs_f64(),
    );
    for (status, said) in [
        (Status::Prevented, "prevented"),
        (Status::Known, "known to fail"),
    ] {
        match run.count(status) {
            0 => {}
            count => drop(write!(text, ", {count} {said}")),
        }
    }
    // Alone on its line: what counts results of many programs looks for it.
    let (passed, failed) = (run.count(Status::Ok), failed.count() + run.problems.len());
    let _ = writeln!(text, "\n{passed} passed, {failed} failed");
    text
}

fn is_told(status: Status) -> bool {
    !matches!(status, Status::Ok | Status::Prevented | Status::NotRun)
}

fn tell(text: &mut String, verdict: &Verdict) {
    let Verdict {
        subject,
        status,
        case,
        ..
    } = verdict;
    let recommended = match verdict.level {
        Level::Required => "",
        Level::Recommended => " (recommended)",
    };
    let _ = writeln!(text, "{subject}: {} {case}{recommended}", status.name());
    for why in &verdict.why {
        let _ = writeln!(text, "    {}", printable(why));
    }
}

/// How many cases of one component came to what, and why some were not run.
fn count(text: &mut String, run: &Run, verdicts: &[Verdict]) {
    let (mut counts, mut not_run) = (BTreeMap::new(), BTreeMap::new());
    let mut out_of_reach = 0;
    for verdict in verdicts {
        *counts.entry(verdict.status).or_insert(0) += 1;
        match (verdict.status, verdict.why.join("; ")) {
            (Status::NotRun, why) if why.starts_with(NEEDS) => out_of_reach += 1,
            (Status::NotRun, why) => *not_run.entry(why).or_insert(0) += 1,
            _ => {}
        }
    }
    let subject = &verdicts[0].subject;
    if out_of_reach > 0 {
        let all = verdicts.len();
        let _ = writeln!(
            text,
            "{subject}: {out_of_reach} of {all} not run: they need more than requests and replies, and JSON and \
             JUnit say what"
        );
    }
    for (why, count) in not_run {
        let _ = writeln!(text, "{subject}: {count} not run: {why}");
    }
    let told: Vec<String> = counts
        .iter()
        .map(|(status, count)| format!("{count} {}", status.name()))
        .collect();
    let not_owed = match run.not_owed.get(subject) {
        None | Some(0) => String::new(),
        Some(cases) => format!("; {cases} more are of layers that it does not owe"),
    };
    let _ = writeln!(text, "{subject}: {}{not_owed}", told.join(", "));
}
