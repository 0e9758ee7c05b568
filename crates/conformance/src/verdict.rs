//! What came of a case on a component, beside what is expected of it.

use std::time::Duration;

use crate::case::{Case, Layer, Level};
use crate::expect::Expect;
use crate::run::Outcome;

/// What came of a case on a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Passed.
    Ok,
    /// The language makes it impossible to write, as `expect.toml` says.
    Prevented,
    /// It fails as `expect.toml` says.
    Known,
    /// It failed.
    Failed,
    /// The guest does not know a verb of it.
    Unsupported,
    /// `expect.toml` lists it, and it passed or failed otherwise.
    Stale,
    /// It could not be asked.
    NotRun,
}

impl Status {
    /// Each, from the best.
    pub const ALL: [Self; 7] = [
        Self::Ok,
        Self::Prevented,
        Self::Known,
        Self::Failed,
        Self::Unsupported,
        Self::Stale,
        Self::NotRun,
    ];

    /// As outputs write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Prevented => "prevented",
            Self::Known => "known-failure",
            Self::Failed => "failed",
            Self::Unsupported => "unsupported",
            Self::Stale => "stale-expectation",
            Self::NotRun => "not-run",
        }
    }

    /// Whether it is as expected.
    pub fn is_as_expected(self) -> bool {
        matches!(
            self,
            Self::Ok | Self::Prevented | Self::Known | Self::NotRun
        )
    }
}

/// One line of a run.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The component.
    pub subject: String,
    /// The case.
    pub case: String,
    /// The rule that it pins.
    pub rule: String,
    /// The first part of its name.
    pub area: String,
    /// Who owes it.
    pub layer: Layer,
    /// What a failure means.
    pub level: Level,
    /// What came of it.
    pub status: Status,
    /// Why, if it is not passed.
    pub why: Vec<String>,
    /// How long it took.
    pub took: Duration,
}

impl Verdict {
    /// Whether it fails the run.
    pub fn fails(&self) -> bool {
        !self.status.is_as_expected()
            && (self.level == Level::Required || self.status == Status::Stale)
    }
}

pub(crate) fn verdict(case: &Case, subject: &str, expect: &Expect, outcome: &Outcome) -> Verdict {
    let failed = expect
        .failures
        .iter()
        .find(|failure| failure.case == case.name());
    let prevented = expect
        .prevented
        .iter()
        .any(|prevented| prevented.case == case.name());
    let mut why = outcome.problems.clone();
    if outcome.prevented && !prevented {
        why.push(
            "a step reported `prevented`; expect.toml is to name the test that proves it"
                .to_owned(),
        );
    }
    let passed = why.is_empty();
    let status = match failed {
        _ if prevented && passed && outcome.prevented => Status::Prevented,
        _ if prevented => {
            why.push("expect.toml says that the language prevents it".to_owned());
            Status::Stale
        }
        None if passed => Status::Ok,
        None if outcome.unsupported => Status::Unsupported,
        None => Status::Failed,
        Some(_) if passed => {
            why.push("expect.toml lists it as a known failure, and it passed".to_owned());
            Status::Stale
        }
        // All of it is to be known, and a guest that crashes or hangs is known by nothing.
        Some(known) if !outcome.broke_off && known.is(&why) => Status::Known,
        Some(known) => {
            why.push(format!(
                "it fails in another way than expect.toml says, which is {:?} and no more",
                known.how
            ));
            Status::Stale
        }
    };
    Verdict {
        subject: subject.to_owned(),
        case: case.name().to_owned(),
        rule: case.rule.clone(),
        area: case.area().to_owned(),
        layer: case.layer,
        level: case.level,
        status,
        why,
        took: outcome.took,
    }
}
