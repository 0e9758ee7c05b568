use std::fmt::Write as _;

use crate::suite::{Run, VERSION};
use crate::verdict::{Status, Verdict};

pub(super) fn write(run: &Run) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let total = Counts::of(run.verdicts.iter());
    let failures = total.failures + run.problems.len();
    let tests = total.tests + run.problems.len();
    let seconds = run.took.as_secs_f64();
    let _ = writeln!(
        text,
        "<testsuites name=\"edge:sdk conformance {VERSION}\" tests=\"{tests}\" failures=\"{failures}\" time=\"{seconds:.3}\">"
    );
    for verdicts in run
        .verdicts
        .chunk_by(|one, other| one.subject == other.subject)
    {
        let counts = Counts::of(verdicts.iter());
        let _ = writeln!(
            text,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" time=\"{:.3}\">",
            escape(&verdicts[0].subject),
            counts.tests,
            counts.failures,
            counts.skipped,
            counts.seconds
        );
        for verdict in verdicts {
            case(&mut text, verdict);
        }
        text += "  </testsuite>\n";
    }
    if !run.problems.is_empty() {
        let count = run.problems.len();
        let _ = writeln!(
            text,
            "  <testsuite name=\"run\" tests=\"{count}\" failures=\"{count}\" skipped=\"0\" time=\"0.000\">"
        );
        for problem in &run.problems {
            let message = escape(problem);
            let _ = writeln!(
                text,
                "    <testcase classname=\"run\" name=\"as a whole\" time=\"0.000\"><failure message=\"{message}\"/></testcase>"
            );
        }
        text += "  </testsuite>\n";
    }
    text + "</testsuites>\n"
}

struct Counts {
    tests: usize,
    failures: usize,
    skipped: usize,
    seconds: f64,
}

impl Counts {
    fn of<'a>(verdicts: impl Iterator<Item = &'a Verdict>) -> Self {
        let mut counts = Self {
            tests: 0,
            failures: 0,
            skipped: 0,
            seconds: 0.0,
        };
        for verdict in verdicts {
            counts.tests += 1;
            counts.failures += usize::from(verdict.fails());
            counts.skipped += usize::from(is_skipped(verdict));
            counts.seconds += verdict.took.as_secs_f64();
        }
        counts
    }
}

/// What is neither passed nor fails the run: a skip with its reason, so that no reader takes it for a pass.
fn is_skipped(verdict: &Verdict) -> bool {
    verdict.status != Status::Ok && !verdict.fails()
}

fn case(text: &mut String, verdict: &Verdict) {
    let (class, name) = (escape(&verdict.area), escape(&verdict.case));
    let _ = write!(
        text,
        "    <testcase classname=\"{class}\" name=\"{name}\" time=\"{:.3}\"",
        verdict.took.as_secs_f64()
    );
    let status = verdict.status.name();
    let why = escape(&verdict.why.join("\n"));
    let _ = match (verdict.fails(), is_skipped(verdict)) {
        (true, _) => writeln!(
            text,
            "><failure message=\"{status}\">{why}</failure></testcase>"
        ),
        (_, true) => writeln!(text, "><skipped message=\"{status}: {why}\"/></testcase>"),
        _ => writeln!(text, "/>"),
    };
}

/// For text and attributes of XML 1.0, which has no control characters but three, escaped or not.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
