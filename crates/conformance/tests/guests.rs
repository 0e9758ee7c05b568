//! The suite on every guest in this repository, each case a test by its name.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use edgewit_build::{Cache, Options, Tool};
use edgewit_conformance::{Expect, Run, Selection, Subject, Suite, host, run};
use edgewit_manifest::Manifest;
use libtest_mimic::{Arguments, Failed, Trial};

/// Guests by name, with their folders in the repository and what makes components of them.
const GUESTS: [(&str, &str, fn(&Path) -> Vec<u8>); 3] = [
    ("raw", "tests/guests/raw", application),
    ("rust", "sdk-rust/conformance", application),
    ("c", "tests/guests/c", in_c),
];

fn main() {
    let suite = Suite::embedded().unwrap_or_else(|error| panic!("{error}"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // Once for all tests, and only if one of them is run.
    let whole: Arc<OnceLock<Run>> = Arc::default();
    let mut trials = Vec::new();
    for (guest, folder, _) in GUESTS {
        let expect = expect(&root.join(folder));
        let owed = suite
            .cases
            .iter()
            .filter(|case| expect.layers.contains(&case.layer));
        for case in owed {
            let (whole, name) = (whole.clone(), case.name().to_owned());
            let test = move || passed(whole.get_or_init(everything), guest, &name);
            trials.push(Trial::test(format!("{guest}/{}", case.name()), test));
        }
    }
    trials.push(Trial::test(
        "all components call the host alike",
        move || match whole.get_or_init(everything).problems.join("\n") {
            problems if problems.is_empty() => Ok(()),
            problems => Err(problems.into()),
        },
    ));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn expect(folder: &Path) -> Expect {
    let expect = Expect::read(&folder.join("expect.toml"));
    let expect = expect.unwrap_or_else(|error| panic!("{error}"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for prevented in &expect.prevented {
        let proof = root.join(&prevented.proof);
        assert!(proof.is_file(), "{}: no such file", proof.display());
    }
    expect
}

fn passed(run: &Run, guest: &str, case: &str) -> Result<(), Failed> {
    let mut verdicts = run.verdicts.iter();
    let verdict = verdicts.find(|verdict| verdict.subject == guest && verdict.case == case);
    let verdict = verdict.ok_or("it was not run")?;
    match verdict.status.is_as_expected() {
        true => Ok(()),
        false => Err(format!("{}: {}", verdict.status.name(), verdict.why.join("\n")).into()),
    }
}

fn everything() -> Run {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    let done = runtime.block_on(async {
        let suite = Suite::embedded().expect("cases that parse");
        let host = host().expect("a host");
        let mut subjects = Vec::new();
        for (name, folder, component) in GUESTS {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../..")
                .join(folder);
            let loaded = Subject::new(&host, name, &component(&folder), expect(&folder)).await;
            subjects.push(loaded.unwrap_or_else(|error| panic!("{error}")));
        }
        let cases = suite.select(&Selection::default());
        run(&host, &subjects, &cases, 8, &|_| ()).await
    });
    runtime.shutdown_background();
    println!(
        "{}",
        edgewit_conformance::report::write(&done, edgewit_conformance::report::Format::Human)
    );
    done
}

fn report(event: edgewit_build::Event<'_>) {
    eprintln!("{event:?}");
}

fn application(folder: &Path) -> Vec<u8> {
    let cache = Cache::from_env().expect("a cache");
    edgewit_build::ensure(&cache, Tool::Rust, &report).expect("a compiler for guests");
    let manifest = Manifest::read(folder).expect("a manifest");
    let built = edgewit_build::build(&cache, &manifest, &Options::default(), &report);
    let built = built.unwrap_or_else(|error| panic!("{error}"));
    std::fs::read(built.path).expect("a component")
}

fn in_c(folder: &Path) -> Vec<u8> {
    let cache = Cache::from_env().expect("a cache");
    edgewit_build::ensure(&cache, Tool::Zig, &report).expect("a compiler for C");
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c.wasm");
    let built = edgewit_build::build_c(&cache, folder, &output, &report);
    let built = built.unwrap_or_else(|error| panic!("{error}"));
    std::fs::read(built.path).expect("a component")
}
