//! `edgewit conform run`: its outputs and exit codes; and what the tests of `conform` share.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use edgewit_build::Tool;

use crate::support::{binary, command, edgewit, fails, hello, install, ok, root};

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

/// Cases of one request each, by their names, on applications that are granted `app`.
pub fn cases_of(app: &str, cases: &[(&str, &str)]) -> String {
    let case = |(name, request): &(&str, &str)| {
        format!(
            "[[case]]\nname = \"mine/{name}\"\nrule = \"r\"\nlayer = \"wit\"\napp = {{ {app} }}\n\
             [[case.request]]\n{request}\n"
        )
    };
    cases.iter().map(case).collect()
}

/// A file of one case in a folder: a script of one step and the report that is due.
pub fn case(folder: &Path, step: &str) -> String {
    let file = folder.join("mine.toml");
    let steps = format!("steps = ['{step}']");
    fs::write(&file, cases_of("", &[("one", &steps)])).unwrap();
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
    let version = env!("CARGO_PKG_VERSION");
    let summary = format!("\nsuite {version}, 1 component, ");
    assert!(told.contains(&summary), "{told}");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&read("run.json")).unwrap();
    assert_eq!(json["passed"], true);
    assert_eq!(
        totals.map(|it| json["totals"][it].as_u64()),
        [2, 0, 0, 0].map(Some)
    );
    assert_eq!(json["suite"], version);
    assert_eq!(json["cases"][0]["case"], "kv/all-bytes");
    assert_eq!(json["cases"][0]["status"], "ok");
    assert_eq!(json["cases"][0]["area"], "kv");
    let junit = read("run.xml");
    let suites = format!("<testsuites name=\"edge:sdk conformance {version}\" ");
    assert!(junit.contains(&suites), "{junit}");
    assert!(
        junit.contains("<testsuite name=\"raw\" tests=\"2\" failures=\"0\" skipped=\"0\""),
        "{junit}"
    );
    assert!(
        junit.contains("<testcase classname=\"kv\" name=\"kv/delete\""),
        "{junit}"
    );
    let tap = read("run.tap");
    let head = format!("TAP version 14\n# edge:sdk conformance {version}\n1..2\n");
    assert!(tap.starts_with(&head), "{tap}");
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
fn what_can_not_be_run_has_an_exit_code_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let guest = guests().join("raw.wasm");
    let guest = guest.to_str().unwrap();
    fs::write(here.join("text.wasm"), "no component").unwrap();
    fs::write(here.join("core.wasm"), b"\0asm\x01\0\0\0").unwrap();
    fs::write(here.join("bad.toml"), "[[case]]\nname = 1\n").unwrap();
    fs::write(here.join("expect.toml"), "language = \"x\"\ncolour = 1\n").unwrap();
    fs::write(
        here.join("twice.toml"),
        cases_of("", &[("a", ""), ("a", "")]),
    )
    .unwrap();
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
        (
            &["run", guest, "--report", "junit=a,tap,json=a"],
            2,
            "edgewit: a: two reports; a file for each is due",
        ),
        (
            &["list", "--case", "twice.toml"],
            2,
            "edgewit: twice.toml:9: a case before it is named mine/a too",
        ),
        (
            &["explain", "kv/delte"],
            2,
            "edgewit: no case \"kv/delte\"; did you mean `kv/delete`?",
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

/// One line, before any case is run; a guest beside it is of no help.
#[test]
fn an_application_that_is_no_guest_is_told_as_that() {
    let folder = tempfile::tempdir().unwrap();
    let guest = guests().join("raw.wasm");
    let (hello, guest) = (hello().to_str().unwrap(), guest.to_str().unwrap());
    let said = "edgewit: hello carries out no scripts of the suite; CONTRACT.md and `edgewit port doctor FILE.wasm` \
                say what is due";
    for components in [&[hello][..], &[guest, hello]] {
        let run = [&["conform", "run"], components, &["--report", "json=j"]].concat();
        assert_eq!(fails(folder.path(), &run, 2), said);
        assert!(!folder.path().join("j").exists());
    }
    // What asks for no script is asked of any.
    let request = "request = 'GET /none'\nreply = { status = 404 }";
    fs::write(
        folder.path().join("mine.toml"),
        cases_of("", &[("a", request)]),
    )
    .unwrap();
    ok(
        folder.path(),
        &["conform", "run", hello, "--case", "mine.toml"],
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
