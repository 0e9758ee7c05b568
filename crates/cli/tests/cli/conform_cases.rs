//! `edgewit conform list`, `explain` and `diff`, and cases of one's own.

use std::fs;

use crate::conform::{case, expect, guests};
use crate::support::{edgewit, fails, ok};

#[test]
fn cases_are_chosen_listed_and_explained() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let list = |arguments: &[&str]| {
        let listed = ok(here, &[&["conform", "list"], arguments].concat());
        listed.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let kv = list(&["--filter", "kv/"]);
    assert!(
        kv.iter().all(|name| name.contains("kv/")) && kv.len() > 50,
        "{kv:?}"
    );
    let fewer = list(&["--filter", "kv/", "--skip", "increment"]);
    assert!(!fewer.is_empty() && fewer.len() < kv.len());
    assert!(list(&["--level", "required"]).len() < list(&[]).len());
    let halves = [
        list(&["--filter", "kv/", "--shard", "1/2"]),
        list(&["--filter", "kv/", "--shard", "2/2"]),
    ]
    .concat();
    assert_eq!(halves.len(), kv.len());
    let told = ok(here, &["conform", "explain", "kv/missing-is-none"]);
    assert!(
        told.contains("rule kv-missing-is-none, layer wit"),
        "{told}"
    );
    assert!(told.contains("    kv.get s absent\n      ok ~\n"), "{told}");
}

#[test]
fn two_components_are_shown_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| guests().join(name).to_str().unwrap().to_owned();
    let (raw, rust) = (file("raw.wasm"), file("rust.wasm"));
    let same = ok(
        folder.path(),
        &["conform", "diff", &raw, &rust, "kv/missing-is-none"],
    );
    assert!(
        same.starts_with("  request 1\n  kv.open(\"s\") -> ok(#1)\n"),
        "{same}"
    );
    // On bindings alone there is no helper for text.
    let output = edgewit(
        folder.path(),
        &["conform", "diff", &raw, &rust, "sdk/type-of-text"],
    );
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    // What differs from what is due is no call.
    let (calls, fails) = told.split_once(&format!("{raw} fails:\n")).unwrap();
    assert!(!calls.contains("reply.text"), "{told}");
    let why = "    `reply.text hi`: expected `ok`, got `unsupported`\n";
    assert!(fails.starts_with(why), "{told}");
    assert!(fails.lines().all(|it| it.starts_with("    ")), "{told}");
}

/// The first example of what explains how a case is written.
fn example() -> &'static str {
    let text = include_str!("../../../../tests/conformance/CASES.md");
    let (_, after) = text.split_once("```toml\n").expect("an example");
    after.split_once("```").expect("its end").0
}

#[test]
fn a_case_of_ones_own_is_run_shown_and_explained() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.toml"), example()).unwrap();
    let file = |name: &str| guests().join(name).to_str().unwrap().to_owned();
    let (raw, rust) = (file("raw.wasm"), file("rust.wasm"));
    let (of_raw, of_rust) = (expect("raw"), expect("rust"));
    let from = ["--case", "mine.toml"];
    let expect = ["--expect", &of_raw, "--expect", &of_rust];
    let run = [&["conform", "run", &raw, &rust][..], &from, &expect].concat();
    let told = ok(folder.path(), &run);
    assert!(told.ends_with("2 passed, 0 failed\n"), "{told}");
    let diff = ["conform", "diff", &raw, &rust, "kv/a-store-that-is-away"];
    let told = ok(folder.path(), &[&diff[..], &from, &expect].concat());
    assert!(
        told.contains("  store.get(#1, \"key\") -> err(unavailable)\n"),
        "{told}"
    );
    let told = ok(
        folder.path(),
        &[
            &["conform", "explain", "kv/a-store-that-is-away"][..],
            &from,
        ]
        .concat(),
    );
    assert!(told.contains("1. call of store.get returns "), "{told}");
    let output = edgewit(folder.path(), &[&diff[..], &from, &expect[..2]].concat());
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("1 --expect for 2 components; one for each is due"),
        "{told}"
    );
}

/// A failure is told and counted, and the run is passed.
#[test]
fn what_is_recommended_fails_no_run() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let file = case(here, "echo.text a -> ok b");
    let text = fs::read_to_string(&file).unwrap();
    let text = text.replace("layer = ", "level = \"recommended\"\nlayer = ");
    fs::write(&file, text).unwrap();
    let guest = guests().join("raw.wasm");
    let run = ["conform", "run", guest.to_str().unwrap(), "--case", &file];
    let told = ok(here, &run);
    assert!(
        told.contains("raw: failed mine/one (recommended)\n    `echo.text a`: expected `ok b`"),
        "{told}"
    );
    assert!(told.contains("raw: 1 failed\n"), "{told}");
    assert!(told.ends_with("\n0 passed, 0 failed\n"), "{told}");
    let required = [&run[..], &["--level", "required"]].concat();
    assert!(fails(here, &required, 2).contains("no case is chosen"));
}
