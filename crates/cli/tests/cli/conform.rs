//! `edgewit conform`: its outputs, exit codes and flags, and a server that has the guest behind it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use edgewit_build::Tool;
use wasmparser::{DataKind, Parser, Payload};

use crate::support::{binary, command, edgewit, fails, install, ok, replaced, root};

/// A folder with the guest on bindings alone and that on the Rust SDK, built once for all tests.
pub fn guests() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        install(Tool::Rust);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conform");
        fs::create_dir_all(&folder).unwrap();
        for (name, source) in [
            ("raw", "tests/guests/raw"),
            ("rust", "sdk-rust/conformance"),
        ] {
            let wasm = folder.join(format!("{name}.wasm"));
            ok(
                &root().join(source),
                &["build", "-o", wasm.to_str().unwrap()],
            );
        }
        folder
    })
}

/// The `expect.toml` of a guest, in its place: what it names is found from there.
pub fn expect(name: &str) -> String {
    let source = match name {
        "raw" => "tests/guests/raw",
        _ => "sdk-rust/conformance",
    };
    let file = root().join(source).join("expect.toml");
    file.to_str().unwrap().to_owned()
}

/// A file of one case in a folder: a script of one step and the report that is due.
fn case(folder: &Path, step: &str) -> String {
    let file = folder.join("mine.toml");
    let text = format!(
        "[[case]]\nname = \"mine/one\"\nrule = \"r\"\nlayer = \"wit\"\n[[case.request]]\nsteps = ['{step}']\n"
    );
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn what_is_as_expected_succeeds_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let guest = guests().join("raw.wasm");
    let guest = guest.to_str().unwrap();
    let totals = ["ok", "prevented", "known-failure", "failed"];
    let reports = "human,json=run.json,junit=run.xml,tap=run.tap";
    let run = [
        "conform",
        "run",
        guest,
        "--filter",
        "kv/all-bytes",
        "--filter",
        "kv/delete",
        "--report",
        reports,
    ];
    let told = ok(folder.path(), &run);
    assert!(told.contains("raw: 2 ok\n"), "{told}");
    assert_eq!(told.lines().last(), Some("2 passed, 0 failed"));
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&read("run.json")).unwrap();
    assert_eq!(json["passed"], true);
    assert_eq!(
        totals.map(|it| json["totals"][it].as_u64()),
        [2, 0, 0, 0].map(Some)
    );
    assert_eq!(json["suite"], env!("CARGO_PKG_VERSION"));
    assert_eq!(json["cases"][0]["case"], "kv/all-bytes");
    assert_eq!(json["cases"][0]["status"], "ok");
    assert_eq!(json["cases"][0]["area"], "kv");
    let junit = read("run.xml");
    assert!(
        junit.contains("<testsuite name=\"raw\" tests=\"2\" failures=\"0\" skipped=\"0\""),
        "{junit}"
    );
    assert!(
        junit.contains("<testcase classname=\"kv\" name=\"kv/delete\""),
        "{junit}"
    );
    let tap = read("run.tap");
    assert!(tap.starts_with("TAP version 14\n"), "{tap}");
    assert!(
        tap.contains("\n1..2\nok 1 - raw: kv/all-bytes\nok 2 - raw: kv/delete\n"),
        "{tap}"
    );
}

#[test]
fn what_is_not_as_expected_is_told_and_fails() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let file = case(here, "echo.text a<b -> ok c");
    let guest = guests().join("raw.wasm");
    let run = [
        "conform",
        "run",
        guest.to_str().unwrap(),
        "--case",
        &file,
        "--report",
        "human,json=j,junit=x,tap=t",
    ];
    let output = edgewit(here, &run);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    let why = "`echo.text a<b`: expected `ok c`, got `ok a%3Cb`";
    assert!(
        told.contains(&format!("raw: failed mine/one\n    {why}\n")),
        "{told}"
    );
    assert_eq!(told.lines().last(), Some("0 passed, 1 failed"));
    let read = |name: &str| fs::read_to_string(here.join(name)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&read("j")).unwrap();
    assert_eq!(json["cases"][0]["why"][0], why);
    assert!(
        read("x").contains("<failure message=\"failed\">`echo.text a&lt;b`: "),
        "{}",
        read("x")
    );
    assert!(
        read("t").contains("\nnot ok 1 - raw: mine/one (failed)\n"),
        "{}",
        read("t")
    );
}

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
    expecting("mine/one", "another way");
    let (code, told) = run(&failing);
    assert!(
        code == Some(1) && told.contains("which is [\"another way\"] and no more"),
        "{code:?} {told}"
    );
    let passing = case(here, "echo.text a -> ok a");
    expecting("mine/one", known);
    let (code, told) = run(&passing);
    assert!(
        code == Some(1) && told.contains("known failure, and it passed"),
        "{code:?} {told}"
    );
    expecting("mine/none", "x");
    let (code, told) = run(&passing);
    assert!(
        code == Some(1) && told.contains("lists \"mine/none\", which is no case"),
        "{code:?} {told}"
    );
}

#[test]
fn what_can_not_be_run_has_an_exit_code_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let guest = guests().join("raw.wasm");
    let guest = guest.to_str().unwrap();
    fs::write(here.join("text.wasm"), "no component").unwrap();
    fs::write(here.join("core.wasm"), b"\0asm\x01\0\0\0").unwrap();
    fs::write(here.join("bad.toml"), "[[case]]\nname = 1\n").unwrap();
    fs::write(here.join("expect.toml"), "language = \"x\"\ncolour = 1\n").unwrap();
    for (arguments, code, told) in [
        (
            &["run", "text.wasm"][..],
            3,
            "edgewit: text: text, not a component; a component of the world edge:sdk/app is due",
        ),
        (
            &["run", "core.wasm"],
            3,
            "edgewit: core: a core module, not a component; ",
        ),
        (
            &["run", "none.wasm"],
            3,
            "edgewit: none.wasm: No such file or directory",
        ),
        (
            &["run", guest, "--case", "bad.toml"],
            2,
            "edgewit: bad.toml:2: invalid type: integer",
        ),
        (
            &["run", guest, "--expect", "expect.toml"],
            2,
            "edgewit: expect.toml:2: unknown field `colour`",
        ),
        (
            &["run", guest, "--expect", "a", "--expect", "b"],
            2,
            "edgewit: 2 --expect for 1 components",
        ),
        (
            &["run", guest, "--filter", "no/such/case"],
            2,
            "edgewit: no case is chosen",
        ),
        (
            &["list", "--filter", "no/such/case"],
            2,
            "edgewit: no case is chosen",
        ),
        (
            &["run", guest, "--jobs", "0"],
            2,
            "error: invalid value '0' for '--jobs <N>'",
        ),
        (
            &["run", guest, "--shard", "3/2"],
            2,
            "error: invalid value '3/2'",
        ),
        (
            &["run", guest, "--report", "yaml"],
            2,
            "error: invalid value 'yaml'",
        ),
        (
            &["run", guest, guest, "--filter", "kv/delete"],
            2,
            "edgewit: two components are named raw",
        ),
        (
            &[
                "run",
                guest,
                "--filter",
                "kv/delete",
                "--report",
                "json=no/such/folder",
            ],
            2,
            "edgewit: no/such/folder: ",
        ),
        (&["explain", "no/such"], 2, "edgewit: no case \"no/such\""),
        (
            &["http", "https://a.test/"],
            2,
            "edgewit: https://a.test/: the scheme http is due",
        ),
    ] {
        let error = fails(here, &[&["conform"], arguments].concat(), code);
        assert!(error.starts_with(told), "{error}");
    }
}

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
    assert!(
        told.contains("< `reply.text hi`: expected `ok`, got `unsupported`\n"),
        "{told}"
    );
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

/// A file of cases of one request each, by their names.
pub fn cases_of(steps: &[(&str, &str)]) -> String {
    let case = |(name, step): &(&str, &str)| {
        format!(
            "[[case]]\nname = \"mine/{name}\"\nrule = \"r\"\nlayer = \"wit\"\n[[case.request]]\n{step}\n"
        )
    };
    steps.iter().map(case).collect()
}

#[test]
fn a_list_without_reasons_or_proofs_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let guest = guests().join("raw.wasm");
    fs::write(here.join("proof.rs"), "").unwrap();
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
            "[[prevented]]\ncase = 'a/b'\nproof = 'proof.rs'\nreason = ' '",
            "expect.toml:5: `reason` of \"a/b\" is empty",
        ),
        (
            "[[prevented]]\ncase = 'a/b'\nproof = 'none.rs'\nreason = 'r'",
            "expect.toml:5: `proof` of \"a/b\": no file \"none.rs\"",
        ),
        (
            "[[prevented]]\ncase = 'a/b'\nproof = 'proof.rs'",
            "expect.toml:4: missing field `reason`",
        ),
        (
            "[[failure]]\ncase = 'a/b'\nhow = 'x'\nreason = ''",
            "expect.toml:5: `reason` of \"a/b\" is empty",
        ),
        (
            "[[failure]]\ncase = 'a/b'\nhow = ['x', '']\nreason = 'r'",
            "expect.toml:5: `how` of \"a/b\" is empty",
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

/// What keeps a component from being loaded is one line in the words of `port doctor`.
#[test]
fn a_component_of_another_world_is_told_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let good = fs::read(guests().join("raw.wasm")).unwrap();
    for (from, to, said) in [
        (
            "edge:sdk/handler@0.1.0",
            "mine:abc/handler@0.1.0",
            "export edge:sdk/handler: the component exports mine:abc/handler@0.1.0, and is of another world \
             than edge:sdk/app",
        ),
        (
            "edge:sdk/kv@0.1.0",
            "edge:sdk/kx@0.1.0",
            "import edge:sdk/kx@0.1.0: it is not served; edge:sdk/fetch@0.1.0, edge:sdk/http@0.1.0, \
             edge:sdk/kv@0.1.0, edge:sdk/logging@0.1.0, edge:sdk/poll@0.1.0, edge:sdk/system@0.1.0 are",
        ),
        (
            "edge:sdk/kv@0.1.0",
            "edge:sdk/kv@0.2.0",
            "import edge:sdk/kv@0.2.0; 0.1.0 is served, which can't stand for it: build against the wit/edge.wit of \
             `edgewit port new`",
        ),
        (
            "[method]store.get-many",
            "[method]store.get-most",
            "import edge:sdk/kv@0.1.0; 0.1.0 is served, without store.get-most",
        ),
    ] {
        fs::write(here.join("x.wasm"), replaced(&good, from, to)).unwrap();
        let error = fails(here, &["conform", "run", "x.wasm"], 3);
        assert_eq!(error, format!("edgewit: x.wasm: {said}"));
    }
    // Two at once.
    let two = replaced(&good, "edge:sdk/kv@0.1.0", "edge:sdk/kx@0.1.0");
    let two = replaced(&two, "edge:sdk/poll@0.1.0", "edge:sdk/pull@0.1.0");
    fs::write(here.join("x.wasm"), two).unwrap();
    let error = fails(here, &["conform", "run", "x.wasm"], 3);
    let more = " are; and 1 more, which `edgewit port doctor x.wasm` names";
    assert!(
        error.ends_with(more) && error.lines().count() == 1,
        "{error}"
    );
}

/// `bytes`, a component, with the data of its modules outside of their memories: filling these is what traps.
fn trapping_at_start(bytes: &[u8]) -> Vec<u8> {
    let mut trapping = bytes.to_vec();
    for payload in Parser::new(0).parse_all(bytes) {
        let Payload::DataSection(all) = payload.unwrap() else {
            continue;
        };
        for data in all {
            if let DataKind::Active { offset_expr, .. } = data.unwrap().kind {
                // `i32.const`, the offset, `end`.
                let range = offset_expr.get_binary_reader().range();
                let (first, last) = (range.start as usize + 1, range.end as usize - 2);
                trapping[first..last].fill(0xff);
                trapping[last] = 0x7f;
            }
        }
    }
    assert!(trapping != bytes, "data that is put into memory at start");
    trapping
}

/// One that traps at start, and one that fills memory, fail their own cases and harm nothing else.
#[test]
fn what_traps_at_start_or_fills_memory_harms_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let good = guests().join("raw.wasm");
    fs::write(
        here.join("traps.wasm"),
        trapping_at_start(&fs::read(&good).unwrap()),
    )
    .unwrap();
    let steps = "steps = ['echo.text a -> ok a']";
    let cases = cases_of(&[
        ("a", steps),
        ("b", steps),
        (
            "fills",
            "steps = ['grow 2000000000 -> ok', 'echo.text a -> ok a']",
        ),
        ("c", steps),
    ]);
    fs::write(here.join("mine.toml"), cases).unwrap();
    let arguments = [
        "conform",
        "run",
        "traps.wasm",
        good.to_str().unwrap(),
        "--case",
        "mine.toml",
    ];
    let output = edgewit(here, &arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("traps: 4 failed\n"), "{told}");
    assert!(told.contains("raw: 3 ok, 1 failed\n"), "{told}");
    assert!(told.contains("raw: failed mine/fills\n"), "{told}");
    assert!(told.contains("; memory-bytes: limit "), "{told}");
    assert!(
        told.contains("traps: failed mine/a\n    `echo.text a`: expected `ok a`, got no report\n"),
        "{told}"
    );
}

/// On a terminal, which `script` makes.
#[test]
fn a_terminal_is_told_how_far_a_run_is() {
    let folder = tempfile::tempdir().unwrap();
    let guest = guests().join("raw.wasm");
    let line = format!(
        "{} conform run {} --filter kv/delete --filter kv/all-bytes --jobs 1",
        binary().display(),
        guest.display()
    );
    let mut script = command("script", folder.path());
    let output = script.args(["-qec", &line, "typescript"]).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    for line in ["1 of 2, raw: kv/all-bytes", "2 of 2, raw: kv/delete"] {
        assert!(told.contains(&format!("\r\u{1b}[K{line}\r")), "{told:?}");
    }
}
