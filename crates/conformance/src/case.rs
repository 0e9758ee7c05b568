//! Cases: what is asked of a guest, and what must come of it, as data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use edgewit_manifest::Manifest;
use serde::Deserialize;
use toml::Spanned;

use crate::expect::Relax;
use crate::ladder::VERBS;
use crate::step::Step;
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

/// The authority that clients of cases ask for, unless a case says another.
pub(crate) const AUTHORITY: &str = "conformance.test";

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

/// Whether a step begins with one of these verbs, and a number follows where one is due.
fn known(step: &str, verbs: &[&str]) -> Result<(), String> {
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
        "chunk" => crate::words::decode(operand).map(drop),
        _ => Ok(()),
    }
}

/// Who owes a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// Every guest, one on bindings alone included.
    Wit,
    /// A guest that is written with an SDK.
    Sdk,
}

impl Layer {
    /// As cases and `expect.toml` write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wit => "wit",
            Self::Sdk => "sdk",
        }
    }
}

/// What a failure means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// It fails the run.
    #[default]
    Required,
    /// It is shown and counted.
    Recommended,
}

/// One case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Case {
    /// `area/what-happens`.
    pub name: Spanned<String>,
    /// The rule of `RULES.md` that it pins.
    pub rule: String,
    /// Who owes it.
    pub layer: Layer,
    /// What a failure means.
    #[serde(default)]
    pub level: Level,
    /// What the application is granted and limited to, as in an `edge.toml`.
    #[serde(default)]
    pub app: toml::Table,
    /// What stores hold before: keys and values by store, values as words. `k{3}` is three keys.
    #[serde(default)]
    pub stores: BTreeMap<String, BTreeMap<String, String>>,
    /// What stores hold after: `~` for a key that must not be there.
    #[serde(default)]
    pub stores_after: BTreeMap<String, BTreeMap<String, String>>,
    /// Servers that the guest may fetch from.
    #[serde(default)]
    pub upstream: Vec<Upstream>,
    /// In what the calls of components may differ.
    #[serde(default)]
    pub relaxed: Vec<Relaxation>,
    /// The requests, one after the other.
    pub request: Vec<Exchange>,
}

/// In what components may differ in a case, whatever their language.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relaxation {
    /// In what.
    pub what: Relax,
    /// Why, for people.
    pub reason: String,
}

/// A scripted server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Upstream {
    /// The origin that it stands for.
    pub origin: String,
    /// What it does on each connection, in order; the last is for all further ones. None: nobody listens.
    pub connections: Vec<Vec<String>>,
    /// What it must have received in all: heads with their fields sorted, bodies as words.
    pub saw: Option<Vec<String>>,
}

/// What a call of the host returns in place of what it would.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inject {
    /// The function, as traces name it: `kv.open`, `store.get`.
    pub call: String,
    /// Which call of it within the request, from 1; every one if it is not said.
    pub at: Option<usize>,
    /// The result: variants, options and results by the case's name, or as a table of that name and what the case
    /// carries (`{ err = { value-too-large = 5 } }`); bytes as a word; numbers past what TOML holds as text.
    pub result: toml::Value,
}

/// One request and what must come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Exchange {
    /// Method and target; `GET /` unless said.
    #[serde(default = "default_request")]
    pub request: String,
    /// Field lines beside `host`. `x{3}: v` is three lines, `x: {v*3}` one with the value `vvv`.
    #[serde(default)]
    pub fields: Vec<String>,
    /// The body, as a word; with it goes its `content-length`.
    pub body: Option<String>,
    /// What the client does; by default it sends the request and reads the reply to its end.
    pub client: Option<Vec<String>>,
    /// The script, each step with the report that is due: `VERB OPERANDS -> REPORT`.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// What the client must get.
    #[serde(default)]
    pub reply: Reply,
    /// What the guest must log beside its reports: `LEVEL TARGET TEXT NAME VALUE …` as words.
    pub log: Option<Vec<String>>,
    /// The calls of imports, reports and what an SDK is free in left out. A first or last `...` is any calls.
    pub trace: Option<Vec<String>>,
    /// What calls return in place of what the host has to say.
    #[serde(default)]
    pub inject: Vec<Inject>,
}

impl Default for Exchange {
    fn default() -> Self {
        Self {
            request: default_request(),
            fields: Vec::new(),
            body: None,
            client: None,
            steps: Vec::new(),
            reply: Reply::default(),
            log: None,
            trace: None,
            inject: Vec::new(),
        }
    }
}

impl Upstream {
    fn check(&self) -> Result<(), String> {
        let origin = self.origin.parse::<edgewit_manifest::Origin>();
        origin.map_err(|error| format!("the origin {:?}: {error}", self.origin))?;
        for step in self.connections.iter().flatten() {
            known(step, &UPSTREAM_STEPS)?;
        }
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
        if let Some(status) = self.reply.status
            && !(200..=999).contains(&status)
        {
            return Err(format!("the status {status}; 200 to 999 is due"));
        }
        let names = self.reply.fields.keys();
        let mut names = names.chain(self.reply.trailers.iter().flat_map(BTreeMap::keys));
        match names.find(|name| **name != name.to_ascii_lowercase()) {
            Some(name) => Err(format!("the field {name:?}; lower case is due")),
            None => Ok(()),
        }
    }

    /// Whether all that comes back is the reports: every step is due one, and none shapes the reply.
    pub(crate) fn is_reported_whole(&self) -> bool {
        let all = |step: &Step| step.due.is_some() && !step.shapes_the_reply();
        let said = self.reply.status.is_some() || self.reply.body.is_some();
        !said
            && self.client.is_none()
            && !self.steps.is_empty()
            && self.steps.iter().all(all)
            && !self.request.starts_with("HEAD ")
    }

    /// Whether the host may have a word to say of how it went.
    pub(crate) fn may_fail(&self) -> bool {
        let is_failed = self.reply.status.is_some_and(|status| status >= 500);
        let is_ended =
            |step: &Step| step.due.is_none() && step.line != "after" || step.may_end_the_request();
        is_failed
            || self.reply.cut == Some(true)
            || self.client.is_some()
            || self.steps.iter().any(is_ended)
    }

    /// What is due where clients ask for another authority than [`AUTHORITY`].
    pub(crate) fn for_authority(&self, authority: &str) -> Self {
        let mut exchange = self.clone();
        for step in &mut exchange.steps {
            let authority = crate::words::report(authority.as_bytes());
            step.due = step
                .due
                .take()
                .map(|due| due.replace(AUTHORITY, &authority));
        }
        exchange
    }
}

fn default_request() -> String {
    "GET /".to_owned()
}

/// What a client must get. What is not said is not looked at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Reply {
    /// The status.
    pub status: Option<u16>,
    /// For each of these names all its values, in order; none for a field that must not be there.
    #[serde(default)]
    pub fields: BTreeMap<String, Vec<String>>,
    /// The body, as a word.
    pub body: Option<String>,
    /// The trailers.
    pub trailers: Option<BTreeMap<String, Vec<String>>>,
    /// Whether the connection ends before the reply does.
    pub cut: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    case: Vec<Case>,
}

/// The cases of one file. Errors: `CaseError`, at the line that is wrong.
pub fn parse(text: &str, file: &Path) -> Result<Vec<Case>, CaseError> {
    let wrong = |at: Option<usize>, reason: String| CaseError {
        file: file.to_owned(),
        line: text[..at.unwrap_or(0).min(text.len())]
            .matches('\n')
            .count()
            + 1,
        reason,
    };
    let parsed: CaseFile = toml::from_str(text).map_err(|error| {
        let at = error.span().map(|span| span.start);
        wrong(at, error.message().replace('\n', "; "))
    })?;
    for case in &parsed.case {
        let at = Some(case.name.span().start);
        case.check().map_err(|reason| wrong(at, reason))?;
    }
    Ok(parsed.case)
}

impl Case {
    /// Its name.
    pub fn name(&self) -> &str {
        self.name.as_ref()
    }

    /// The first part of its name.
    pub fn area(&self) -> &str {
        self.name().split('/').next().unwrap_or_default()
    }

    /// Whether report lines and a plain reply are all that it looks at, and nothing has to be set up: it can
    /// be asked of any server that has the guest behind it.
    pub fn is_outcome(&self) -> bool {
        let granted = self.app.is_empty() && self.upstream.is_empty();
        let looked_at = self.stores.is_empty() && self.stores_after.is_empty();
        // A client elsewhere has another address, and a server keeps the lines that it likes.
        let of_the_runner = |step: &Step| {
            step.line.starts_with("req.client") || step.line.starts_with("log.min-level")
        };
        let plain = |exchange: &Exchange| {
            let in_handler = exchange
                .steps
                .iter()
                .all(|step| !step.shapes_the_reply() && !of_the_runner(step));
            exchange.client.is_none()
                && exchange.log.is_none()
                && exchange.trace.is_none()
                && exchange.inject.is_empty()
                && in_handler
        };
        granted && looked_at && self.request.iter().all(plain)
    }

    /// The manifest that its application would have.
    pub fn manifest(&self) -> Result<Manifest, String> {
        let mut table = self.app.clone();
        table.insert("name".to_owned(), "case".into());
        table.insert("language".to_owned(), "rust".into());
        let text = toml::to_string(&table).map_err(|error| error.to_string())?;
        let parsed = Manifest::parse(&text, Path::new("app"));
        parsed.map_err(|error| format!("app: {error}"))
    }

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
        self.manifest()?;
        let stored = self.stores.values().chain(self.stores_after.values());
        let bodies = self
            .request
            .iter()
            .filter_map(|exchange| exchange.body.as_ref());
        let due = self
            .request
            .iter()
            .filter_map(|exchange| exchange.reply.body.as_ref());
        for word in stored.flat_map(BTreeMap::values).chain(bodies).chain(due) {
            crate::words::decode(word)?;
        }
        for upstream in &self.upstream {
            upstream.check()?;
        }
        let clients = self
            .request
            .iter()
            .filter_map(|exchange| exchange.client.as_ref());
        for step in clients.flatten() {
            known(step, &CLIENT_STEPS)?;
        }
        self.check_gates()?;
        self.request.iter().try_for_each(Exchange::check)?;
        let steps = self.request.iter().flat_map(|exchange| &exchange.steps);
        let unknown = steps
            .map(Step::verb)
            .find(|verb| *verb != "after" && !VERBS.contains(verb));
        if let Some(verb) = unknown {
            return Err(format!(
                "the verb {verb:?}, which CONTRACT.md does not have"
            ));
        }
        for inject in self.request.iter().flat_map(|exchange| &exchange.inject) {
            EDGE.result(&inject.call, &inject.result)?;
        }
        Ok(())
    }
}
