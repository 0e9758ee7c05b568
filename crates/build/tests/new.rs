//! New applications: they build anywhere to the same bytes, are tested, and need no network.

mod support;

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use edgewit_build::{Cache, Error, Options, Tool, build, ensure, new_app, sdk, test};
use edgewit_manifest::{Language, Manifest};
use support::{Log, again, assert_success, is_again, own, ready, write};

fn silent(_: edgewit_build::Event<'_>) {}

fn new(cache: &Cache, folder: &Path, name: &str) -> Manifest {
    let manifest = new_app(cache, folder, name, Language::Rust, &silent).unwrap();
    Manifest::read(&manifest).unwrap()
}

#[test]
fn a_new_application_is_built_and_tested_without_a_network() {
    if is_again() {
        return new_build_and_test();
    }
    ready();
    let name = "a_new_application_is_built_and_tested_without_a_network";
    let may_cut = Command::new("unshare")
        .args(["-n", "true"])
        .status()
        .is_ok_and(|it| it.success());
    let mut command = again(name, if may_cut { &["unshare", "-n"] } else { &[] });
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "CARGO_HTTP_PROXY"] {
        // Nothing listens there.
        command
            .env(variable, "http://127.0.0.1:9")
            .env(variable.to_lowercase(), "http://127.0.0.1:9");
    }
    assert_success(&command.output().unwrap());
}

fn new_build_and_test() {
    let cache = Cache::from_env().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("greeter");
    let manifest = new(&cache, &app, "greeter");
    let lock = fs::read(app.join("Cargo.lock")).unwrap();
    let log = Log::default();
    let built = build(&cache, &manifest, &Options::default(), &|event| {
        log.add(event)
    })
    .unwrap();
    assert_eq!(
        built.path,
        app.canonicalize()
            .unwrap()
            .join("target/edgewit/greeter.wasm")
    );
    assert!(!log.text().contains("warning"), "{}", log.text());
    test(&cache, &manifest, &[], &|event| log.add(event)).unwrap();
    assert!(
        log.text().contains("test result: ok. 1 passed"),
        "{}",
        log.text()
    );
    assert_eq!(fs::read(app.join("Cargo.lock")).unwrap(), lock);

    let source = app.join("src/lib.rs");
    let changed = fs::read_to_string(&source)
        .unwrap()
        .replacen("\"hello\"", "\"bye\"", 1);
    write(&source, &changed);
    let error = test(&cache, &manifest, &[], &|event| log.add(event)).unwrap_err();
    assert!(matches!(error, Error::Tests { .. }), "{error}");
    assert!(log.text().contains("bye ada, visit 1"), "{}", log.text());

    let rebuilt = |text: &str| {
        write(&source, text);
        let built = build(&cache, &manifest, &Options::default(), &|event| {
            log.add(event)
        });
        built.unwrap();
    };
    rebuilt(TYPED);
    assert_eq!(fs::read(app.join("Cargo.lock")).unwrap(), lock);
    // As in a fresh clone, which has no configuration.
    fs::remove_file(app.join(".cargo/config.toml")).unwrap();
    let package = fs::read_to_string(app.join("Cargo.toml")).unwrap();
    let renamed = "edge = { package = \"edgewit\", version = \"0.1\" }";
    let package = package.replace("edgewit = \"0.1\"", renamed);
    write(&app.join("Cargo.toml"), &package);
    rebuilt(RENAMED);
}

/// The first handler with types of its own.
const TYPED: &str = "
#[derive(serde::Deserialize, serde::Serialize)]
struct Greeting {
    name: String,
}

edgewit::export!(edgewit::App::new().post(\"/\", |c| {
    let greeting: Greeting = c.body().json()?;
    c.json(&greeting)
}));
";

/// The SDK under a name of the application's own.
const RENAMED: &str = "
use edge::{Error, Request, Response};

#[edge::handler(crate = edge)]
fn echo(request: Request) -> Result<Response, Error> {
    Ok(Response::new(request.into_body()))
}
";

/// What is downloaded ahead lies in cargo's folder, which may have been cleared.
#[test]
fn what_cargo_no_longer_has_is_downloaded_ahead_again() {
    let name = "what_cargo_no_longer_has_is_downloaded_ahead_again";
    if is_again() {
        let log = Log::default();
        let ensured = ensure(&Cache::from_env().unwrap(), Tool::Rust, &|event| {
            log.add(event)
        });
        // It tried, and there is no network.
        let error = ensured.unwrap_err();
        assert!(matches!(error, Error::Dependencies { .. }), "{error}");
        let text = log.text();
        assert!(text.contains("downloading dependencies"), "{text}");
        return;
    }
    ready();
    let folder = tempfile::tempdir().unwrap();
    let mut command = again(name, &[]);
    command
        .env("CARGO_HOME", folder.path())
        .env("CARGO_NET_RETRY", "0")
        .env("CARGO_HTTP_PROXY", "http://127.0.0.1:9");
    assert_success(&command.output().unwrap());
}

#[test]
fn equal_source_gives_equal_bytes_wherever_it_and_the_cache_are() {
    let cache = ready();
    let folder = tempfile::tempdir().unwrap();
    let other = own(&folder.path().join("a/cache/elsewhere"));
    let bytes = |cache: &Cache, path: &str| {
        let manifest = new(cache, &folder.path().join(path), "greeter");
        let built = build(cache, &manifest, &Options::default(), &silent).unwrap();
        fs::read(built.path).unwrap()
    };
    let (one, two) = (bytes(&cache, "one"), bytes(&other, "at/a longer/path"));
    assert_eq!(one.len(), two.len());
    assert!(one == two);
    let text = String::from_utf8_lossy(&one);
    for place in [folder.path(), cache.root(), &env::home_dir().unwrap()] {
        assert!(
            !text.contains(&*place.to_string_lossy()),
            "{}",
            place.display()
        );
    }
}

/// `EDGEWIT_BLESS=1` writes the lock file's template anew.
#[test]
fn plain_cargo_finds_the_sdk_and_the_lock_file_fits_it() {
    let cache = ready();
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("greeter");
    new(&cache, &app, "greeter");
    let metadata = |arguments: &[&str]| {
        let mut cargo = Command::new("cargo");
        cargo
            .current_dir(&app)
            .args(["metadata", "--format-version=1"])
            .args(arguments);
        cargo.output().unwrap()
    };
    if env::var_os("EDGEWIT_BLESS").is_some() {
        assert!(metadata(&[]).status.success());
        let lock = fs::read_to_string(app.join("Cargo.lock")).unwrap();
        let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/rust/Cargo.lock.in");
        write(&template, &lock.replace("\"greeter\"", "\"{{name}}\""));
    }
    let output = metadata(&["--locked"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // What is this machine's alone is no part of a repository; the lock file is.
    let ignored = fs::read_to_string(app.join(".gitignore")).unwrap();
    assert_eq!(
        ignored,
        "/target/\n/.cargo/config.toml\n/.edgewit/\n/.env\n"
    );
}

#[test]
fn a_build_writes_the_configuration_of_a_fresh_clone_but_leaves_that_of_others() {
    let cache = ready();
    let folder = tempfile::tempdir().unwrap();
    let manifest = new(&cache, &folder.path().join("app"), "greeter");
    let source = folder.path().join("app/src/lib.rs");
    write(&source, "this does not compile");
    let path = folder.path().join("app/.cargo/config.toml");
    let written = fs::read_to_string(&path).unwrap();
    for (present, wanted) in [
        (None, &*written),
        (
            Some("# Written by `edgewit build`, for another cache\n"),
            &*written,
        ),
        (Some("# mine\n"), "# mine\n"),
    ] {
        fs::remove_file(&path).unwrap();
        if let Some(text) = present {
            write(&path, text);
        }
        build(&cache, &manifest, &Options::default(), &silent).unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), wanted);
    }
}

#[test]
fn bad_names_and_full_folders_are_refused() {
    let cache = Cache::from_env().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let refused = |name: &str| {
        let error = new_app(&cache, folder.path(), name, Language::Rust, &silent).unwrap_err();
        assert!(
            fs::read_dir(folder.path()).unwrap().next().is_none(),
            "{name}"
        );
        error.to_string()
    };
    let letters = "a name is lower-case letters, digits and hyphens, a letter first";
    let long = "a".repeat(65);
    for (name, problem) in [
        ("", letters),
        ("Hello", letters),
        ("9lives", letters),
        ("../up", letters),
        ("hello_world", letters),
        (&*long, "a name is at most 64 characters long"),
        ("match", "Rust uses it itself; `match-app` would do"),
        (
            "edgewit",
            "a package it depends on has it; `edgewit-app` would do",
        ),
    ] {
        assert_eq!(
            refused(name),
            format!("`{name}` can't be an application's name: {problem}")
        );
    }
    write(&folder.path().join("notes.txt"), "");
    let error = new_app(&cache, folder.path(), "greeter", Language::Rust, &silent).unwrap_err();
    assert!(matches!(error, Error::NotEmpty(_)), "{error}");
    // What can't be listed may hold files.
    let file = folder.path().join("notes.txt");
    let error = new_app(&cache, &file, "greeter", Language::Rust, &silent).unwrap_err();
    let reason = format!("can't read {}: ", file.display());
    assert!(error.to_string().starts_with(&reason), "{error}");
}

#[test]
fn the_sdk_is_unpacked_once_by_two_processes_together() {
    if is_again() {
        sdk::unpack_rust(&Cache::from_env().unwrap(), &silent).unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let mut command = again("the_sdk_is_unpacked_once_by_two_processes_together", &[]);
        command.env("EDGEWIT_CACHE", folder.path());
        command
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    for child in [start(), start(), start()] {
        assert_success(&child.wait_with_output().unwrap());
    }
    let cache = Cache::at(folder.path()).unwrap();
    let unpacked = sdk::unpack_rust(&cache, &silent).unwrap();
    let entries = fs::read_dir(unpacked.parent().unwrap()).unwrap();
    let names: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(names, [&*unpacked]);
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk-rust");
    for file in [
        "Cargo.toml",
        "src/lib.rs",
        "macros/Cargo.toml",
        "macros/src/lib.rs",
    ] {
        assert_eq!(
            fs::read(unpacked.join(file)).unwrap(),
            fs::read(checkout.join(file)).unwrap()
        );
    }
}
