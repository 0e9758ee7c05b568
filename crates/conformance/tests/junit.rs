//! What readers of JUnit's XML are given, against its schema.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use edgewit_build::{Cache, Tool};
use edgewit_conformance::report::{Format, write};
use edgewit_conformance::{Layer, Level, Run, Status, Verdict};

fn xmllint() -> &'static Path {
    static XMLLINT: OnceLock<PathBuf> = OnceLock::new();
    XMLLINT.get_or_init(|| {
        let cache = Cache::from_env().expect("a cache");
        let report = |event: edgewit_build::Event<'_>| eprintln!("{event:?}");
        edgewit_build::ensure(&cache, Tool::Xmllint, &report)
            .expect("xmllint")
            .path
    })
}

/// What is wrong with a document by the schema; nothing if it is valid.
fn problems(name: &str, document: &str) -> String {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/junit.xsd");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.xml"));
    std::fs::write(&file, document).expect("a file");
    let mut xmllint = Command::new(xmllint());
    xmllint
        .arg("--noout")
        .arg("--schema")
        .arg(schema)
        .arg(&file);
    let said = xmllint.output().expect("xmllint runs");
    match said.status.success() {
        true => String::new(),
        false => String::from_utf8_lossy(&said.stderr).into_owned(),
    }
}

/// A run of everything that can come of a case, at both levels, told in text that XML has to be spared.
fn run(subjects: &[&str], run_problems: &[&str]) -> Run {
    let hostile = "<a> & \"b\" 'c' ]]> \u{0}\u{b}\u{fffe}\r\n\té";
    let cases = subjects.iter().flat_map(|subject| {
        let levels = [Level::Required, Level::Recommended].into_iter();
        let all = levels.flat_map(|level| Status::ALL.map(|status| (level, status)));
        all.map(move |(level, status)| Verdict {
            subject: (*subject).to_owned(),
            case: format!("area/{}", status.name()),
            rule: "rule".to_owned(),
            area: "area".to_owned(),
            layer: Layer::Wit,
            level,
            status,
            why: match status {
                Status::Ok => Vec::new(),
                _ => vec![hostile.to_owned(), String::new()],
            },
            took: Duration::from_micros(1_234_567),
        })
    });
    Run {
        verdicts: cases.collect(),
        problems: run_problems
            .iter()
            .map(|it| format!("{it} {hostile}"))
            .collect(),
        subjects: subjects.len(),
        took: Duration::from_millis(1),
        ..Run::default()
    }
}

#[test]
fn every_run_is_valid() {
    for (name, run) in [
        ("nothing", run(&[], &[])),
        ("one", run(&["one"], &[])),
        (
            "names",
            run(&["a \"b\" <c>", "é\u{1}"], &["traces differ", "and more"]),
        ),
    ] {
        let document = write(&run, Format::Junit);
        assert_eq!(problems(name, &document), "", "{document}");
    }
}

#[test]
fn what_is_not_junit_is_told() {
    let document = write(&run(&["one"], &["differs"]), Format::Junit);
    for (name, change) in [
        ("no-time", document.replacen(" time=\"1.235\"", "", 1)),
        (
            "element",
            document.replace("skipped message", "ignored message"),
        ),
        ("open", document.replace("</testsuites>", "")),
        ("count", document.replacen("failures=\"", "failures=\"-", 1)),
    ] {
        assert_ne!(change, document, "{name}");
        assert_ne!(problems(name, &change), "", "{name}");
    }
}
