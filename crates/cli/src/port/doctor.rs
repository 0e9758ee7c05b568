//! `edgewit port doctor`: what a component lacks, in words.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use edgewit_conformance::{Case, Expect, LADDER, Rung, Status, Subject, Suite, Verdict};

use super::interfaces::World;
use crate::conform;
use crate::error::Error;
use crate::serve::block_on;

/// The rungs whose simplest cases are asked.
const RUNGS: &[Rung] = LADDER.split_at(5).0;

/// The exit code for what could not be loaded.
const NOT_LOADED: u8 = 3;

pub fn run(file: &Path) -> Result<(), Error> {
    let shown = file.display();
    let not_loaded = |reason: String| Error::Conform(NOT_LOADED, reason);
    let bytes = fs::read(file).map_err(|error| not_loaded(format!("{shown}: {error}")))?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    block_on(async {
        let host = conform::host()?;
        let loaded = Subject::new(&host, &name, &bytes, Expect::default()).await;
        if let Err(error @ edgewit_host::Error::NotAComponent { .. }) = loaded {
            return Err(not_loaded(error.to_string()));
        }
        let missing = interfaces(&bytes)?;
        let subject = match loaded {
            Ok(subject) => subject,
            // The lines before it are clearer than what the engine says.
            Err(_) if missing > 0 => {
                return Err(not_loaded(format!(
                    "{shown} can't be loaded: {missing} missing"
                )));
            }
            Err(error) => return Err(not_loaded(error.to_string())),
        };
        let suite = Suite::embedded().map_err(|error| Error::Conform(2, error.to_string()))?;
        let firsts = RUNGS.iter().filter_map(|rung| {
            let case = suite.cases.iter().find(|case| case.name() == rung.first);
            Some((rung, case?))
        });
        let (rungs, cases): (Vec<&Rung>, Vec<&Case>) = firsts.unzip();
        let run = edgewit_conformance::run(&host, &[subject], &cases, 1, &|_| ()).await;
        let told: String = rungs
            .iter()
            .zip(&run.verdicts)
            .map(|(rung, verdict)| words(rung, verdict))
            .collect();
        crate::print(told.as_bytes())?;
        let failed = run
            .verdicts
            .iter()
            .filter(|verdict| verdict.status != Status::Ok);
        match failed.count() {
            0 => crate::print(
                format!("next: `edgewit conform run {shown} --expect expect.toml` asks all that it owes\n").as_bytes(),
            ),
            failed => Err(Error::Conform(
                1,
                format!("{failed} of the first {} cases fail", cases.len()),
            )),
        }
    })
}

/// Prints what a component imports and exports. How much of it is missing.
fn interfaces(bytes: &[u8]) -> Result<usize, Error> {
    let wrong = |reason| Error::Conform(NOT_LOADED, reason);
    let component = World::of_component(bytes).map_err(wrong)?;
    let findings = component.against(&World::served());
    let lines: String = findings
        .iter()
        .map(|finding| {
            let word = if finding.is_missing {
                "missing"
            } else {
                "found"
            };
            format!("{word:<9}{}\n", finding.text)
        })
        .collect();
    crate::print(lines.as_bytes())?;
    Ok(findings.iter().filter(|finding| finding.is_missing).count())
}

fn words(rung: &Rung, verdict: &Verdict) -> String {
    let case = &verdict.case;
    if verdict.status == Status::Ok {
        return format!("passed   {}: {case}\n", rung.name);
    }
    let mut text = format!("failed   {}: {case}\n", rung.name);
    for why in &verdict.why {
        let _ = writeln!(text, "         {why}");
    }
    let next = match verdict.status {
        Status::Unsupported => {
            format!(
                "CONTRACT.md has the verbs below \"{}\"",
                rung.headings.join("\" and \"")
            )
        }
        _ => rung.hint.to_owned(),
    };
    let _ = writeln!(
        text,
        "         next: {next}; `edgewit conform explain {case}` shows the script"
    );
    text
}
