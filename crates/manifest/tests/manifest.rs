//! Whole files: the message for each broken one, what is read from each good one, the schema.
//! With `EDGEWIT_BLESS=1` in the environment the expected texts are written instead of compared.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use edgewit_manifest::{BuildSettings, Error, Language, Limits, Manifest, Store, schema};

/// Compares `found` with the file at `path`, or writes it there.
fn check(path: &Path, found: &str) {
    if std::env::var_os("EDGEWIT_BLESS").is_some() {
        fs::write(path, found).expect("the expected text is writable");
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        found,
        expected,
        "{} differs; EDGEWIT_BLESS=1 cargo test -p edgewit-manifest rewrites it",
        path.display()
    );
}

fn crate_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn good(name: &str) -> PathBuf {
    crate_folder().join("tests/good").join(name)
}

/// The stems of the files in `folder` that have this extension.
fn stems(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut stems: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| path.with_extension(""))
        .collect();
    stems.sort();
    stems
}

/// The error of a manifest with these bytes, shown as if it were `edge.toml`.
fn error_of(path: &Path) -> String {
    match Manifest::read(path) {
        Err(Error::Invalid {
            line,
            column,
            message,
            ..
        }) => Error::Invalid {
            path: "edge.toml".into(),
            line,
            column,
            message,
        }
        .to_string(),
        other => panic!("{}: {other:?}", path.display()),
    }
}

#[test]
fn broken_files_say_what_is_wrong() {
    let folder = crate_folder().join("tests/broken");
    let names = stems(&folder, "toml");
    for stem in &names {
        let error = error_of(&stem.with_extension("toml"));
        assert_eq!(error.lines().count(), 1, "{error:?}");
        assert!(
            !error.contains("secret\"") && !error.contains("=secret") && !error.contains("ada:"),
            "{error:?}"
        );
        check(&stem.with_extension("txt"), &format!("{error}\n"));
    }
    assert_eq!(
        names,
        stems(&folder, "txt"),
        "each broken file has one expected text"
    );
}

#[test]
fn languages_go_by_their_short_names() {
    for (name, language, shown) in [
        ("rust", Language::Rust, "Rust"),
        ("js", Language::JavaScript, "JavaScript"),
        ("ts", Language::TypeScript, "TypeScript"),
    ] {
        let text = format!("name = \"app\"\nlanguage = {name:?}\n");
        let manifest = Manifest::parse(&text, Path::new("edge.toml")).unwrap();
        assert_eq!(manifest.language, language);
        assert_eq!(language.to_string(), shown);
    }
}

#[test]
fn the_schema_is_checked_in() {
    check(&crate_folder().join("edge.schema.json"), &schema());
}

#[test]
fn all_keys_are_read() {
    let manifest = Manifest::read(&good("full.toml")).expect("a good file");
    assert_eq!(manifest.name, "hello");
    assert_eq!(manifest.language, Language::Rust);
    assert_eq!(
        manifest.source_folder(),
        crate_folder().join("tests/good/app")
    );
    assert_eq!(
        manifest.build,
        BuildSettings {
            stack_bytes: Some(65_536)
        }
    );
    let limits = Limits {
        memory_bytes: 0x400_0000,
        guest_ms: 250,
        ..Limits::default()
    };
    assert_eq!(manifest.limits, limits);
    assert_eq!(manifest.grants.file, Some(manifest.path.clone()));
    let values = BTreeMap::from([("region".to_owned(), "north".to_owned())]);
    let mixed = Store::ReadOnly {
        values,
        env: vec!["UPSTREAM_KEY".to_owned()],
    };
    assert!(manifest.grants.kv["mixed-1_x"] == mixed);
    assert_eq!(
        manifest.grants.to_string(),
        "fetch https://api.example.com\n\
         fetch https://*.example.com:*\n\
         fetch http://127.0.0.1:9000\n\
         fetch http://[::1]\n\
         kv mixed-1_x: read-only, values region, env UPSTREAM_KEY\n\
         kv none: read-only, empty\n\
         kv secrets: read-only, env UPSTREAM_KEY _TOKEN2\n\
         kv settings: read-only, values a key greeting\n\
         kv visits: read-write"
    );
}

#[test]
fn what_is_left_out_has_its_default() {
    let manifest = Manifest::read(&good("least.toml")).expect("a good file");
    assert_eq!(manifest.source, Path::new("."));
    assert_eq!(manifest.build, BuildSettings::default());
    assert_eq!(manifest.limits, Limits::default());
    assert!(manifest.grants.fetch.is_empty() && manifest.grants.kv.is_empty());
    assert_eq!(manifest.grants.to_string(), "nothing");
}

#[test]
fn folders_are_relative_to_the_file() {
    let text = "name = 'a'\nlanguage = 'rust'\nsource = '../b/.'";
    // Paths compare by component, so that `a/.` equals `a`; what is displayed matters too.
    let folders = |path: &str| {
        let manifest = Manifest::parse(text, path.as_ref()).expect("a good text");
        let folders = [manifest.folder().to_owned(), manifest.source_folder()];
        folders.map(|folder| folder.display().to_string())
    };
    assert_eq!(folders("edge.toml"), [".", "./../b"]);
    assert_eq!(folders("apps/a/edge.toml"), ["apps/a", "apps/a/../b"]);
    assert_eq!(folders("/edge.toml"), ["/", "/../b"]);
}

#[test]
fn a_folder_stands_for_its_file() {
    let error = Manifest::read(&good(""))
        .expect_err("there is no edge.toml")
        .to_string();
    let start = format!("{}: ", good("edge.toml").display());
    assert!(
        error.starts_with(&start) && error.contains("an application is a folder"),
        "{error}"
    );
}

#[test]
fn debug_output_holds_no_values() {
    let text = "name = 'a'\nlanguage = 'rust'\nkv.s.values = { token = 'secret' }";
    let manifest = Manifest::parse(text, "edge.toml".as_ref()).expect("a good text");
    let output = format!("{manifest:?}");
    assert!(
        output.contains("token") && !output.contains("secret"),
        "{output}"
    );
}

/// Whatever is missing or cut, there is an error, never a panic.
#[test]
fn a_damaged_file_is_an_error_or_fine() {
    let text = fs::read_to_string(good("full.toml")).expect("a good file");
    for at in 0..text.len() {
        let without_byte = [&text[..at], &text[at + 1..]].concat();
        for damaged in [&text[..at], &text[at..], &without_byte] {
            if let Err(error) = Manifest::parse(damaged, "edge.toml".as_ref()) {
                assert_eq!(error.to_string().lines().count(), 1, "{error:?}");
            }
        }
    }
    let deep = "a = ".to_owned() + &"[".repeat(100_000);
    Manifest::parse(&deep, "edge.toml".as_ref()).expect_err("nested too deep");
}
