use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use edgewit_manifest::Language;

use crate::{Cache, Error, Report, files, js, rust, sdk};

/// The files of a new Rust application, with [`PLACEHOLDER`] for its name.
const RUST: [(&str, &str); 6] = [
    (
        "Cargo.toml",
        include_str!("../templates/rust/Cargo.toml.in"),
    ),
    ("Cargo.lock", LOCK),
    ("edge.toml", include_str!("../templates/rust/edge.toml.in")),
    ("src/lib.rs", include_str!("../templates/rust/src/lib.rs")),
    (".gitignore", include_str!("../templates/rust/gitignore.in")),
    ("README.md", include_str!("../templates/rust/README.md.in")),
];

/// The files of a new application in JavaScript or TypeScript that are the same in both.
const NPM: [(&str, &str); 4] = [
    (
        "package.json",
        include_str!("../templates/npm/package.json.in"),
    ),
    (
        "package-lock.json",
        include_str!("../templates/npm/package-lock.json.in"),
    ),
    (
        "test/tsconfig.json",
        include_str!("../templates/npm/test-tsconfig.json"),
    ),
    (".gitignore", include_str!("../templates/npm/gitignore.in")),
];

const TYPESCRIPT: [(&str, &str); 5] = [
    ("edge.toml", include_str!("../templates/ts/edge.toml.in")),
    ("src/main.ts", include_str!("../templates/ts/src/main.ts")),
    (
        "test/main.test.ts",
        include_str!("../templates/ts/test/main.test.ts"),
    ),
    (
        "tsconfig.json",
        include_str!("../templates/ts/tsconfig.json"),
    ),
    ("README.md", include_str!("../templates/ts/README.md.in")),
];

/// Types are checked here, too.
const JAVASCRIPT: [(&str, &str); 5] = [
    ("edge.toml", include_str!("../templates/js/edge.toml.in")),
    ("src/main.js", include_str!("../templates/js/src/main.js")),
    (
        "test/main.test.js",
        include_str!("../templates/js/test/main.test.js"),
    ),
    (
        "tsconfig.json",
        include_str!("../templates/js/tsconfig.json"),
    ),
    ("README.md", include_str!("../templates/js/README.md.in")),
];

/// Which versions of its dependencies it is built with.
const LOCK: &str = include_str!("../templates/rust/Cargo.lock.in");

/// What stands for an application's name in a template.
const PLACEHOLDER: &str = "{{name}}";

/// Names that a package can't have as a library: keywords, what the compiler brings, and cargo's own
/// folders.
const RESERVED: &str = "abstract alloc as async await become box break build const continue core \
    crate deps do dyn else enum examples extern false final fn for gen if impl in let loop macro \
    match mod move mut override priv proc-macro pub ref return self static std struct super test \
    trait true try type typeof union unsafe unsized use virtual where while yield";

/// Writes a new application into `folder`, which is created or empty, and returns the path of its
/// `edge.toml`. It greets, counts visits in a store, and has a test.
///
/// What it depends on is downloaded if a compiler, or Node, is there and that was not done yet; without
/// a network the first build will do it.
/// Errors: `Name`, `NotEmpty`, `Language`; `Io` if it can't be written.
pub fn new_app(
    cache: &Cache,
    folder: &Path,
    name: &str,
    language: Language,
    report: Report<'_>,
) -> Result<PathBuf, Error> {
    check_name(name, language)?;
    match fs::read_dir(folder) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(Error::NotEmpty(folder.to_owned()));
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        // What can't be listed may hold files.
        Err(error) => return Err(Error::io("read", folder)(error)),
    }
    match language {
        Language::Rust => {
            let sdk = sdk::unpack_rust(cache, report)?;
            write_rust(folder, name)?;
            let configuration = rust::configuration(&sdk);
            files::write(&folder.join(".cargo/config.toml"), configuration.as_bytes())?;
            rust::fetch_if_possible(cache, folder, report);
        }
        Language::JavaScript | Language::TypeScript => {
            let files = match language {
                Language::TypeScript => &TYPESCRIPT,
                _ => &JAVASCRIPT,
            };
            for (path, template) in files.iter().chain(&NPM) {
                let text = template.replace(PLACEHOLDER, name);
                files::write(&folder.join(path), text.as_bytes())?;
            }
            js::prepare_if_possible(cache, folder, report);
        }
        other => return Err(Error::Language(other)),
    }
    Ok(folder.join(edgewit_manifest::FILE_NAME))
}

/// Writes the files of a new Rust application that are the same on every machine.
pub(crate) fn write_rust(folder: &Path, name: &str) -> Result<(), Error> {
    for (path, template) in RUST {
        let text = match path {
            "Cargo.lock" => rename_in_lock(template, name),
            _ => template.replace(PLACEHOLDER, name),
        };
        files::write(&folder.join(path), text.as_bytes())?;
    }
    Ok(())
}

/// The lock file with the application's entry under its name, in its place: cargo would move it, and
/// `--locked` forbids that.
fn rename_in_lock(lock: &str, name: &str) -> String {
    let renamed = lock.replace(PLACEHOLDER, name);
    let mut parts = renamed.split("[[package]]\n").map(str::trim_end);
    let head = parts.next().unwrap_or_default().to_owned();
    let mut packages: Vec<&str> = parts.collect();
    packages.sort_by_key(|package| package.lines().next());
    packages.iter().fold(head, |text, package| {
        format!("{text}\n\n[[package]]\n{package}")
    }) + "\n"
}

fn check_name(name: &str, language: Language) -> Result<(), Error> {
    let refuse = |problem: String| {
        Err(Error::Name {
            name: name.to_owned(),
            problem,
        })
    };
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(allowed) {
        return refuse(
            "a name is lower-case letters, digits and hyphens, a letter first".to_owned(),
        );
    }
    if name.len() > 64 {
        return refuse("a name is at most 64 characters long".to_owned());
    }
    if language != Language::Rust {
        return Ok(());
    }
    if RESERVED.split_whitespace().any(|it| it == name) {
        return refuse(format!("Rust uses it itself; `{name}-app` would do"));
    }
    if LOCK.contains(&format!("name = \"{name}\"\n")) {
        return refuse(format!(
            "a package it depends on has it; `{name}-app` would do"
        ));
    }
    Ok(())
}
