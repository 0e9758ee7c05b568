//! What is wrong is said in one line, with the exit code that the help names.

use std::fs;

use crate::support::{binary, command, edgewit, fails, ok};

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
    let text = fails(here, &["serve", "text.wasm", "--listen", "127.0.0.1:0"], 1);
    assert!(
        text.starts_with("edgewit: text: text, not a component"),
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
    let mut filtered = command(binary(), folder.path());
    filtered
        .env("EDGEWIT_LOG", "a=b=c")
        .args(["serve", "core.wasm", "--listen", "127.0.0.1:0"]);
    let output = filtered.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.starts_with("edgewit: EDGEWIT_LOG \"a=b=c\": "),
        "{stderr}"
    );
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
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
