//! The suite: its rules, its cases, and a run over components.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use edgewit_host::{Component, Host};
use futures_util::StreamExt as _;

use crate::case::{Case, Level};
use crate::compare::{Asked, Relaxed, compare, too_many_relaxed};
use crate::expect::Expect;
use crate::ladder::{NoGuest, first_cases};
use crate::parse::{CaseError, parse};
use crate::run::{self};
use crate::verdict::{Status, Verdict, verdict};

macro_rules! embedded {
    ($($file:literal),* $(,)?) => {
        &[$((concat!("tests/conformance/cases/", $file), include_str!(concat!("../../../tests/conformance/cases/", $file)))),*]
    };
}

/// The files of cases, by their paths in the repository.
const CASES: &[(&str, &str)] = embedded![
    "bodies.toml",
    "fetch.toml",
    "fields.toml",
    "http.toml",
    "kv.toml",
    "lifecycle.toml",
    "limits.toml",
    "logging.toml",
    "sdk.toml",
    "system.toml",
];

/// The rules that cases pin.
const RULES: &str = include_str!("../../../tests/conformance/RULES.md");

/// The version of the suite, which is that of this crate.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Cases, and the names of the rules that they pin.
#[derive(Clone, Debug)]
pub struct Suite {
    /// In the order of their files.
    pub cases: Vec<Case>,
    /// Sentences by the names that `RULES.md` gives them.
    pub rules: BTreeMap<String, String>,
}

/// Which cases are run.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Parts of names, of which one must be in a case's; all cases if there are none.
    pub filter: Vec<String>,
    /// Parts of names, of which none may be.
    pub skip: Vec<String>,
    /// Whether `recommended` cases are run too.
    pub recommended: bool,
    /// The `I`th of `N` parts, from 1.
    pub shard: (usize, usize),
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            filter: Vec::new(),
            skip: Vec::new(),
            recommended: true,
            shard: (1, 1),
        }
    }
}

impl Suite {
    /// The suite that this crate holds. Errors: a case file that is wrong.
    pub fn embedded() -> Result<Self, CaseError> {
        let sections = RULES.split("\n### ").skip(1);
        let rules = sections.filter_map(|section| {
            let (name, rule) = section.split_once('\n')?;
            let rule = rule.split("\n## ").next()?.trim();
            Some((name.to_owned(), rule.replace('\n', " ")))
        });
        let mut suite = Self {
            cases: Vec::new(),
            rules: rules.collect(),
        };
        for (file, text) in CASES {
            suite.add(text, Path::new(file))?;
        }
        suite.cases.extend(crate::matrix::cases());
        Ok(suite)
    }

    /// Puts the cases of one file behind those that are there. Errors: a case that is wrong, or has the name of
    /// another; none is added then.
    pub fn add(&mut self, text: &str, file: &Path) -> Result<(), CaseError> {
        let cases = parse(text, file)?;
        let mut names: BTreeSet<&str> = self.cases.iter().map(Case::name).collect();
        if let Some(twice) = cases.iter().find(|case| !names.insert(case.name())) {
            let reason = format!("a case before it is named {} too", twice.name());
            let at = twice.name.span().start;
            return Err(CaseError::at(text, file, at, reason));
        }
        self.cases.extend(cases);
        Ok(())
    }

    /// The cases of a selection, in order.
    pub fn select(&self, selection: &Selection) -> Vec<&Case> {
        let (part, parts) = selection.shard;
        let has =
            |case: &Case, words: &[String]| words.iter().any(|word| case.name().contains(word));
        let selected = self.cases.iter().filter(|case| {
            (selection.filter.is_empty() || has(case, &selection.filter))
                && !has(case, &selection.skip)
                && (selection.recommended || case.level == Level::Required)
        });
        let numbered = selected
            .enumerate()
            .filter(|(at, _)| at % parts == part - 1);
        numbered.map(|(_, case)| case).collect()
    }
}

/// A component under test.
pub struct Subject {
    /// What reports call it.
    pub name: String,
    /// What it owes.
    pub expect: Expect,
    component: Component,
}

/// A whole run.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// By component, then in the order of the cases.
    pub verdicts: Vec<Verdict>,
    /// What is wrong beside the cases: listed ones that do not exist, traces that differ.
    pub problems: Vec<String>,
    /// Where the comparison of components was made less strict.
    pub relaxed: Vec<Relaxed>,
    /// For each component, how many of the cases are of layers that it does not owe.
    pub not_owed: BTreeMap<String, usize>,
    /// Components that were run.
    pub subjects: usize,
    /// How long it took, compilation left out.
    pub took: Duration,
}

impl Run {
    /// How many cases came to this, on all components.
    pub fn count(&self, status: Status) -> usize {
        let of_it = self.verdicts.iter().filter(|it| it.status == status);
        of_it.count()
    }

    /// Whether everything is as expected.
    pub fn passed(&self) -> bool {
        self.problems.is_empty() && !self.verdicts.iter().any(Verdict::fails)
    }
}

impl Subject {
    /// Compiles a component. Errors: it is none of `edge:sdk/app`.
    pub async fn new(
        host: &Host,
        name: &str,
        bytes: &[u8],
        expect: Expect,
    ) -> Result<Self, edgewit_host::Error> {
        let component = host.compile(name, bytes)?;
        // Whether its imports are ours shows once it is an application.
        host.app(name, &component, Default::default()).await?;
        Ok(Self {
            name: name.to_owned(),
            expect,
            component,
        })
    }

    /// Whether it carries out scripts, where one of the cases has one. What the simplest cases get no report from is
    /// an application like any other.
    ///
    /// Errors: it does not.
    pub async fn is_guest(&self, host: &Host, cases: &[&Case]) -> Result<(), NoGuest> {
        if !cases.iter().any(|case| case.has_a_script()) {
            return Ok(());
        }
        for case in first_cases() {
            let outcome = run::run(&case, host, &self.component, &self.expect).await;
            if !outcome.is_without_report() {
                return Ok(());
            }
        }
        Err(NoGuest(self.name.clone()))
    }
}

/// Runs cases on components, `jobs` at a time, and tells of each as it ends.
pub async fn run(
    host: &Host,
    subjects: &[Subject],
    cases: &[&Case],
    jobs: usize,
    told: &(dyn Fn(&Verdict) + Sync),
) -> Run {
    let began = Instant::now();
    let mut run = Run {
        subjects: subjects.len(),
        ..Run::default()
    };
    let owed = subjects.iter().flat_map(|subject| {
        let owed = |case: &&Case| subject.expect.layers.contains(&case.layer);
        let cases = cases.iter().copied().filter(owed);
        cases.map(move |case| (subject, case))
    });
    let asking = owed.enumerate().map(|(at, (subject, case))| async move {
        let outcome = run::run(case, host, &subject.component, &subject.expect).await;
        (at, subject, case, outcome)
    });
    // In the order in which they end: one that waits is to hold up no other.
    let mut ending = futures_util::stream::iter(asking).buffer_unordered(jobs.max(1));
    let mut ended = Vec::new();
    while let Some((at, subject, case, outcome)) = ending.next().await {
        let verdict = verdict(case, &subject.name, &subject.expect, &outcome);
        told(&verdict);
        let asked = Asked {
            case,
            subject: &subject.name,
            expect: &subject.expect,
            outcome,
        };
        ended.push((at, verdict, asked));
    }
    ended.sort_by_key(|(at, ..)| *at);
    let asked: Vec<Asked<'_>>;
    (run.verdicts, asked) = ended
        .into_iter()
        .map(|(_, verdict, asked)| (verdict, asked))
        .unzip();
    for subject in subjects {
        let Subject { name, expect, .. } = subject;
        run.not_owed.insert(name.clone(), not_owed(expect, cases));
        run.problems.extend(unknown_names(name, expect, cases));
    }
    let expects: Vec<&Expect> = subjects.iter().map(|subject| &subject.expect).collect();
    run.problems
        .extend(too_many_relaxed(&expects, &all_cases(cases)));
    let (problems, relaxed) = compare(&asked);
    run.problems.extend(problems);
    run.relaxed = relaxed;
    run.took = began.elapsed();
    run
}

/// How many of the cases are of layers that are not owed.
pub(crate) fn not_owed(expect: &Expect, cases: &[&Case]) -> usize {
    let other = |case: &&&Case| !expect.layers.contains(&case.layer);
    cases.iter().filter(other).count()
}

/// The whole suite, and what else is run.
fn all_cases(run: &[&Case]) -> Vec<Case> {
    let suite = Suite::embedded().map(|suite| suite.cases);
    let mut all = suite.unwrap_or_default();
    let names: BTreeSet<String> = all.iter().map(|case| case.name().to_owned()).collect();
    let own = run.iter().filter(|case| !names.contains(case.name()));
    all.extend(own.map(|case| (*case).clone()));
    all
}

/// Cases that `expect.toml` lists and that do not exist. Those that were not selected are not looked for.
pub(crate) fn unknown_names(subject: &str, expect: &Expect, cases: &[&Case]) -> Vec<String> {
    let all = all_cases(cases);
    let exists = |name: &str| all.iter().any(|case| case.name() == name);
    let failures = expect.failures.iter().map(|failure| &failure.case);
    let prevented = expect.prevented.iter().map(|prevented| &prevented.case);
    let relaxed = expect.relaxed.iter().map(|relaxed| &relaxed.case);
    let listed = failures.chain(prevented).chain(relaxed);
    let unknown = listed.filter(|name| !exists(name));
    unknown
        .map(|name| format!("{subject}: expect.toml lists {name:?}, which is no case"))
        .collect()
}

/// What a component did in a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// How it called the host, request after request: each call with its result, but for what an SDK is free in.
    pub calls: Vec<String>,
    /// What differs from what is due; nothing if the case is passed.
    pub problems: Vec<String>,
}

/// How a component calls the host in a case, and what differs from what is due.
pub async fn trace(host: &Host, subject: &Subject, case: &Case) -> Trace {
    let outcome = run::run(case, host, &subject.component, &subject.expect).await;
    let mut calls = Vec::new();
    for (at, record) in outcome.records.into_iter().enumerate() {
        calls.push(format!("request {}", at + 1));
        calls.extend(record.trace);
    }
    Trace {
        calls,
        problems: outcome.problems,
    }
}

/// A host for a run: its own time, randomness and names. What it compiles is kept in `cache`.
///
/// Errors: the engine can't be set up.
pub fn host(cache: &Path) -> Result<Arc<Host>, edgewit_host::Error> {
    let builder = Host::builder().instances(100).cache(cache);
    builder.build().map(Arc::new)
}
