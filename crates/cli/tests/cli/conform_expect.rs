//! The list of what a component owes and is known to fail.

use std::fs;

use crate::conform::{case, guests};
use crate::support::{edgewit, ok};

#[test]
fn known_failures_are_held_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let guest = guests().join("raw.wasm");
    let expecting = |case: &str, how: &str| {
        let text = format!(
            "language = \"x\"\nlayers = [\"wit\"]\ndrops = \"scope\"\n[[failure]]\ncase = \"{case}\"\nhow = \"{how}\"\nreason = \"r\"\n"
        );
        fs::write(here.join("expect.toml"), text).unwrap();
    };
    let run = |file: &str| {
        let output = edgewit(
            here,
            &[
                "conform",
                "run",
                guest.to_str().unwrap(),
                "--case",
                file,
                "--expect",
                "expect.toml",
            ],
        );
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let failing = case(here, "echo.text a -> ok b");
    let known = "expected `ok b`";
    expecting("mine/one", known);
    let (code, told) = run(&failing);
    assert!(
        code == Some(0) && told.contains("raw: 1 known-failure\n"),
        "{code:?} {told}"
    );
    assert!(
        told.ends_with(" s, 1 known to fail\n0 passed, 0 failed\n"),
        "{told}"
    );
    expecting("mine/one", "in another way");
    let (code, told) = run(&failing);
    assert!(
        code == Some(1) && told.contains("which is [\"in another way\"] and no more"),
        "{code:?} {told}"
    );
    let passing = case(here, "echo.text a -> ok a");
    expecting("mine/one", known);
    let (code, told) = run(&passing);
    assert!(
        code == Some(1) && told.contains("known failure, and it passed"),
        "{code:?} {told}"
    );
    expecting("mine/none", known);
    let (code, told) = run(&passing);
    assert!(
        code == Some(1) && told.contains("lists \"mine/none\", which is no case"),
        "{code:?} {told}"
    );
}

#[test]
fn a_list_without_reasons_or_proofs_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let guest = guests().join("raw.wasm");
    fs::write(here.join("proof.rs"), "/// ```compile_fail").unwrap();
    let listed = |lines: &str| {
        let text = format!("language = 'x'\nlayers = ['wit']\ndrops = 'scope'\n{lines}");
        fs::write(here.join("expect.toml"), text).unwrap();
        let arguments = [
            "conform",
            "run",
            guest.to_str().unwrap(),
            "--filter",
            "system/text",
            "--expect",
            "expect.toml",
        ];
        let output = edgewit(here, &arguments);
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    for (lines, said) in [
        (
            "[[prevented]]\ncase = 'a/b'\nproof = 'proof.rs'\nmarker = 'compile_fail'\nreason = ' '",
            "expect.toml:5: `reason` of \"a/b\" is empty",
        ),
        (
            "[[prevented]]\ncase = 'a/b'\nproof = 'none.rs'\nmarker = 'compile_fail'\nreason = 'r'",
            "expect.toml:5: `proof` of \"a/b\": no file \"none.rs\"",
        ),
        (
            "[[prevented]]\ncase = 'a/b'\nproof = 'proof.rs'\nmarker = 'compile_fail'",
            "expect.toml:4: missing field `reason`",
        ),
        (
            "[[prevented]]\ncase = 'a/b'\nproof = 'proof.rs'\nreason = 'r'",
            "expect.toml:4: missing field `marker`",
        ),
        (
            "[[prevented]]\ncase = 'a/b'\nproof = 'proof.rs'\nmarker = 'compile'\nreason = 'r'",
            "expect.toml:5: `marker` of \"a/b\" is \"compile\"; ",
        ),
        (
            "[[prevented]]\ncase = 'a/b'\nproof = 'proof.rs'\nmarker = '@ts-expect-error'\nreason = 'r'",
            "expect.toml:5: `proof` of \"a/b\": \"proof.rs\" has no \"@ts-expect-error\"",
        ),
        (
            "[[failure]]\ncase = 'a/b'\nhow = 'status: expected 200'\nreason = ''",
            "expect.toml:5: `reason` of \"a/b\" is empty",
        ),
        (
            "[[failure]]\ncase = 'a/b'\nhow = ['status: expected 200', 'e']\nreason = 'r'",
            "expect.toml:5: `how` of \"a/b\" is [\"status: expected 200\", \"e\"]; ",
        ),
        (
            "[[failure]]\ncase = 'a/b'\nhow = 'status: expected'\nreason = 'r'",
            "expect.toml:5: `how` of \"a/b\" is [\"status: expected\"]; ",
        ),
        (
            "[[failure]]\ncase = 'a/b'\nhow = []\nreason = 'r'",
            "expect.toml:5: `how` of \"a/b\" is []; ",
        ),
        (
            "[[failure]]\ncase = 'a/b'\nhow = 1\nreason = 'r'",
            "expect.toml:6: a text or several are due",
        ),
        (
            "[[relaxed]]\ncase = 'a/b'\nwhat = 'order'\nreason = ''",
            "expect.toml:5: `reason` of \"a/b\" is empty",
        ),
    ] {
        let (code, told) = listed(lines);
        assert!(
            code == Some(2) && told.starts_with(&format!("edgewit: {said}")),
            "{code:?} {told}"
        );
    }
}

/// A component that owes nothing would pass beside others.
#[test]
fn a_list_without_layers_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let owing = |file: &str, layers: &str| {
        let text = format!("language = 'x'\nlayers = {layers}\ndrops = 'scope'\n");
        fs::write(here.join(file), text).unwrap();
    };
    owing("all.toml", "['wit']");
    owing("none.toml", "[]");
    let file = |name: &str| guests().join(name).to_str().unwrap().to_owned();
    let (raw, rust) = (file("raw.wasm"), file("rust.wasm"));
    let chosen = ["--filter", "system/text", "--expect", "all.toml"];
    let beside = [
        &["conform", "run", &raw, &rust][..],
        &chosen,
        &["--expect", "none.toml"],
    ]
    .concat();
    let output = edgewit(here, &beside);
    let told = String::from_utf8(output.stderr).unwrap();
    let said = "edgewit: none.toml:2: `layers` is empty; ";
    assert!(
        output.status.code() == Some(2) && told.starts_with(said),
        "{told}"
    );
}

/// One alone is compared with none; beside another a relaxation has to be needed.
#[test]
fn what_is_relaxed_is_needed_where_components_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let text = "language = 'x'\nlayers = ['wit']\ndrops = 'scope'\n[[relaxed]]\ncase = 'system/text'\nwhat = 'order'\n\
                reason = 'the reason'\n";
    fs::write(here.join("expect.toml"), text).unwrap();
    let file = |name: &str| guests().join(name).to_str().unwrap().to_owned();
    let (raw, rust) = (file("raw.wasm"), file("rust.wasm"));
    let chosen = ["--filter", "system/text", "--expect", "expect.toml"];
    let alone = ok(here, &[&["conform", "run", &raw][..], &chosen].concat());
    assert!(!alone.contains("relaxed"), "{alone}");
    let beside = [
        &["conform", "run", &raw, &rust][..],
        &chosen,
        &["--expect", "expect.toml"],
    ]
    .concat();
    let output = edgewit(here, &beside);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    for said in [
        "system/text: relaxed by raw, and nothing differs without\n",
        "relaxed: order of calls in system/text, by rust: the reason\n",
    ] {
        assert!(told.contains(said), "{told}");
    }
}
