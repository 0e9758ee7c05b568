//! Applications in JavaScript and TypeScript: what is bundled, what runs while they are built, and what
//! their folders need.

#[path = "js/apps.rs"]
mod apps;
#[path = "js/bundling.rs"]
mod bundling;
#[path = "js/components.rs"]
mod components;
#[path = "js/sdk.rs"]
mod sdk;
mod support;
#[path = "js/top_level.rs"]
mod top_level;

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::process::Command;

use edgewit_build::{Built, Cache, Error, Event, Options, Tool, build, ensure};
use edgewit_manifest::Manifest;

use support::write;

/// Answers every request, for applications whose top level is what is looked at.
const HANDLER: &str = "export default { fetch() { return new Response(\"here\"); } };\n";

/// The cache of the environment, with all that these applications take.
fn ready() -> Cache {
    let cache = Cache::from_env().unwrap();
    ensure(&cache, Tool::JavaScript, &|event| eprintln!("{event:?}")).unwrap();
    cache
}

/// Writes an application in TypeScript of `files` into `folder`.
fn app(folder: &Path, files: &[(&str, &str)]) -> Manifest {
    write(
        &folder.join("edge.toml"),
        "name = \"app\"\nlanguage = \"ts\"\n\n[kv.visits]\n",
    );
    for (path, text) in files {
        write(&folder.join(path), text);
    }
    Manifest::read(folder).unwrap()
}

/// Builds, and returns the warnings as well.
fn warned(manifest: &Manifest) -> (Result<Built, Error>, Vec<String>) {
    let warnings = RefCell::new(Vec::new());
    let built = build(&ready(), manifest, &Options::default(), &|event| {
        eprintln!("{event:?}");
        if let Event::Warning(text) = event {
            warnings.borrow_mut().push(text.to_owned());
        }
    });
    (built, warnings.into_inner())
}

/// What an application of this one file is warned of, which builds.
fn warnings_of(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let (built, warnings) = warned(&app(folder.path(), &[("src/main.ts", text)]));
    built.unwrap();
    warnings
}

/// What an application prints while it is built.
fn printed(manifest: &Manifest) -> Vec<String> {
    let (built, warnings) = warned(manifest);
    built.unwrap();
    let lines = warnings.iter();
    let lines = lines.map(|it| it.strip_prefix("printed while the application was built: "));
    lines.map(|it| it.unwrap().to_owned()).collect()
}

/// What is wrong with an application.
fn problems(manifest: &Manifest) -> String {
    let error = warned(manifest).0.unwrap_err();
    let Error::Problems(text) = error else {
        panic!("{error:?}")
    };
    text
}

/// As [`problems`], of one file `src/main.ts`.
fn problems_of(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    problems(&app(folder.path(), &[("src/main.ts", text)]))
}

/// What runs in Node only has its tests there.
#[test]
fn the_scripts_pass_their_own_tests() {
    ready();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("js/tests");
    let mut files: Vec<_> = fs::read_dir(tests)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() > 1);
    let node = Command::new("node").arg("--test").args(files).output();
    let node = node.unwrap();
    let said = String::from_utf8_lossy(&node.stdout);
    assert!(node.status.success(), "{said}");
    assert!(!said.contains("# tests 0"), "{said}");
}
