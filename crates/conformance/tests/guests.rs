//! The suite on every guest in this repository, each case a test by its name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use edgewit_build::{Cache, Options, Tool};
use edgewit_conformance::report::{Format, write};
use edgewit_conformance::{Expect, Run, Selection, Subject, Suite, host, run};
use edgewit_manifest::Manifest;
use libtest_mimic::{Arguments, Completion, Failed, Trial};

struct Guest {
    name: &'static str,
    /// In the repository.
    folder: &'static str,
    toolchain: Tool,
    component: fn(&Cache, &Path) -> Vec<u8>,
}

const GUESTS: [Guest; 4] = [
    Guest {
        name: "raw",
        folder: "tests/guests/raw",
        toolchain: Tool::Rust,
        component: application,
    },
    Guest {
        name: "rust",
        folder: "sdk-rust/conformance",
        toolchain: Tool::Rust,
        component: application,
    },
    Guest {
        name: "typescript",
        folder: "sdk-js-shim/conformance",
        toolchain: Tool::JavaScript,
        component: application,
    },
    Guest {
        name: "c",
        folder: "tests/guests/c",
        toolchain: Tool::Zig,
        component: in_c,
    },
];

/// The run of all guests, and why some are not in it.
struct Whole {
    run: Run,
    not_run: BTreeMap<&'static str, String>,
}

fn main() {
    let suite = Suite::embedded().unwrap_or_else(|error| panic!("{error}"));
    // Once for all tests, and only if one of them is run.
    let whole: Arc<OnceLock<Whole>> = Arc::default();
    let mut trials = Vec::new();
    for guest in &GUESTS {
        let expect = expect(guest.folder);
        let owed = suite
            .cases
            .iter()
            .filter(|case| expect.layers.contains(&case.layer));
        for case in owed {
            let (whole, name) = (whole.clone(), case.name().to_owned());
            let test = move || passed(whole.get_or_init(everything), guest.name, &name);
            let name = format!("{}/{}", guest.name, case.name());
            trials.push(Trial::ignorable_test(name, test));
        }
    }
    let of_all = whole.clone();
    trials.push(Trial::test(
        "all components call the host alike",
        move || match of_all.get_or_init(everything).run.problems.join("\n") {
            problems if problems.is_empty() => Ok(()),
            problems => Err(problems.into()),
        },
    ));
    trials.push(Trial::test(
        "every guest in the tree is in the run",
        all_asked,
    ));
    let without = "what can not be built is not in the run, and is no pass";
    trials.push(Trial::test(without, without_toolchains));
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    if let Some(Whole { run, not_run }) = whole.get() {
        println!("{} of {} SDKs run", run.subjects, GUESTS.len());
        for (name, why) in not_run {
            println!("{name}: not run: {why}");
        }
        // What could not be asked is no pass.
        assert_ne!(run.subjects, 0, "no SDK was run");
    }
    conclusion.exit()
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn expect(folder: &str) -> Expect {
    let expect = Expect::read(&root().join(folder).join("expect.toml"));
    expect.unwrap_or_else(|error| panic!("{error}"))
}

/// The folder of each guest in the tree: where an `expect.toml` lies, and in each SDK.
fn in_the_tree(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{error}"));
    for entry in entries.map(|entry| entry.expect("an entry")) {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if name == "expect.toml" {
            found.push(folder.to_owned());
        } else if path.is_dir() && name != "target" && !name.starts_with('.') {
            in_the_tree(&path, found);
        }
    }
}

fn all_asked() -> Result<(), Failed> {
    let mut found = Vec::new();
    in_the_tree(root(), &mut found);
    let entries = std::fs::read_dir(root())?.flatten();
    let sdks = entries.filter(|it| it.file_name().to_string_lossy().starts_with("sdk-"));
    found.extend(sdks.map(|sdk| sdk.path().join("conformance")));
    let asked = |folder: &Path| GUESTS.iter().any(|it| folder == root().join(it.folder));
    found.retain(|folder| !asked(folder));
    match &found[..] {
        [] => Ok(()),
        others => Err(format!("GUESTS lacks {others:?}").into()),
    }
}

/// This program, where no toolchain is found and none can be installed.
fn without_toolchains() -> Result<(), Failed> {
    let empty = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-programs");
    std::fs::create_dir_all(&empty)?;
    let mut alone = Command::new(std::env::current_exe()?);
    alone.env("PATH", &empty).env("EDGEWIT_CACHE", &empty);
    alone.arg("/system/text");
    let output = alone.output()?;
    let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let has_line = |guest: &Guest| {
        let why = told.split_once(&format!("\n{}: not run: ", guest.name));
        why.is_some_and(|(_, why)| {
            why.lines()
                .next()
                .is_some_and(|it| it.contains(" is missing; "))
        })
    };
    let said = GUESTS.iter().all(has_line)
        && told.contains(&format!("\n0 of {} SDKs run\n", GUESTS.len()));
    match said && !output.status.success() {
        true => Ok(()),
        false => Err(format!("{}: {told}", output.status).into()),
    }
}

fn passed(whole: &Whole, guest: &str, case: &str) -> Result<Completion, Failed> {
    if let Some(why) = whole.not_run.get(guest) {
        return Ok(Completion::ignored_with(why));
    }
    let mut verdicts = whole.run.verdicts.iter();
    let verdict = verdicts.find(|verdict| verdict.subject == guest && verdict.case == case);
    let verdict = verdict.ok_or("it was not run")?;
    match verdict.status.is_as_expected() {
        true => Ok(Completion::Completed),
        false => Err(format!("{}: {}", verdict.status.name(), verdict.why.join("\n")).into()),
    }
}

fn everything() -> Whole {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    let whole = runtime.block_on(async {
        let suite = Suite::embedded().expect("cases that parse");
        let cache = Cache::from_env().expect("a cache");
        let host = host(&cache.compiled()).expect("a host");
        let (mut subjects, mut not_run) = (Vec::new(), BTreeMap::new());
        for guest in &GUESTS {
            if let Err(error) = edgewit_build::ensure(&cache, guest.toolchain, &report) {
                not_run.insert(guest.name, error.to_string());
                continue;
            }
            let bytes = (guest.component)(&cache, &root().join(guest.folder));
            let loaded = Subject::new(&host, guest.name, &bytes, expect(guest.folder)).await;
            subjects.push(loaded.unwrap_or_else(|error| panic!("{error}")));
        }
        let cases = suite.select(&Selection::default());
        let run = run(&host, &subjects, &cases, 8, &|_| ()).await;
        Whole { run, not_run }
    });
    runtime.shutdown_background();
    println!("{}", write(&whole.run, Format::Human));
    whole
}

fn report(event: edgewit_build::Event<'_>) {
    eprintln!("{event:?}");
}

fn application(cache: &Cache, folder: &Path) -> Vec<u8> {
    let manifest = Manifest::read(folder).expect("a manifest");
    let built = edgewit_build::build(cache, &manifest, &Options::default(), &report);
    let built = built.unwrap_or_else(|error| panic!("{error}"));
    std::fs::read(built.path).expect("a component")
}

fn in_c(cache: &Cache, folder: &Path) -> Vec<u8> {
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c.wasm");
    let built = edgewit_build::build_c(cache, folder, &output, &report);
    let built = built.unwrap_or_else(|error| panic!("{error}"));
    std::fs::read(built.path).expect("a component")
}
