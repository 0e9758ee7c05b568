//! `expect.toml`: what a port owes, and what it is known to fail.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};

use crate::case::Layer;

/// What is known of a port.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expect {
    /// The language, for reports.
    pub language: String,
    /// What it owes.
    pub layers: Vec<Layer>,
    /// When a handle is dropped.
    pub drops: Drops,
    /// Errors of replies that a type of the platform lets through: they show when the handler returns, which has
    /// then failed.
    #[serde(default)]
    pub late: Vec<String>,
    /// Whether a type of the platform joins the fields of one name, all but those of `set-cookie`.
    #[serde(default)]
    pub joins: bool,
    /// Known failures.
    #[serde(default, rename = "failure")]
    pub failures: Vec<Failure>,
    /// What the language makes impossible to write.
    #[serde(default)]
    pub prevented: Vec<Prevented>,
    /// Cases in which its calls need not be all that others' are.
    #[serde(default)]
    pub relaxed: Vec<RelaxedCase>,
}

/// In what the calls of two components may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relax {
    /// Their order.
    Order,
    /// All.
    Calls,
}

impl Relax {
    /// As `expect.toml` and cases write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Calls => "calls",
        }
    }
}

/// A case in which a language may differ from others.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelaxedCase {
    /// Its name.
    pub case: String,
    /// In what.
    pub what: Relax,
    /// Why, for people.
    pub reason: String,
}

/// When a language drops a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drops {
    /// At the end of the block that holds it.
    Scope,
    /// Together, when the request ends.
    Request,
    /// When a collector runs, at the latest with the instance.
    Deferred,
}

/// A case that is known to fail.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Its name.
    pub case: String,
    /// Parts of what the run says of it, each of some words: each line of that holds one of them, and each of them is in
    /// a line.
    #[serde(deserialize_with = "one_or_several")]
    pub how: Vec<String>,
    /// Why, for people.
    pub reason: String,
}

/// A case that can't be written in the language.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prevented {
    /// Its name.
    pub case: String,
    /// The file of the test that proves it, from the root of its repository.
    pub proof: String,
    /// What says in that file that the test must not compile, with enough of it to tell it from others.
    pub marker: String,
    /// Why, for people.
    pub reason: String,
}

fn one_or_several<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a text or several are due")]
    enum Texts {
        One(String),
        Several(Vec<String>),
    }
    Ok(match Texts::deserialize(from)? {
        Texts::One(text) => vec![text],
        Texts::Several(texts) => texts,
    })
}

impl Failure {
    /// Whether this is the failure that is known, and nothing beside it.
    pub(crate) fn is(&self, lines: &[String]) -> bool {
        let holds = |line: &String| self.how.iter().any(|part| line.contains(part));
        let is_met = |part: &String| lines.iter().any(|line| line.contains(part));
        lines.iter().all(holds) && self.how.iter().all(is_met)
    }
}

/// Why an `expect.toml` can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ExpectError {
    /// It can't be read.
    #[error("{}: {reason}", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// It is no such file.
    #[error("{}:{line}: {reason}", .file.display())]
    Invalid {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
}

/// Errors of a reply that a platform's type may let through.
const LATE: [&str; 4] = [
    "invalid-name",
    "invalid-value",
    "invalid-status",
    "consumed",
];

impl Default for Expect {
    /// What is held against a component that comes alone: everything.
    fn default() -> Self {
        Self {
            language: "unknown".to_owned(),
            layers: vec![Layer::Wit, Layer::Sdk],
            drops: Drops::Deferred,
            late: Vec::new(),
            joins: false,
            failures: Vec::new(),
            prevented: Vec::new(),
            relaxed: Vec::new(),
        }
    }
}

/// The line, from 1, at this byte.
fn line_of(text: &str, at: usize) -> usize {
    text[..at.min(text.len())].matches('\n').count() + 1
}

impl Expect {
    /// Errors: `Read`, `Invalid`.
    pub fn read(file: &Path) -> Result<Self, ExpectError> {
        let text = std::fs::read_to_string(file).map_err(|reason| ExpectError::Read {
            file: file.to_owned(),
            reason,
        })?;
        let expect: Self = toml::from_str(&text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            ExpectError::Invalid {
                file: file.to_owned(),
                line: line_of(&text, at),
                reason: error.message().replace('\n', "; "),
            }
        })?;
        let wrong = expect.wrong(file);
        wrong.map_or(Ok(expect), |(at, reason)| {
            Err(ExpectError::Invalid {
                file: file.to_owned(),
                line: line_of(&text, text.find(&at).unwrap_or(0)),
                reason,
            })
        })
    }

    /// What would let anything pass: where it stands, and what is wrong.
    fn wrong(&self, file: &Path) -> Option<(String, String)> {
        if let Some(late) = self.late.iter().find(|late| !LATE.contains(&late.as_str())) {
            let reason = format!("`late` of {late:?}; of {} it may be", LATE.join(", "));
            return Some((late.clone(), reason));
        }
        if self.layers.is_empty() {
            let reason = "`layers` is empty; `wit`, or `wit` and `sdk` are due".to_owned();
            return Some(("layers".to_owned(), reason));
        }
        let is_short = |how: &String| how.len() < HOW_MIN || how.split_whitespace().count() < 3;
        let is_vague = |it: &&Failure| it.how.is_empty() || it.how.iter().any(is_short);
        if let Some(Failure { case, how, .. }) = self.failures.iter().find(is_vague) {
            let due = "parts of what the run says are due, of three words at least";
            return Some((case.clone(), format!("`how` of {case:?} is {how:?}; {due}")));
        }
        let failures = self.failures.iter().map(|it| (&it.case, &it.reason));
        let prevented = self.prevented.iter().map(|it| (&it.case, &it.reason));
        let relaxed = self.relaxed.iter().map(|it| (&it.case, &it.reason));
        let mut reasons = failures.chain(prevented).chain(relaxed);
        if let Some((case, _)) = reasons.find(|(_, reason)| reason.trim().is_empty()) {
            let reason = format!("`reason` of {case:?} is empty; one is due");
            return Some((case.clone(), reason));
        }
        let unproven = |it: &Prevented| Some((it.case.clone(), it.unproven(file)?));
        self.prevented.iter().find_map(unproven)
    }
}

/// A part of what a run says that is shorter may be a part of anything.
const HOW_MIN: usize = 12;

/// As is a marker: `compile_fail` and `@ts-expect-error` are longer.
const MARKER_MIN: usize = 10;

impl Prevented {
    /// Why its proof, for an `expect.toml` that is this file, is none.
    fn unproven(&self, file: &Path) -> Option<String> {
        let Self {
            case,
            proof,
            marker,
            ..
        } = self;
        let folder = std::path::absolute(file).unwrap_or_default();
        let mut roots = folder.ancestors();
        let Some(text) = roots.find_map(|root| std::fs::read_to_string(root.join(proof)).ok())
        else {
            let due = "the test that proves it is due, from the root of its repository";
            return Some(format!("`proof` of {case:?}: no file {proof:?}; {due}"));
        };
        if marker.trim().len() < MARKER_MIN {
            let due = "what says that a test must not compile is due, `compile_fail` say";
            return Some(format!("`marker` of {case:?} is {marker:?}; {due}"));
        }
        (!text.contains(marker)).then(|| {
            format!("`proof` of {case:?}: {proof:?} has no {marker:?}, which is to say that it must not compile")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_a_known_failure_is_accounted_for() {
        let known = |how: &str| -> Failure {
            toml::from_str(&format!("case = 'a/b'\nreason = 'r'\nhow = {how}")).unwrap()
        };
        let lines = ["status: expected 200, got 500", "x: expected 1, got 2"].map(str::to_owned);
        assert!(known("'got'").is(&lines));
        assert!(known("['got 500', 'x: expected 1']").is(&lines));
        // A line that nothing accounts for, and a part that no line has.
        assert!(!known("'got 500'").is(&lines));
        assert!(!known("['got 500', 'x: expected 1', 'y']").is(&lines));
    }
}
