//! `expect.toml`: what a port owes, and what it is known to fail.

use std::path::{Path, PathBuf};

use serde::Deserialize;

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
    /// A part of what the run says of it.
    pub how: String,
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
        match expect
            .failures
            .iter()
            .find(|failure| failure.how.is_empty())
        {
            // It would be a part of everything.
            Some(failure) => Err(ExpectError::Invalid {
                file: file.to_owned(),
                line: line_of(&text, text.find(&failure.case).unwrap_or(0)),
                reason: format!(
                    "`how` of {:?} is empty; a part of what the run says is due",
                    failure.case
                ),
            }),
            None => expect.check_late(file, &text),
        }
    }

    /// What else would be late would let anything pass.
    fn check_late(self, file: &Path, text: &str) -> Result<Self, ExpectError> {
        match self.late.iter().find(|late| !LATE.contains(&late.as_str())) {
            Some(late) => Err(ExpectError::Invalid {
                file: file.to_owned(),
                line: line_of(text, text.find(late.as_str()).unwrap_or(0)),
                reason: format!("`late` of {late:?}; of {} it may be", LATE.join(", ")),
            }),
            None => Ok(self),
        }
    }
}
