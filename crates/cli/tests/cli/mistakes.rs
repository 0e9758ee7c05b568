//! What is wrong is said in one line, with the exit code that the help names.

use std::fs;

use crate::support::{binary, command, copy, edgewit, fails, hello, ok, root};

#[test]
fn what_is_wrong_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let write = |name: &str, text: &[u8]| fs::write(here.join(name), text).unwrap();
    let manifest = "name = \"x\"\nlanguage = \"rust\"\n";
    write("text.wasm", b"no component");
    for (arguments, code, error) in [
        (
            &["build"][..],
            2,
            "./edge.toml: No such file or directory (os error 2); an application is a folder with a file edge.toml",
        ),
        (
            &["serve", "nowhere"],
            2,
            "nowhere: neither a folder with an edge.toml nor a component file",
        ),
        (
            &["build", "text.wasm"],
            2,
            "text.wasm: a file; an application is a folder with an edge.toml, and `edgewit serve` takes component files too",
        ),
        (
            &["new", "--lang", "rust", "Bad_Name"],
            2,
            "`Bad_Name` can't be an application's name: a name is lower-case letters, digits and hyphens, a letter first",
        ),
        (
            &["bindgen", "--all"],
            2,
            "bindgen writes the bindings of a checkout of Edgewit: run it in one",
        ),
        (
            &["demo"],
            2,
            "demo shows the examples of a checkout of Edgewit: run it in one",
        ),
    ] {
        assert_eq!(fails(here, arguments, code), format!("edgewit: {error}"));
    }
    let text = fails(here, &["serve", "text.wasm", "--listen", "127.0.0.1:0"], 2);
    assert!(
        text.starts_with("edgewit: text.wasm: text, not a component"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1);
    write("edge.toml", format!("{manifest}fech = []\n").as_bytes());
    let unknown = fails(here, &["build"], 2);
    assert!(
        unknown.starts_with("edgewit: ./edge.toml:3:1: unknown key `fech`"),
        "{unknown}"
    );
    assert_eq!(unknown.lines().count(), 1);
    assert_eq!(edgewit(here, &["nothing"]).status.code(), Some(2));
}

#[test]
fn what_kv_can_not_do_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let stores =
        "[kv.s]\n[kv.r]\nvalues = { b = \"1\" }\nenv = [\"A\"]\n[limits]\nkv-value-bytes = 1024\n";
    let manifest = format!("name = \"x\"\nlanguage = \"rust\"\n{stores}");
    fs::write(here.join("edge.toml"), manifest).unwrap();
    let large = "x".repeat(1025);
    for (arguments, error) in [
        (
            &["get", "visits", "k"][..],
            "no store \"visits\" in ./edge.toml; it has r, s",
        ),
        (
            &["get", "r", "A"],
            "the value of A in the store \"r\" is from the environment, and never shown",
        ),
        (&["get", "r", "c"], "no key \"c\" in the store \"r\""),
        (
            &["set", "r", "b", "2"],
            "the store \"r\" is read-only: to change it, change ./edge.toml",
        ),
        (&["set", "s", "", "v"], "the key \"\": an empty key"),
        (
            &["set", "s", "k", &large],
            "the value: 1025 bytes, at most 1024 (kv-value-bytes)",
        ),
    ] {
        let arguments = [&["kv"], arguments].concat();
        assert_eq!(fails(here, &arguments, 1), format!("edgewit: {error}"));
    }
    // What can be had of a store that is only read.
    assert_eq!(ok(here, &["kv", "get", "r", "b"]), "1");
    assert_eq!(ok(here, &["kv", "list", "r"]), "A\nb\n");
    assert_eq!(ok(here, &["kv", "list", "r", "--prefix", "b"]), "b\n");
    assert!(ok(here, &["kv", "get", "--help"]).contains("The store, by its name in edge.toml"));
}

#[test]
fn a_filter_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("core.wasm"), b"\0asm\x01\0\0\0").unwrap();
    for (filter, said) in [
        ("a=b=c", "edgewit: EDGEWIT_LOG \"a=b=c\": "),
        // It would be a target, and all else silent.
        (
            "warn,inf",
            "edgewit: EDGEWIT_LOG: \"inf\" is no level; trace, ",
        ),
    ] {
        let mut filtered = command(binary(), folder.path());
        filtered
            .env("EDGEWIT_LOG", filter)
            .args(["serve", "core.wasm", "--listen", "127.0.0.1:0"]);
        let output = filtered.output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.starts_with(said), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
    let twice = |peer| ["--override", peer];
    let peers = [
        "http://a.test=http://127.0.0.1:1",
        "http://a.test:80=http://127.0.0.1:2",
    ];
    let arguments = [
        &["serve", "core.wasm"][..],
        &twice(peers[0]),
        &twice(peers[1]),
    ]
    .concat();
    let said =
        "edgewit: --override: http://a.test is there twice; one server stands in for an origin";
    assert_eq!(fails(folder.path(), &arguments, 2), said);
}

#[test]
fn a_new_application_is_written_where_one_is() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().join("greeter");
    fs::create_dir(&here).unwrap();
    assert!(ok(&here, &["new", "--lang", "rust", "."]).starts_with("wrote ./edge.toml\n"));
    let manifest = fs::read_to_string(here.join("edge.toml")).unwrap();
    assert!(manifest.contains("name = \"greeter\""), "{manifest}");
    let error = "edgewit: . is not empty: a new application needs a new or empty folder";
    assert_eq!(fails(&here, &["new", "--lang", "rust", "."], 2), error);
}

/// What a component is written over by mistake is still there afterwards.
#[test]
fn a_component_is_written_over_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("app");
    ok(folder.path(), &["new", "--lang", "rust", "app"]);
    let kept = fs::read(app.join("edge.toml")).unwrap();
    std::os::unix::fs::symlink("edge.toml", app.join("link")).unwrap();
    std::os::unix::net::UnixListener::bind(app.join("socket")).unwrap();
    for (output, error) in [
        (
            "edge.toml",
            "holds something that is no component; name another file, or delete it first",
        ),
        (
            "link",
            "holds something that is no component; name another file, or delete it first",
        ),
        (
            "socket",
            "is there, and no file; name one to write the component to",
        ),
        (
            "src",
            "is there, and no file; name one to write the component to",
        ),
    ] {
        assert_eq!(
            fails(&app, &["build", "-o", output], 2),
            format!("edgewit: {output} {error}")
        );
    }
    assert_eq!(fs::read(app.join("edge.toml")).unwrap(), kept);
    // An older component gives way, also where a link leads to it.
    fs::copy(hello(), app.join("old.wasm")).unwrap();
    std::os::unix::fs::symlink("old.wasm", app.join("current.wasm")).unwrap();
    ok(&app, &["build", "-o", "current.wasm"]);
    assert_ne!(
        fs::read(app.join("old.wasm")).unwrap(),
        fs::read(hello()).unwrap()
    );
    assert!(app.join("current.wasm").is_symlink());
}

#[test]
fn a_source_that_is_no_package_is_told_of_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let manifest = "name = \"x\"\nlanguage = \"rust\"\n";
    fs::write(
        here.join("edge.toml"),
        format!("{manifest}source = \"nowhere\"\n"),
    )
    .unwrap();
    assert_eq!(
        fails(here, &["build"], 2),
        "edgewit: ./edge.toml: the source folder nowhere: No such file or directory (os error 2); \
         `source` is relative to the folder of the file"
    );
    fs::write(here.join("edge.toml"), manifest).unwrap();
    let package = "[package]\nname = \"x\"\nedition = \"2024\"\n[workspace]\n";
    fs::create_dir(here.join("src")).unwrap();
    fs::write(here.join("src/main.rs"), "fn main() {}\n").unwrap();
    for (text, error) in [
        (
            &*format!("{package}[dependencies]\n"),
            "has no library: an application is a package with src/lib.rs",
        ),
        (
            &*format!("{package}[nonsense\n"),
            "cargo refuses this package",
        ),
    ] {
        fs::write(here.join("Cargo.toml"), text).unwrap();
        let said = fails(here, &["build"], 1);
        let last = said.lines().last().unwrap();
        assert!(last.ends_with(&format!("/Cargo.toml: {error}")), "{said}");
        assert!(!said.contains("downloading"), "{said}");
    }
}

/// `edgewit … | head` is no crash.
#[test]
fn a_reader_that_left_is_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    for part in ["wit", "sdk-rust"] {
        copy(&root().join(part), &folder.path().join(part));
    }
    for arguments in [
        &["new", "--lang", "rust", "greeter"][..],
        &["doctor"],
        &["completions", "bash"],
        &["bindgen", "--lang", "rust", "--check"],
        &["conform", "list"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut unread = command(binary(), folder.path());
        unread.args(arguments).stdout(writer);
        let output = unread.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(
            said.contains("can't write standard output: Broken pipe"),
            "{said}"
        );
        // Nobody reads what is wrong either.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut unread = command(binary(), folder.path());
        unread.args(["build", "nowhere"]).stderr(writer);
        assert_eq!(unread.output().unwrap().status.code(), Some(2));
    }
}

#[test]
fn a_missing_tool_has_an_exit_code_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    ok(folder.path(), &["new", "--lang", "rust", "app"]);
    for arguments in [&["doctor"][..], &["build", "app"]] {
        let mut bare = command(binary(), folder.path());
        bare.args(arguments).env("PATH", folder.path());
        let output = bare.output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {said}");
        assert!(said.contains("rustup"), "{said}");
    }
}

/// Nobody takes the tools of a language that they do not write.
#[test]
fn the_doctor_looks_at_the_language_that_is_asked_about() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let programs = here.join("programs");
    fs::create_dir(&programs).unwrap();
    let path = std::env::var_os("PATH").unwrap();
    for program in ["node", "npm"] {
        let found = std::env::split_paths(&path).find(|it| it.join(program).exists());
        let found = found.unwrap().join(program);
        std::os::unix::fs::symlink(found, programs.join(program)).unwrap();
    }
    for language in ["ts", "rust"] {
        let app = here.join(language);
        fs::create_dir(&app).unwrap();
        let manifest = format!("name = \"x\"\nlanguage = \"{language}\"\n");
        fs::write(app.join("edge.toml"), manifest).unwrap();
    }
    let doctor = |within: &str, arguments: &[&str]| {
        let mut doctor = command(binary(), &here.join(within));
        doctor.arg("doctor").args(arguments).env("PATH", &programs);
        let output = doctor.output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code().unwrap(), said)
    };
    let (code, all) = doctor("", &[]);
    assert_eq!(code, 0, "{all}");
    let table = "\nRust: not without rust, cc\nJavaScript and TypeScript: ready\n";
    assert!(
        all.ends_with(table) && all.contains("\nmissing  rust, for testing Rust"),
        "{all}"
    );
    let missing = "edgewit: tools that applications in Rust take are missing\n";
    for (within, arguments, due, end) in [
        ("", &["--lang", "js"][..], 0, ""),
        ("", &["ts"], 0, ""),
        ("ts", &[], 0, ""),
        ("", &["--lang", "rust"], 3, missing),
        ("", &["rust"], 3, missing),
        ("rust", &[], 3, missing),
        ("rust", &["--lang", "ts"], 0, ""),
    ] {
        let (code, said) = doctor(within, arguments);
        assert_eq!(code, due, "{within} {arguments:?}: {said}");
        assert!(said.ends_with(end), "{said}");
        assert_eq!(said.contains("\nfound    node "), due == 0, "{said}");
        assert_eq!(said.contains("\nmissing  cc, for"), due == 3, "{said}");
    }
    assert_eq!(doctor("", &["nowhere"]).0, 2);
}

/// A line that moves, where somebody looks at it.
#[test]
fn a_terminal_shows_what_a_build_is_at() {
    let folder = tempfile::tempdir().unwrap();
    ok(folder.path(), &["new", "--lang", "rust", "app"]);
    let build = format!("{} build app", binary().display());
    let mut terminal = command("script", folder.path());
    terminal.args(["--quiet", "--return", "--command", &build, "/dev/null"]);
    let output = terminal.env("TERM", "xterm").output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shown}");
    // It is written over, and gone in the end.
    assert!(shown.contains("compiling app"), "{shown}");
    assert!(shown.contains("\x1b[2K"), "{shown:?}");
    let last = shown.trim_end().rsplit("\x1b[2K").next().unwrap();
    assert!(
        last.contains("app.wasm (") && !last.contains("compiling"),
        "{last:?}"
    );
}
