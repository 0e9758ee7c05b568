//! `edgewit port`: the folder that a port begins with, run as its CI would, and what a component lacks.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Output;

use crate::conform::guests;
use crate::support::{binary, command, edgewit, fails, ok, replaced, root};

/// The lines of commands that a README shows.
fn shown(readme: &str) -> Vec<Vec<&str>> {
    let lines = readme.lines().map(str::trim);
    lines
        .filter_map(|line| line.strip_prefix("edgewit "))
        .map(|line| line.split(' ').collect())
        .collect()
}

#[test]
fn a_new_port_holds_the_contract_and_the_ladder() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let told = ok(here, &["port", "new", "zig"]);
    assert_eq!(
        told,
        "wrote conformance-zig\nnext: conformance-zig/README.md\n"
    );
    let read = |file: &str| fs::read_to_string(here.join("conformance-zig").join(file)).unwrap();
    let contract = read("CONTRACT.md");
    for (file, from) in [
        ("CONTRACT.md", "tests/conformance/CONTRACT.md"),
        ("wit/edge.wit", "wit/edge.wit"),
    ] {
        assert_eq!(read(file), fs::read_to_string(root().join(from)).unwrap());
    }
    // The outline has each verb of the contract, with what it does and reports.
    let outline = read("guest-outline.txt");
    let tables = contract.split_once("\n## Verbs").unwrap().1;
    let tables = tables.split_once("\n## What each language").unwrap().0;
    let mut rows = 0;
    for row in tables.lines().filter(|line| line.starts_with("| `")) {
        for cell in row.split('|').map(|cell| cell.replace('`', "")) {
            assert!(outline.contains(cell.trim()), "{row}");
        }
        rows += 1;
    }
    assert!(rows > 90, "{rows}");
    assert!(
        outline.contains("edge:sdk/kv: ") && outline.contains("store.get-many"),
        "{outline}"
    );

    // The commands of the ladder are those of this binary, and ask every case once.
    let readme = read("README.md");
    let commands = shown(&readme);
    assert_eq!(commands[0], ["port", "doctor", "guest.wasm"]);
    let mut asked = Vec::new();
    for rung in &commands[1..] {
        let start = ["conform", "run", "guest.wasm", "--expect", "expect.toml"];
        assert_eq!(rung[..5], start);
        let listed = ok(here, &[&["conform", "list"], &rung[5..]].concat());
        assert!(!listed.is_empty(), "{rung:?}");
        asked.extend(listed.lines().map(str::to_owned));
    }
    let all = ok(here, &["conform", "list"]);
    let missed = |case: &&str| asked.iter().filter(|it| it == case).count() != 1;
    let missed: Vec<&str> = all.lines().filter(missed).collect();
    assert!(missed.is_empty(), "asked never or twice: {missed:?}");
    assert_eq!(asked.len(), all.lines().count());
    for first in readme.split("`edgewit conform explain ").skip(1) {
        let case = first.split('`').next().unwrap();
        ok(here, &["conform", "explain", case]);
    }
    for file in ["README.md", "guest-outline.txt", "expect.toml", "ci.sh"] {
        assert!(!read(file).contains("{{"), "{file}");
    }
    assert!(read("expect.toml").contains("language = \"zig\""));
}

#[test]
fn a_port_is_written_where_nothing_is() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for name in ["Zig", "c++", "", "9p", "../zig", "-zig"] {
        let error = fails(here, &["port", "new", "--", name], 2);
        assert!(
            error.starts_with("error: ") && error.contains("lower-case letters"),
            "{error}"
        );
    }
    fs::create_dir(here.join("mine")).unwrap();
    fs::write(here.join("mine/README.md"), "kept").unwrap();
    let error = fails(here, &["port", "new", "cobol", "mine"], 2);
    assert_eq!(
        error,
        "edgewit: mine is not empty: a port needs a new or empty folder"
    );
    assert_eq!(
        fs::read_to_string(here.join("mine/README.md")).unwrap(),
        "kept"
    );
    assert_eq!(fs::read_dir(here.join("mine")).unwrap().count(), 1);
    assert_eq!(fs::read_dir(here).unwrap().count(), 1);
    fs::write(here.join("file"), "kept").unwrap();
    let error = fails(here, &["port", "new", "cobol", "file"], 1);
    assert!(error.starts_with("edgewit: can't create file: "), "{error}");
    fs::create_dir(here.join("empty")).unwrap();
    ok(here, &["port", "new", "cobol", "empty"]);
}

/// A folder of a new port with a component, and a `cargo` that has installed the binary under test once it was
/// asked as it should be, in words that the real one takes: with `--list` it installs nothing.
fn port(here: &Path) {
    ok(here, &["port", "new", "cobol", "."]);
    fs::copy(guests().join("raw.wasm"), here.join("guest.wasm")).unwrap();
    fs::create_dir(here.join("programs")).unwrap();
    let cargo = here.join("programs/cargo");
    let script = format!(
        "#!/bin/sh\ntest \"$*\" = 'install --locked --path {}/crates/cli --root ./.edgewit' || exit 9\n\
         {} \"$@\" --list || exit 8\n\
         mkdir -p .edgewit/bin && ln -s {} .edgewit/bin/edgewit\n",
        root().display(),
        env!("CARGO"),
        binary().display()
    );
    // By a process of its own: a program that this one has open for writing may be open in another that is just
    // being started, and can't be run meanwhile.
    fs::write(here.join("draft"), script).unwrap();
    let mut copy = command("cp", here);
    assert!(
        copy.args(["draft", "programs/cargo"])
            .status()
            .unwrap()
            .success()
    );
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    // What the script itself takes, and no `edgewit`.
    for program in ["sh", "dirname", "mkdir", "ln"] {
        let path = std::env::var_os("PATH").unwrap();
        let found = std::env::split_paths(&path).map(|it| it.join(program));
        let found = found.into_iter().find(|it| it.exists()).unwrap();
        symlink(found, here.join("programs").join(program)).unwrap();
    }
}

fn ci(here: &Path, line: &str, variables: &[(&str, &str)]) -> Output {
    let mut sh = command("sh", here);
    sh.args(["-c", line]).env("PATH", here.join("programs"));
    sh.env_remove("EDGEWIT").env_remove("EDGEWIT_SOURCE");
    sh.envs(variables.iter().copied()).output().unwrap()
}

/// The workflow's line, with a good component: it installs the command, and asks all cases.
#[test]
fn the_lines_for_ci_install_the_command_and_pass() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    port(here);
    let workflow = fs::read_to_string(here.join(".github/workflows/conformance.yml")).unwrap();
    let line = workflow.split("- run: ").nth(1).unwrap();
    let line = line.lines().next().unwrap();
    assert_eq!(line, "sh ci.sh guest.wasm");
    assert!(workflow.contains("EDGEWIT_SOURCE: edgewit\n"), "{workflow}");
    let unnamed = ci(here, line, &[]);
    assert_ne!(unnamed.status.code(), Some(0));
    let told = String::from_utf8_lossy(&unnamed.stderr).into_owned();
    assert!(told.contains("name a checkout of Edgewit"), "{told}");
    let source = root().to_str().unwrap().to_owned();
    let done = ci(here, line, &[("EDGEWIT_SOURCE", &source)]);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let told = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(told.ends_with(" passed, 0 failed\n"), "{told}");
    let junit = fs::read_to_string(here.join("conformance.xml")).unwrap();
    assert!(
        junit.contains("<testsuite name=\"guest\" ") && junit.contains(" failures=\"0\""),
        "{junit}"
    );
}

#[test]
fn the_lines_for_ci_fail_where_the_suite_does() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    port(here);
    let command = binary().to_str().unwrap().to_owned();
    let run = || {
        let line = "sh ci.sh guest.wasm --filter kv/delete";
        let done = ci(here, line, &[("EDGEWIT", &command)]);
        let told = [done.stdout, done.stderr].concat();
        (done.status.code(), String::from_utf8(told).unwrap())
    };
    assert_eq!(run().0, Some(0));
    let expect = fs::read_to_string(here.join("expect.toml")).unwrap();
    let failure =
        "[[failure]]\ncase = \"kv/delete\"\nhow = \"status: expected 200\"\nreason = \"r\"\n";
    fs::write(here.join("expect.toml"), format!("{expect}{failure}")).unwrap();
    let (code, told) = run();
    assert!(
        code == Some(1) && told.contains("stale-expectation"),
        "{told}"
    );
    let junit = fs::read_to_string(here.join("conformance.xml")).unwrap();
    assert!(junit.contains(" failures=\"1\""), "{junit}");
    fs::write(here.join("expect.toml"), format!("{expect}colour = 1\n")).unwrap();
    let (code, told) = run();
    assert!(code == Some(2) && told.contains("`colour`"), "{told}");
    fs::write(here.join("expect.toml"), expect).unwrap();
    fs::write(here.join("guest.wasm"), "text").unwrap();
    assert_eq!(run().0, Some(3));
}

#[test]
fn a_good_component_lacks_nothing() {
    let told = ok(guests(), &["port", "doctor", "raw.wasm"]);
    for line in [
        "found    export edge:sdk/handler@0.1.0; 0.1.0 is served",
        "found    import edge:sdk/kv@0.1.0; 0.1.0 is served",
        "passed   echo: system/text",
        "passed   http: http/uri-of-a-path",
        "passed   kv and log: kv/missing-is-none",
        "passed   fetch: fetch/where-a-response-came-from",
        "passed   streaming: bodies/a-source",
        "next: `edgewit conform run raw.wasm --expect expect.toml` asks all that it owes",
    ] {
        assert!(told.lines().any(|it| it == line), "{line}\n{told}");
    }
    let lacks = |line: &str| line.starts_with("missing") || line.starts_with("failed");
    assert!(!told.lines().any(lacks), "{told}");
}

#[test]
fn what_a_component_lacks_is_said_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let good = fs::read(guests().join("raw.wasm")).unwrap();
    let with = |from, to| replaced(&good, from, to);
    let known = "edge:sdk/fetch@0.1.0, edge:sdk/http@0.1.0, edge:sdk/kv@0.1.0, edge:sdk/logging@0.1.0, \
                 edge:sdk/poll@0.1.0, edge:sdk/system@0.1.0 are";
    let build = "build against the wit/edge.wit of `edgewit port new`";
    for (bytes, line) in [
        (
            b"\0asm\x0d\0\x01\0".to_vec(),
            "export edge:sdk/handler: the component exports nothing, and is of another world than \
             edge:sdk/app"
                .to_owned(),
        ),
        (
            with("edge:sdk/handler@0.1.0", "mine:abc/handler@0.1.0"),
            "export edge:sdk/handler: the component exports mine:abc/handler@0.1.0, and is of another \
             world than edge:sdk/app"
                .to_owned(),
        ),
        (
            with("edge:sdk/handler@0.1.0", "edge:sdk/handler@0.2.0"),
            format!("export edge:sdk/handler@0.2.0; 0.1.0 is served, which can't stand for it: {build}"),
        ),
        (
            with("after-reply", "after-repln"),
            "export edge:sdk/handler@0.1.0; 0.1.0 is served, and has after-reply, which it lacks".to_owned(),
        ),
        (
            with("edge:sdk/kv@0.1.0", "edge:sdk/kv@0.2.0"),
            format!("import edge:sdk/kv@0.2.0; 0.1.0 is served, which can't stand for it: {build}"),
        ),
        (
            with("edge:sdk/kv@0.1.0", "edge:sdk/kx@0.1.0"),
            format!("import edge:sdk/kx@0.1.0: it is not served; {known}"),
        ),
        (
            with("[method]store.get-many", "[method]store.get-most"),
            "import edge:sdk/kv@0.1.0; 0.1.0 is served, without store.get-most".to_owned(),
        ),
        (
            replaced(
                &with("edge:sdk/kv@0.1.0", "edge:sdk/kv@0.1.7"),
                "[method]store.get-many",
                "[method]store.get-most",
            ),
            "import edge:sdk/kv@0.1.7; 0.1.0 is served, without store.get-most".to_owned(),
        ),
    ] {
        fs::write(here.join("x.wasm"), bytes).unwrap();
        let output = edgewit(here, &["port", "doctor", "x.wasm"]);
        let told = String::from_utf8(output.stdout).unwrap();
        let missing: Vec<&str> = told.lines().filter(|it| it.starts_with("missing")).collect();
        assert_eq!(missing, [format!("missing  {line}")], "{told}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(error, "edgewit: x.wasm can't be loaded: 1 missing\n");
        assert_eq!(output.status.code(), Some(3));
    }
    // A later version that asks for nothing new.
    fs::write(
        here.join("x.wasm"),
        with("edge:sdk/kv@0.1.0", "edge:sdk/kv@0.1.7"),
    )
    .unwrap();
    let told = ok(here, &["port", "doctor", "x.wasm"]);
    let line = "found    import edge:sdk/kv@0.1.7; 0.1.0 is served\n";
    assert!(told.contains(line), "{told}");
}

#[test]
fn what_is_no_component_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    fs::write(here.join("text.wasm"), "no component").unwrap();
    fs::write(here.join("core.wasm"), b"\0asm\x01\0\0\0").unwrap();
    let due = "a component of the world edge:sdk/app is due";
    for (file, error) in [
        ("text.wasm", format!("text: text, not a component; {due}")),
        (
            "core.wasm",
            format!("core: a core module, not a component; {due}"),
        ),
        (
            "none.wasm",
            "none.wasm: No such file or directory (os error 2)".to_owned(),
        ),
    ] {
        let told = fails(here, &["port", "doctor", file], 3);
        assert_eq!(told, format!("edgewit: {error}"));
    }
}

/// A guest that answers no script, and one that does not know a verb.
#[test]
fn a_case_that_fails_says_what_to_look_at() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    fs::copy(crate::support::hello(), here.join("hello.wasm")).unwrap();
    let output = edgewit(here, &["port", "doctor", "hello.wasm"]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(error, "edgewit: 5 of the first 5 cases fail\n");
    let told = String::from_utf8(output.stdout).unwrap();
    let failed =
        "failed   echo: system/text\n         `echo.text -`: expected `ok -`, got no report\n";
    assert!(told.contains(failed), "{told}");
    let next = "         next: each step is one field `conformance` of the request, and each report one `info` \
                line of the log with the target `conformance`; `edgewit conform explain system/text` shows the \
                script\n";
    assert!(told.contains(next), "{told}");
    let raw = fs::read(guests().join("raw.wasm")).unwrap();
    fs::write(here.join("x.wasm"), replaced(&raw, "kv.get", "kv.gxt")).unwrap();
    let output = edgewit(here, &["port", "doctor", "x.wasm"]);
    let told = String::from_utf8(output.stdout).unwrap();
    let next = "         next: CONTRACT.md has the verbs below \"kv\"; `edgewit conform explain \
                kv/missing-is-none` shows the script\npassed   fetch: ";
    assert!(
        told.contains("\nfailed   kv and log: ") && told.contains(next),
        "{told}"
    );
}
