//! `edgewit conform`: its outputs, exit codes and flags, and a server that has the guest behind it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use edgewit_build::Tool;

use crate::support::{Server, command, edgewit, fails, install, ok, root};

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
            fs::copy(
                root().join(source).join("expect.toml"),
                folder.join(format!("{name}.toml")),
            )
            .unwrap();
        }
        folder
    })
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
    let why = "`echo.text a<b`: `ok a%3Cb`; `ok c` is due";
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
    expecting("mine/one", "`ok b` is due");
    let (code, told) = run(&failing);
    assert!(
        code == Some(0) && told.contains("raw: 1 known-failure\n"),
        "{code:?} {told}"
    );
    expecting("mine/one", "another way");
    let (code, told) = run(&failing);
    assert!(
        code == Some(1) && told.contains("not all of this holds \"another way\""),
        "{code:?} {told}"
    );
    let passing = case(here, "echo.text a -> ok a");
    expecting("mine/one", "`ok b` is due");
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
        told.contains("< `reply.text hi`: `unsupported`; `ok` is due\n"),
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
    let (of_raw, of_rust) = (file("raw.toml"), file("rust.toml"));
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

/// The cases that pass on a server with a guest behind it; the others were not run, and say why.
fn in_reach(server: &Server, expect: &str) -> Vec<String> {
    let url = format!("http://{}", server.address);
    let expect = guests().join(expect);
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "conform",
        "http",
        &url,
        "--expect",
        expect.to_str().unwrap(),
        "--report",
        "human,json=http.json",
    ];
    let told = ok(folder.path(), &arguments);
    assert!(told.contains(" not run: it needs stores, "), "{told}");
    let json = fs::read_to_string(folder.path().join("http.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let mut passed = Vec::new();
    for case in json["cases"].as_array().unwrap() {
        let name = case["case"].as_str().unwrap();
        let why = case["why"][0].as_str().unwrap_or_default();
        match case["status"].as_str().unwrap() {
            "ok" => passed.push(name.to_owned()),
            "not-run" => assert!(why.starts_with("it needs"), "{name}: {why}"),
            other => panic!("{name}: {other}: {why}"),
        }
    }
    assert!(passed.len() > 50, "{}", passed.len());
    passed
}

#[test]
fn a_server_that_is_asked_nothing_is_no_pass() {
    let folder = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let url = &format!("http://{address}");
    let path = &format!("{url}/app");
    for (arguments, said) in [
        (&[url, "--filter", "kv/"][..], "none of the chosen cases"),
        (&[path], "a URL without a path is due"),
        (&["http://127.0.0.1:1"], "refused"),
    ] {
        let output = edgewit(folder.path(), &[&["conform", "http"], arguments].concat());
        assert_eq!(output.status.code(), Some(2));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(said), "{told}");
    }
}

/// Both guests behind the command's own server.
#[test]
fn a_server_is_asked_what_is_in_reach() {
    for name in ["raw", "rust"] {
        let server = served(name);
        in_reach(&server, &format!("{name}.toml"));
        server.interrupt();
    }
}

fn served(name: &str) -> Server {
    let file = format!("{name}.wasm");
    let serve = ["serve", &file, "--listen", "127.0.0.1:0"];
    Server::start(guests(), &serve, "http://")
}

/// The guest on the Rust SDK compiled for this machine, on the host that applications' own tests have: the same cases
/// pass as with the component.
#[test]
fn the_guest_compiled_natively_passes_what_is_in_reach() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("native");
    // By its name: rustup's `cargo` holds the compilers that it starts to its own toolchain, in the folders of
    // dependencies too, where files of theirs may name others.
    let mut build = command("cargo", &root().join("sdk-rust/conformance"));
    build.args(["build", "--locked", "--example", "native", "--target-dir"]);
    let built = build.arg(&folder).output().unwrap();
    let told = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{told}");
    let native = command(folder.join("debug/examples/native"), guests());
    let native = Server::of(native, "http://");
    let passed = in_reach(&native, "rust.toml");
    let server = served("rust");
    assert_eq!(passed, in_reach(&server, "rust.toml"));
    server.interrupt();
}
