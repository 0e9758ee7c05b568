//! The declarations of TypeScript for all that WIT can hold, and the refusal of what they have no form for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use edgewit_bindgen::{Language, generate};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/typescript")
}

/// The one file that `wit` gives.
fn declarations(wit: &Path) -> Result<String, String> {
    let files = generate(Language::TypeScript, wit).map_err(|error| error.to_string())?;
    let contents: Vec<_> = files.into_values().collect();
    assert_eq!(contents.len(), 1);
    Ok(String::from_utf8(contents.concat()).unwrap())
}

/// What a world `app` of `items` gives, in a package that has `interfaces` too.
fn world(items: &str, interfaces: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let wit = folder.path().join("test.wit");
    let text = format!("package test:test;\nworld app {{ {items} }}\n{interfaces}\n");
    fs::write(&wit, text).unwrap();
    declarations(&wit)
}

#[test]
fn everything_is_declared_as_it_was_reviewed() {
    let found = declarations(&fixtures().join("everything.wit")).unwrap();
    let expected = fixtures().join("everything.ts");
    if fs::read_to_string(&expected).unwrap() != found {
        let written = Path::new(env!("CARGO_TARGET_TMPDIR")).join("everything.ts");
        fs::write(&written, found).unwrap();
        panic!(
            "{} is not {}, which is what is generated",
            expected.display(),
            written.display()
        );
    }
}

/// With the compiler that the SDK has, from its lock file.
#[test]
fn the_compiler_accepts_everything_and_tells_wrong_uses() {
    let folder = tempfile::tempdir().unwrap();
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk-js-shim");
    for name in ["package.json", "package-lock.json", "tsconfig.json"] {
        fs::copy(sdk.join(name), folder.path().join(name)).unwrap();
    }
    fs::create_dir(folder.path().join("src")).unwrap();
    for name in ["everything.ts", "uses.ts"] {
        fs::copy(fixtures().join(name), folder.path().join("src").join(name)).unwrap();
    }
    run(
        folder.path(),
        "npm",
        &["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
    );
    run(folder.path(), "npx", &["--no-install", "tsc", "--noEmit"]);
}

fn run(folder: &Path, program: &str, arguments: &[&str]) {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap_or_else(|error| panic!("{program}, which comes with Node.js 20 or newer: {error}"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
}

#[test]
fn what_has_no_form_is_refused_by_name() {
    let interface = |items: &str| world("import i;", &format!("interface i {{ {items} }}"));
    for (items, item, reason) in [
        ("f: async func();", "f", "an `async` function"),
        (
            "resource r { f: async func(); }",
            "r.f",
            "an `async` function",
        ),
        (
            "resource r { f: static async func(); }",
            "r.f",
            "an `async` function",
        ),
        ("f: func(a: stream<u8>);", "f", "a `stream`"),
        ("f: func() -> future;", "f", "a `future`"),
        (
            "record r { a: list<error-context> }",
            "r",
            "an `error-context`",
        ),
        ("type m = map<string, u8>;", "m", "a `map`"),
        ("variant v { c(list<u8, 4>) }", "v", "a `fixed-length list`"),
    ] {
        let error = interface(items).unwrap_err();
        let expected = format!("the bindings of TypeScript: `test:test/i#{item}`: {reason}");
        assert_eq!(error, expected, "{items}");
    }
}

#[test]
fn interfaces_that_would_be_one_are_refused_by_name() {
    let error = world("import i; export i;", "interface i {}").unwrap_err();
    assert!(
        error.ends_with("`test:test/i`: it is both imported and exported"),
        "{error}"
    );
    let error = world("import a-1; export a1;", "interface a-1 {} interface a1 {}").unwrap_err();
    let expected = "`test:test/a-1` and `test:test/a1`: both are `a1`";
    assert!(error.ends_with(expected), "{error}");
}

/// A world that has nothing but what it is.
#[test]
fn an_empty_world_is_two_empty_interfaces() {
    let found = world("", "").unwrap();
    assert!(found.contains("export interface Imports {}\n"), "{found}");
    assert!(found.ends_with("export interface Exports {}\n"), "{found}");
}
