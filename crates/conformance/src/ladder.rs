//! The ladder that a port climbs, and the verbs that each rung takes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::case::Case;
use crate::suite::Suite;

/// What a guest under test has to do, for who writes one: `CONTRACT.md`.
pub const CONTRACT: &str = include_str!("../../../tests/conformance/CONTRACT.md");

/// A rung: some verbs of the contract, and the cases that ask for them.
#[derive(Clone, Copy, Debug)]
pub struct Rung {
    /// What it is called.
    pub name: &'static str,
    /// The headings of the contract whose tables hold its verbs.
    pub headings: &'static [&'static str],
    /// The interfaces of `edge:sdk` that it calls first.
    pub interfaces: &'static [&'static str],
    /// The areas of its cases, which their names begin with.
    pub areas: &'static [&'static str],
    /// Its simplest case, which every guest owes.
    pub first: &'static str,
    /// Where to look when that case fails.
    pub hint: &'static str,
}

/// From the first to the last; the first case of each takes verbs of the rungs up to it alone.
pub const LADDER: [Rung; 7] = [
    Rung {
        name: "echo",
        headings: &["Values through the guest alone", "Logging and the system"],
        interfaces: &["logging", "system"],
        areas: &["system"],
        first: "system/text",
        hint: "each step is one field `conformance` of the request, and each report one `info` line of \
               the log with the target `conformance`",
    },
    Rung {
        name: "http",
        headings: &["The request", "The reply"],
        interfaces: &["http", "handler"],
        areas: &["http", "fields"],
        first: "http/uri-of-a-path",
        hint: "method, URI and fields come in the record `request` of `handle`; reports are \
               percent-encoded",
    },
    Rung {
        name: "kv and log",
        headings: &["kv"],
        interfaces: &["kv"],
        areas: &["kv", "logging"],
        first: "kv/missing-is-none",
        hint: "handles are kept by the names that the script gives them, and `~` is none",
    },
    Rung {
        name: "fetch",
        headings: &["fetch", "Waiting"],
        interfaces: &["fetch", "poll"],
        areas: &["fetch"],
        first: "fetch/where-a-response-came-from",
        hint: "`fetch.send` keeps what is pending by its name, and `fetch.wait` takes the response out of it",
    },
    Rung {
        name: "streaming",
        headings: &[
            "Bodies: of the request (`request`) and of fetched responses (by the name given to `fetch.wait`)",
            "In a source, beside all other verbs",
            "After the reply",
        ],
        interfaces: &["http", "handler"],
        areas: &["bodies"],
        first: "bodies/a-source",
        hint: "steps after `reply.source` run when the body is pulled, those after `after` in `after-reply`",
    },
    Rung {
        name: "faults",
        headings: &["Ways to end"],
        interfaces: &["logging"],
        areas: &["lifecycle", "limits", "matrix"],
        first: "lifecycle/a-panic",
        hint: "a panic ends in a trap, which the host answers with an empty 500",
    },
    Rung {
        name: "handlers",
        headings: &["Handlers", "The router"],
        interfaces: &[],
        areas: &["sdk"],
        first: "lifecycle/unknown-path",
        hint: "a request without a field `conformance` is for a handler by its path; any other path is a 404",
    },
];

/// What is asked carries out no scripts, so that no case has anything to say of it.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0} carries out no scripts of the suite; CONTRACT.md and `edgewit port doctor FILE.wasm` say what is due"
)]
pub struct NoGuest(pub String);

/// The first case of each rung.
pub(crate) fn first_cases() -> Vec<Case> {
    let suite = Suite::embedded().map(|suite| suite.cases);
    let mut cases = suite.unwrap_or_default();
    cases.retain(|case| LADDER.iter().any(|rung| rung.first == case.name()));
    cases
}

/// A row of the contract's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The step or steps, or a handler's request, in Markdown as all of it.
    pub step: &'static str,
    /// What a guest does then; empty where the step says it.
    pub does: &'static str,
    /// What it reports; empty for a handler.
    pub reports: &'static str,
}

/// The verbs that the contract has, each with the step as it is written there.
pub(crate) static VERBS: LazyLock<BTreeMap<&str, &str>> =
    LazyLock::new(|| LADDER.iter().flat_map(Rung::steps).collect());

/// Whether a verb may have so many operands. `step` is as the contract writes it: behind `…` the operand before it
/// may come any number of times, and a `VALUE` with its `NAME`.
pub(crate) fn takes(step: &str, operands: usize) -> bool {
    let due: Vec<&str> = step.split(' ').skip(1).collect();
    let Some((&"…", due)) = due.split_last() else {
        return operands == due.len();
    };
    let repeated = if due.ends_with(&["NAME", "VALUE"]) {
        2
    } else {
        1
    };
    let more = operands.checked_sub(due.len() - repeated);
    more.is_some_and(|more| more % repeated == 0)
}

impl Rung {
    /// The verbs of its rows; of a handler it is the method of its request.
    pub fn verbs(&self) -> Vec<&'static str> {
        self.steps().into_iter().map(|(verb, _)| verb).collect()
    }

    /// Its verbs, each with the step as its row writes it.
    fn steps(&self) -> Vec<(&'static str, &'static str)> {
        let quoted = |text: &'static str| text.split('`').skip(1).step_by(2);
        let steps = self.rows().into_iter().flat_map(|row| quoted(row.step));
        let verb = |step: &'static str| Some((step.split(' ').next()?, step));
        steps.filter_map(verb).collect()
    }

    /// The rows of the contract that this rung takes, in their order.
    pub fn rows(&self) -> Vec<Row> {
        self.headings.iter().flat_map(|it| rows(it)).collect()
    }
}

/// The rows of the tables below a heading; none if there is no such heading or no table.
fn rows(heading: &str) -> Vec<Row> {
    let title = |line: &'static str| line.starts_with('#').then(|| line.trim_matches(['#', ' ']));
    let below = CONTRACT
        .lines()
        .skip_while(|line| title(line) != Some(heading))
        .skip(1);
    below
        .take_while(|line| title(line).is_none())
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let mut cells = line.split('|').skip(1).map(str::trim);
            let mut cell = || cells.next().unwrap_or_default();
            Row {
                step: cell(),
                does: cell(),
                reports: cell(),
            }
        })
        .collect()
}
