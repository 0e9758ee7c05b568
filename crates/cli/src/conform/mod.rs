//! `edgewit conform`: the conformance suite on component files.

mod args;

use std::collections::HashSet;
use std::fmt::Display;
use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use edgewit_build::Cache;
use edgewit_conformance::report;
use edgewit_conformance::{Case, Expect, Run, Selection, Status, Subject, Suite, Verdict};
use edgewit_host::Host;

pub use args::Conform;
use args::{Chosen, Command, Diff, From, Http, LevelArg, Output, RunArgs, Wanted};

use crate::error::Error;
use crate::port::interfaces::lacks;
use crate::serve::block_on;

impl Output {
    /// Two forms in one stream are neither, nor in one file.
    fn check(&self) -> Result<(), Error> {
        let mut files = HashSet::new();
        let mut named = self.reports.iter().filter_map(|it| it.file.as_ref());
        if let Some(twice) = named.find(|file| !files.insert(*file)) {
            let file = twice.display();
            return Err(undone(format!(
                "{file}: two reports; a file for each is due"
            )));
        }
        let to_standard_output = self.reports.iter().filter(|it| it.file.is_none());
        match to_standard_output.count() {
            0 | 1 => Ok(()),
            more => Err(undone(format!(
                "{more} reports to standard output; one at most is due, and FORMAT=FILE for others"
            ))),
        }
    }
}

/// How a run came out, where nothing kept it from being done.
pub fn run(conform: &Conform) -> Result<(), Error> {
    match &conform.command {
        Command::Run(args) => on_components(args),
        Command::Http(args) => over_http(args),
        Command::Diff(args) => diff(args),
        Command::Explain { case, from } => explain(case, from),
        Command::List { chosen } => {
            let suite = suite(&chosen.from)?;
            let cases = chosen.of(&suite);
            some(&cases)?;
            let names = cases
                .iter()
                .map(|case| format!("{}\n", case.name()))
                .collect::<String>();
            crate::print(names.as_bytes())
        }
    }
}

impl Chosen {
    fn of<'a>(&self, suite: &'a Suite) -> Vec<&'a Case> {
        suite.select(&Selection {
            filter: self.filter.clone(),
            skip: self.skip.clone(),
            recommended: matches!(self.level, LevelArg::Recommended),
            shard: self.shard,
        })
    }
}

/// Why a run could not be done.
fn undone(reason: impl Display) -> Error {
    Error::Conform(2, reason.to_string())
}

fn suite(from: &From) -> Result<Suite, Error> {
    let mut suite = Suite::embedded().map_err(undone)?;
    if !from.files.is_empty() {
        suite.cases.clear();
    }
    for file in &from.files {
        let text = fs::read_to_string(file)
            .map_err(|error| undone(format!("{}: {error}", file.display())))?;
        suite.add(&text, file).map_err(undone)?;
    }
    Ok(suite)
}

/// One `expect.toml` for each component, or none at all.
fn one_each(expect: &[PathBuf], components: usize) -> Result<(), Error> {
    match expect.len() {
        0 => Ok(()),
        as_many if as_many == components => Ok(()),
        other => Err(undone(format!(
            "{other} --expect for {components} components; one for each is due"
        ))),
    }
}

fn on_components(args: &RunArgs) -> Result<(), Error> {
    args.output.check()?;
    one_each(&args.expect, args.components.len())?;
    let suite = suite(&args.chosen.from)?;
    let cases = args.chosen.of(&suite);
    some(&cases)?;
    let run = block_on(async {
        let host = host()?;
        let mut subjects: Vec<Subject> = Vec::new();
        for (at, file) in args.components.iter().enumerate() {
            let loaded = subject(&host, file, args.expect.get(at)).await?;
            if subjects.iter().any(|other| other.name == loaded.name) {
                let twice = format!("two components are named {}; rename a file", loaded.name);
                return Err(undone(twice));
            }
            loaded.is_guest(&host, &cases).await.map_err(undone)?;
            subjects.push(loaded);
        }
        let owed = subjects.iter().map(|subject| owed(&subject.expect, &cases));
        let progress = Progress::of(owed.sum());
        let told = |verdict: &Verdict| progress.tell(verdict);
        let jobs = args.output.jobs.into();
        let run = edgewit_conformance::run(&host, &subjects, &cases, jobs, &told).await;
        clear();
        Ok(run)
    })?;
    finish(&run, &args.output)?;
    something(&run)
}

/// A host that keeps what it compiles.
pub fn host() -> Result<Arc<Host>, Error> {
    let cache = Cache::from_env()?;
    Ok(edgewit_conformance::host(&cache.compiled())?)
}

async fn subject(host: &Host, file: &Path, expect: Option<&PathBuf>) -> Result<Subject, Error> {
    let name = file
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let bytes = fs::read(file)
        .map_err(|error| Error::Conform(3, format!("{}: {error}", file.display())))?;
    let expect = expected(expect)?;
    let loaded = Subject::new(host, &name, &bytes, expect).await;
    loaded.map_err(|error| Error::Conform(3, not_loaded(file, &bytes, &error)))
}

/// What a component lacks, where that is why; it is clearer than what the engine says.
fn not_loaded(file: &Path, bytes: &[u8], error: &edgewit_host::Error) -> String {
    let lacks = match error {
        edgewit_host::Error::NotAComponent { .. } => Vec::new(),
        _ => lacks(bytes),
    };
    match &lacks[..] {
        [] => error.to_string(),
        [lack] => format!("{}: {lack}", file.display()),
        [lack, more @ ..] => {
            let (file, more) = (file.display(), more.len());
            format!("{file}: {lack}; and {more} more, which `edgewit port doctor {file}` names")
        }
    }
}

fn expected(file: Option<&PathBuf>) -> Result<Expect, Error> {
    let expect = file.map(|file| Expect::read(file)).transpose();
    let expect = expect.map_err(undone)?;
    Ok(expect.unwrap_or_default())
}

fn over_http(args: &Http) -> Result<(), Error> {
    args.output.check()?;
    let suite = suite(&args.chosen.from)?;
    let cases = args.chosen.of(&suite);
    some(&cases)?;
    let expect = expected(args.expect.as_ref())?;
    let run = block_on(async {
        let progress = Progress::of(owed(&expect, &cases));
        let told = |verdict: &Verdict| progress.tell(verdict);
        let jobs = args.output.jobs.into();
        let run = edgewit_conformance::over_http(&args.url, &expect, &cases, jobs, &told).await;
        clear();
        run.map_err(undone)
    })?;
    finish(&run, &args.output)?;
    something(&run)
}

/// A run of nothing would pass.
fn some(cases: &[&Case]) -> Result<(), Error> {
    match cases {
        [] => Err(undone(
            "no case is chosen; `edgewit conform list` names them",
        )),
        _ => Ok(()),
    }
}

/// Nor may one that asked nothing pass.
fn something(run: &Run) -> Result<(), Error> {
    match run.verdicts.iter().all(|it| it.status == Status::NotRun) {
        true => Err(undone(
            "none of the chosen cases was asked: not owed, or out of reach",
        )),
        false => Ok(()),
    }
}

/// How many cases are asked of a component.
fn owed(expect: &Expect, cases: &[&Case]) -> usize {
    let owed = |case: &&&Case| expect.layers.contains(&case.layer);
    cases.iter().filter(owed).count()
}

/// On a terminal, how far a run is.
struct Progress {
    ended: AtomicUsize,
    all: usize,
}

impl Progress {
    fn of(all: usize) -> Self {
        let ended = AtomicUsize::new(0);
        Self { ended, all }
    }

    fn tell(&self, verdict: &Verdict) {
        let ended = self.ended.fetch_add(1, Relaxed) + 1;
        if std::io::stderr().is_terminal() {
            let (all, Verdict { subject, case, .. }) = (self.all, verdict);
            let _ = write!(
                std::io::stderr(),
                "\r\x1b[K{ended} of {all}, {subject}: {case}\r"
            );
        }
    }
}

/// Takes it away again.
fn clear() {
    if std::io::stderr().is_terminal() {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
}

fn finish(run: &Run, output: &Output) -> Result<(), Error> {
    for Wanted { format, file } in &output.reports {
        let text = report::write(run, *format);
        match file {
            Some(file) => fs::write(file, text)
                .map_err(|error| undone(format!("{}: {error}", file.display())))?,
            None => crate::print(text.as_bytes())?,
        }
    }
    match run.passed() {
        true => Ok(()),
        false => Err(Error::Conform(1, "not all is as expected".to_owned())),
    }
}

fn diff(args: &Diff) -> Result<(), Error> {
    one_each(&args.expect, 2)?;
    let suite = suite(&args.from)?;
    let case = named(&suite, &args.case)?;
    let [one, other] = block_on(async {
        let host = host()?;
        let mut traces = Vec::new();
        for (at, file) in [&args.one, &args.other].into_iter().enumerate() {
            let subject = subject(&host, file, args.expect.get(at)).await?;
            traces.push(edgewit_conformance::trace(&host, &subject, case).await);
        }
        Ok([traces.remove(0), traces.remove(0)])
    })?;
    let mut text = side_by_side(&one.calls, &other.calls);
    // No calls: behind them, each component's own.
    for (file, trace) in [(&args.one, &one), (&args.other, &other)] {
        if !trace.problems.is_empty() {
            text += &format!("{} fails:\n", file.display());
        }
        for problem in &trace.problems {
            text += &format!("    {}\n", report::printable(problem));
        }
    }
    crate::print(text.as_bytes())?;
    match one == other {
        true => Ok(()),
        false => Err(Error::Conform(1, "they differ".to_owned())),
    }
}

fn side_by_side(one: &[String], other: &[String]) -> String {
    let mut text = String::new();
    for at in 0..one.len().max(other.len()) {
        match (one.get(at), other.get(at)) {
            (Some(same), Some(as_well)) if same == as_well => text += &format!("  {same}\n"),
            (left, right) => {
                let line = |mark, line: Option<&String>| {
                    line.map_or_else(String::new, |line| format!("{mark} {line}\n"))
                };
                text += &(line("<", left) + &line(">", right));
            }
        }
    }
    text
}

fn named<'a>(suite: &'a Suite, name: &str) -> Result<&'a Case, Error> {
    let found = suite.cases.iter().find(|case| case.name() == name);
    found.ok_or_else(|| no_case(suite, name))
}

/// Names what may be meant: the case of nearly that name, cases that hold its last part, or pin a rule of that name.
fn no_case(suite: &Suite, name: &str) -> Error {
    let names = suite.cases.iter().map(Case::name);
    let distances = names.map(|it| (strsim::osa_distance(it, name), it));
    let near = distances.filter(|(distance, it)| *distance <= it.len().div_ceil(6));
    if let Some((_, near)) = near.min() {
        return undone(format!("no case {name:?}; did you mean `{near}`?"));
    }
    let part = name.rsplit('/').next().unwrap_or(name);
    let may_be = |case: &&Case| case.rule == name || (part.len() > 2 && case.name().contains(part));
    let near: Vec<&str> = suite
        .cases
        .iter()
        .filter(may_be)
        .map(Case::name)
        .take(5)
        .collect();
    match &near[..] {
        [] => undone(format!(
            "no case {name:?}; `edgewit conform list` names them"
        )),
        near => undone(format!("no case {name:?}; there is {}", near.join(", "))),
    }
}

fn explain(name: &str, from: &From) -> Result<(), Error> {
    let suite = suite(from)?;
    let text = suite.explain(name).ok_or_else(|| no_case(&suite, name))?;
    crate::print(text.as_bytes())
}
