//! A file of cases, read and checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, de};
use toml::Spanned;
use url::Url;

use crate::case::{Case, Exchange, Reply, manifest};
use crate::step::parsed;
use crate::wit::EDGE;

/// Why a file of cases can't be used. Displays as one line: the file, the line, what is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{}:{line}: {reason}", .file.display())]
pub struct CaseError {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl CaseError {
    /// A mistake at a byte of a file.
    pub(crate) fn at(text: &str, file: &Path, at: usize, reason: String) -> Self {
        let before = &text[..at.min(text.len())];
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            reason,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    case: Vec<Case>,
}

/// The cases of one file. Errors: `CaseError`, at the line that is wrong.
pub fn parse(text: &str, file: &Path) -> Result<Vec<Case>, CaseError> {
    let wrong = |at: Option<usize>, reason| CaseError::at(text, file, at.unwrap_or(0), reason);
    let parsed: CaseFile = toml::from_str(text).map_err(|error| {
        let at = error.span().map(|span| span.start);
        wrong(at, error.message().replace('\n', "; "))
    })?;
    for case in &parsed.case {
        let injects = case.request.iter().flat_map(|exchange| &exchange.inject);
        for inject in injects {
            let checked = EDGE.result(&inject.call, &inject.result);
            checked.map_err(|reason| wrong(Some(inject.call.at), reason))?;
        }
        let at = Some(case.name.span().start);
        case.check().map_err(|reason| wrong(at, reason))?;
    }
    Ok(parsed.case)
}

impl Case {
    /// A gate that nobody opens is waited for until the case is called off.
    fn check_gates(&self) -> Result<(), String> {
        let servers = self
            .upstream
            .iter()
            .flat_map(|it| &it.connections)
            .flatten();
        let clients = self.request.iter().flat_map(|it| &it.client).flatten();
        let steps: Vec<(&str, &str)> = servers
            .chain(clients)
            .filter_map(|step| step.split_once(' '))
            .collect();
        let unopened = steps
            .iter()
            .find(|(verb, gate)| *verb == "pass" && !steps.contains(&("open", gate)));
        match unopened {
            Some((_, gate)) => Err(format!("the gate {gate:?} is passed, and nobody opens it")),
            None => Ok(()),
        }
    }

    fn check(&self) -> Result<(), String> {
        let name = self.name();
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "/-".contains(c);
        if !name.contains('/') || !name.chars().all(allowed) {
            return Err(format!(
                "the name {name:?}; `area/what-happens` in lower case is due"
            ));
        }
        if self.request.is_empty() {
            return Err(format!("{name}: no request"));
        }
        let stored = self.stores.values().chain(self.stores_after.values());
        for word in stored.flat_map(BTreeMap::values) {
            crate::words::decode(word)?;
        }
        let mut origins = BTreeSet::new();
        let mut servers = self.upstream.iter().map(|upstream| &upstream.origin);
        let is_known = |origin: &&String| {
            let url = Url::parse(origin).map(|url| url.origin());
            !url.is_ok_and(|origin| origins.insert(origin.ascii_serialization()))
        };
        if let Some(twice) = servers.find(is_known) {
            return Err(format!("two servers stand for {twice}; one is due"));
        }
        if let Some(relaxed) = self.relaxed.iter().find(|it| it.reason.is_empty()) {
            let what = relaxed.what.name();
            return Err(format!("{what} is relaxed without a reason; one is due"));
        }
        self.check_gates()?;
        self.request.iter().try_for_each(Exchange::check)?;
        Ok(())
    }
}

impl Exchange {
    fn check(&self) -> Result<(), String> {
        if self.trace.as_ref().is_some_and(|trace| *trace == ["..."]) {
            return Err("a trace of `...` alone looks at nothing".to_owned());
        }
        if self.inject.iter().any(|inject| inject.at == Some(0)) {
            return Err("`at = 0`; calls are counted from 1".to_owned());
        }
        if !self.reads() && self.reply != Reply::default() {
            return Err("a `reply` is due of a client that does not `read` it".to_owned());
        }
        let status = self.reply.status;
        if !(200..=999).contains(&status) {
            return Err(format!("the status {status}; 200 to 999 is due"));
        }
        let names = self.reply.fields.keys();
        let mut names = names.chain(self.reply.trailers.iter().flat_map(BTreeMap::keys));
        match names.find(|name| **name != name.to_ascii_lowercase()) {
            Some(name) => Err(format!("the field {name:?}; lower case is due")),
            None => Ok(()),
        }
    }
}

/// What a client of a case can do.
const CLIENT_STEPS: [&str; 12] = [
    "head",
    "send",
    "raw",
    "chunk",
    "last",
    "until",
    "pass",
    "open",
    "half-close",
    "reset",
    "close",
    "read",
];

/// What a server of a case can do.
const UPSTREAM_STEPS: [&str; 10] = [
    "request",
    "head",
    "until",
    "send",
    "pattern",
    "pass",
    "open",
    "gone",
    "half-close",
    "reset",
];

/// What a client of a case does.
pub(crate) fn client_steps<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    struct Known(#[serde(deserialize_with = "client_step")] String);
    let steps = Vec::<Known>::deserialize(from)?;
    Ok(Some(steps.into_iter().map(|step| step.0).collect()))
}

fn client_step<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    parsed(from, |step| known(step, &CLIENT_STEPS))
}

/// What a server of a case does on each connection.
pub(crate) fn connections<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Vec<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    struct Known(#[serde(deserialize_with = "upstream_step")] String);
    let connections = Vec::<Vec<Known>>::deserialize(from)?;
    let steps = |steps: Vec<Known>| steps.into_iter().map(|step| step.0).collect();
    Ok(connections.into_iter().map(steps).collect())
}

fn upstream_step<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    parsed(from, |step| known(step, &UPSTREAM_STEPS))
}

/// What an application is granted and limited to.
pub(crate) fn app<'de, D: Deserializer<'de>>(from: D) -> Result<toml::Table, D::Error> {
    let app = toml::Table::deserialize(from)?;
    match manifest(&app) {
        Ok(_) => Ok(app),
        Err(reason) => Err(de::Error::custom(reason)),
    }
}

pub(crate) fn origin<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    parsed(from, |text| {
        match text.parse::<edgewit_manifest::Origin>() {
            Ok(_) => Ok(text.to_owned()),
            Err(error) => Err(format!("the origin {text:?}: {error}")),
        }
    })
}

/// A word that stands for bytes.
pub(crate) fn word<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    parsed(from, |word| {
        crate::words::decode(word).map(|_| Some(word.to_owned()))
    })
}

/// Whether a step begins with one of these verbs, and a number follows where one is due.
fn known(step: &str, verbs: &[&str]) -> Result<String, String> {
    let (verb, operand) = step.split_once(' ').unwrap_or((step, ""));
    if !verbs.contains(&verb) {
        return Err(format!(
            "the step {step:?}; one of {} is due",
            verbs.join(", ")
        ));
    }
    match verb {
        "pattern" if operand.parse::<u32>().is_err() => {
            Err(format!("the step {step:?}; a number of bytes is due"))
        }
        "chunk" | "send" | "until" if verbs == CLIENT_STEPS => {
            crate::words::decode(operand).map(|_| step.to_owned())
        }
        _ => Ok(step.to_owned()),
    }
}

/// A text of a file of cases, and where in the file it is. It displays, and is compared by what cases ask, as the text.
#[derive(Clone, Default)]
pub struct Placed {
    text: String,
    at: usize,
}

impl From<&str> for Placed {
    fn from(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            at: 0,
        }
    }
}

impl std::ops::Deref for Placed {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl std::fmt::Display for Placed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::fmt::Debug for Placed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

impl<'de> Deserialize<'de> for Placed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Spanned::<String>::deserialize(deserializer)?;
        let at = text.span().start;
        Ok(Self {
            text: text.into_inner(),
            at,
        })
    }
}
