//! Cases: what is asked of a guest, and what must come of it, as data.

use std::collections::BTreeMap;
use std::path::Path;

use edgewit_manifest::Manifest;
use serde::Deserialize;
use toml::Spanned;

use crate::expect::Relax;
use crate::parse::{Placed, app, client_steps, connections, origin, word};
use crate::step::Step;

/// The authority that clients of cases ask for, unless a case says another.
pub(crate) const AUTHORITY: &str = "conformance.test";

/// Stands for the id of the request in a report, as the host's log has it.
pub(crate) const REQUEST_ID: &str = "?id";

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

/// How what is said of a case that is out of reach begins.
pub(crate) const NEEDS: &str = "it needs ";

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
    #[serde(default, deserialize_with = "app")]
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
    #[serde(deserialize_with = "origin")]
    pub origin: String,
    /// What it does on each connection, in order; the last is for all further ones. None: nobody listens.
    #[serde(deserialize_with = "connections")]
    pub connections: Vec<Vec<String>>,
    /// What it must have received in all: heads with their fields sorted, bodies as words.
    pub saw: Option<Vec<String>>,
}

/// What a call of the host returns in place of what it would.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inject {
    /// The function, as traces name it: `kv.open`, `store.get`.
    pub call: Placed,
    /// Which call of it within the request, from 1; every one if it is not said.
    pub at: Option<usize>,
    /// The result: variants, options and results by the case's name, or as a table of that name and what the case
    /// carries (`{ err = { value-too-large = 5 } }`); bytes as a word; numbers past what TOML holds as text.
    pub result: toml::Value,
}

/// How a guest fails, and a part of what the host says of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fails {
    /// Its handler ends with an error, its reply is none, or its source breaks off.
    Error(String),
    /// It does not return.
    Trap(String),
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
    #[serde(default, deserialize_with = "word")]
    pub body: Option<String>,
    /// What the client does; by default it sends the request and reads the reply to its end.
    #[serde(default, deserialize_with = "client_steps")]
    pub client: Option<Vec<String>>,
    /// The script, each step with the report that is due: `VERB OPERANDS -> REPORT`.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// What the client must get.
    #[serde(default)]
    pub reply: Reply,
    /// How the guest must fail. Where it is not said the host may have no error to tell of.
    pub fails: Option<Fails>,
    /// What the guest must log beside its reports: `LEVEL TARGET TEXT NAME VALUE …` as words; `reply` stands where the
    /// handler has ended.
    pub log: Option<Vec<String>>,
    /// The calls of imports, reports and what an SDK is free in left out. A first or last `...` is any calls; `reply`
    /// stands where the handler has ended, `drop(store #1)` where a handle was dropped.
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
            fails: None,
            log: None,
            trace: None,
            inject: Vec::new(),
        }
    }
}

impl Exchange {
    /// Whether the client reads the reply to its end.
    pub(crate) fn reads(&self) -> bool {
        let last = self.client.as_ref().map(|steps| steps.last());
        last.is_none_or(|last| last.is_some_and(|last| last == "read"))
    }

    /// Whether all that comes back is the reports: every step is due one, and none shapes the reply.
    pub(crate) fn is_reported_whole(&self) -> bool {
        let all = |step: &Step| step.due.is_some() && !step.shapes_the_reply();
        let said = self.reply.status != OK || self.reply.body.is_some() || self.reply.cut;
        !said
            && !self.steps.is_empty()
            && self.steps.iter().all(all)
            && !self.request.starts_with("HEAD ")
    }

    /// What is due where a word in reports stands for one that is known by now.
    pub(crate) fn meaning(&self, word: &str, text: &str) -> Self {
        let mut exchange = self.clone();
        for due in exchange.steps.iter_mut().filter_map(|it| it.due.as_mut()) {
            *due = due.replace(word, text);
        }
        exchange
    }

    /// Whether no logger has to let reports through, as they are events of the level `info`.
    pub(crate) fn is_silent(&self) -> bool {
        let is_kept = |level: &str| ["trace", "debug", "info"].contains(&level);
        let least = |inject: &Inject| Some(inject.result.get("some")?.as_str()?.to_owned());
        let mut injects = self.inject.iter();
        injects
            .any(|it| &*it.call == "logging.min-level" && !least(it).is_some_and(|it| is_kept(&it)))
    }
}

fn default_request() -> String {
    "GET /".to_owned()
}

/// The status that is due unless a case says another.
const OK: u16 = 200;

/// What a client must get. Of fields, body and trailers what is not said is not looked at.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// For each of these names all its values, in order; none for a field that must not be there.
    pub fields: BTreeMap<String, Vec<String>>,
    /// The body, as a word.
    #[serde(deserialize_with = "word")]
    pub body: Option<String>,
    /// All trailers.
    pub trailers: Option<BTreeMap<String, Vec<String>>>,
    /// Whether the connection ends before the reply does.
    pub cut: bool,
}

impl Default for Reply {
    fn default() -> Self {
        Self {
            status: OK,
            fields: BTreeMap::new(),
            body: None,
            trailers: None,
            cut: false,
        }
    }
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

    /// Whether a guest has to report something.
    pub(crate) fn has_a_script(&self) -> bool {
        let mut steps = self.request.iter().flat_map(|it| &it.steps);
        steps.any(|step| step.due.is_some())
    }

    /// Whether report lines and a plain reply are all that it looks at, and nothing has to be set up: it can
    /// be asked of any server that has the guest behind it.
    pub fn is_outcome(&self) -> bool {
        self.out_of_reach().is_none()
    }

    /// What it needs beside requests and replies; none for an outcome case.
    pub(crate) fn out_of_reach(&self) -> Option<String> {
        let any = |is: &dyn Fn(&Exchange) -> bool| self.request.iter().any(is);
        let step = |is: &dyn Fn(&Step) -> bool| any(&|exchange| exchange.steps.iter().any(is));
        let begins = |step: &Step, with: &str| step.line.starts_with(with);
        let needs = [
            ("grants or limits", !self.app.is_empty()),
            (
                "stores",
                !self.stores.is_empty() || !self.stores_after.is_empty(),
            ),
            ("servers", !self.upstream.is_empty()),
            ("a client of its own", any(&|it| it.client.is_some())),
            (
                "results in the host's place",
                any(&|it| !it.inject.is_empty()),
            ),
            ("a look at the calls", any(&|it| it.trace.is_some())),
            ("a look at the log", any(&|it| it.log.is_some())),
            ("reports beside the reply", step(&Step::shapes_the_reply)),
            // A client elsewhere has another address, and a server keeps the lines that it likes.
            ("the runner's address", step(&|it| begins(it, "req.client"))),
            ("the runner's log", step(&|it| begins(it, "log.min-level"))),
        ];
        let needed: Vec<&str> = needs.iter().filter(|it| it.1).map(|it| it.0).collect();
        (!needed.is_empty()).then(|| format!("{NEEDS}{}", needed.join(", ")))
    }

    /// The manifest that its application would have.
    pub fn manifest(&self) -> Result<Manifest, String> {
        manifest(&self.app)
    }
}

/// The manifest of an application that is granted and limited to this.
pub(crate) fn manifest(app: &toml::Table) -> Result<Manifest, String> {
    let mut table = app.clone();
    table.insert("name".to_owned(), "case".into());
    table.insert("language".to_owned(), "rust".into());
    let text = toml::to_string(&table).map_err(|error| error.to_string())?;
    Manifest::parse(&text, Path::new("app")).map_err(|error| match error {
        // Its place is one in the text that was made here.
        edgewit_manifest::Error::Invalid { message, .. } => format!("app: {message}"),
        error => error.to_string(),
    })
}
