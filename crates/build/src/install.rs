use std::fs;
use std::path::{Path, PathBuf};

use edgewit_manifest::Language;

use crate::command::{self, clean, which};
use crate::pins::{
    CC_DEBIAN, CHROMIUM_DEBIAN, CHROMIUM_PROGRAMS, CURL_DEBIAN, RUST_TARGET, XMLLINT_DEBIAN,
};
use crate::rust::{Compiler, find_toolchain, prepare};
use crate::{Cache, Error, Event, Report, js, zig};

/// Something that [`ensure`] finds or installs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tool {
    /// All that building and testing Rust applications takes: a compiler with a standard library
    /// for guests, and the SDK's own dependencies.
    Rust,
    /// All that building and testing applications in JavaScript and TypeScript takes, but for Node, which
    /// has to be there.
    JavaScript,
    /// A browser, for Edgewit's own tests.
    Chromium,
    /// Checks XML against a schema, for Edgewit's own tests.
    Xmllint,
    /// A client of HTTP/1.1 and HTTP/2, for Edgewit's own tests.
    Curl,
    /// A compiler for C, for Edgewit's own tests.
    Zig,
}

/// A tool that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its version, as it tells it; empty if it was not asked.
    pub version: String,
    /// The program, or the folder for what is not one.
    pub path: PathBuf,
}

/// A line of [`doctor`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolStatus {
    /// What it is called.
    pub tool: &'static str,
    /// What does not work without it.
    pub needed_for: &'static str,
    /// The languages whose applications take it; empty for what Edgewit's own tests take.
    pub languages: &'static [Language],
    /// Whether the first build installs it.
    pub comes_with_build: bool,
    /// Where it is, or what to do to have it.
    pub found: Result<Found, String>,
}

impl ToolStatus {
    /// Whether applications in `language` can't be built and tested as long as nobody installs it.
    pub fn keeps_from(&self, language: Language) -> bool {
        self.found.is_err() && !self.comes_with_build && self.languages.contains(&language)
    }
}

/// Finds a tool, and installs it where it is missing. One process installs at a time.
/// Errors: `Missing`, with what to do, if it can't be had here; `Failed`, `TimedOut`, `Start`, `Io`
/// if installing it failed; what the installing programs said was reported.
pub fn ensure(cache: &Cache, tool: Tool, report: Report<'_>) -> Result<Found, Error> {
    match tool {
        Tool::Rust => {
            let toolchain = prepare(cache, report)?;
            let path = toolchain.sysroot.unwrap_or(toolchain.compiler.sysroot);
            Ok(Found {
                version: toolchain.compiler.version,
                path,
            })
        }
        Tool::JavaScript => js::prepare(cache, report),
        Tool::Chromium => from_debian(cache, &CHROMIUM_DEBIAN, chromium, report),
        Tool::Xmllint => from_debian(cache, &XMLLINT_DEBIAN, xmllint, report),
        Tool::Curl => from_debian(cache, &CURL_DEBIAN, curl, report),
        Tool::Zig => zig::ensure(cache, report),
    }
}

/// Finds what `packages` bring, and installs them where it is missing.
fn from_debian(
    cache: &Cache,
    packages: &[&str],
    find: fn() -> Option<Found>,
    report: Report<'_>,
) -> Result<Found, Error> {
    if let Some(found) = find() {
        return Ok(found);
    }
    let _lock = cache.lock(report)?;
    apt(packages, report)?;
    find().ok_or_else(|| missing(packages))
}

/// What is there and what is missing, in under a second. Nothing is installed or written.
pub fn doctor(cache: &Cache) -> Vec<ToolStatus> {
    let mut all = rust(cache);
    all.extend(javascript(cache));
    all.extend(own(cache));
    all
}

fn rust(cache: &Cache) -> Vec<ToolStatus> {
    let here = Path::new(".");
    let status = |tool, needed_for, found| ToolStatus {
        tool,
        needed_for,
        languages: &[Language::Rust],
        comes_with_build: false,
        found,
    };
    let compiler = Compiler::active(here)
        .map(|compiler| Found {
            version: compiler.version,
            path: compiler.sysroot,
        })
        .ok_or_else(|| "install Rust with rustup: https://rustup.rs".to_owned())
        .and_then(new_enough);
    let library = find_toolchain(cache, here)
        .map(|found| Found {
            version: found.compiler.version,
            path: found.sysroot.unwrap_or(found.compiler.sysroot),
        })
        .ok_or_else(|| {
            format!("the first build installs it; else run `rustup target add {RUST_TARGET}`")
        });
    let linker = which("cc")
        .map(|path| Found {
            version: String::new(),
            path,
        })
        .ok_or_else(|| install_command(&CC_DEBIAN));
    vec![
        status("rust", "testing Rust applications", compiler),
        ToolStatus {
            comes_with_build: true,
            ..status(
                "rust std for wasm32-unknown-unknown",
                "building Rust applications",
                library,
            )
        },
        status("cc", "testing Rust applications, as their linker", linker),
    ]
}

fn javascript(cache: &Cache) -> Vec<ToolStatus> {
    let status = |tool, found| ToolStatus {
        tool,
        needed_for: "building and testing applications in JavaScript and TypeScript",
        languages: &[Language::JavaScript, Language::TypeScript],
        comes_with_build: false,
        found,
    };
    vec![
        status("node", js::node()),
        status("npm", js::npm()),
        ToolStatus {
            comes_with_build: true,
            ..status("componentize-js", js::find(cache).ok_or_else(js::by_hand))
        },
    ]
}

fn own(cache: &Cache) -> Vec<ToolStatus> {
    let status = |tool, needed_for, found| ToolStatus {
        tool,
        needed_for,
        languages: &[],
        comes_with_build: false,
        found,
    };
    vec![
        status(
            "chromium",
            "Edgewit's own tests of the demo's page; no application needs it",
            chromium().ok_or_else(|| install_command(&CHROMIUM_DEBIAN)),
        ),
        status(
            "xmllint",
            "Edgewit's own tests of reports; no application needs it",
            xmllint().ok_or_else(|| install_command(&XMLLINT_DEBIAN)),
        ),
        status(
            "curl",
            "Edgewit's own tests of its server; no application needs it",
            curl().ok_or_else(|| install_command(&CURL_DEBIAN)),
        ),
        status(
            "zig",
            "Edgewit's own tests of bindings for C; no application needs it",
            zig::find(cache).ok_or_else(zig::by_hand),
        ),
    ]
}

/// The oldest Rust that compiles the SDK.
const RUST_OLDEST: &str = env!("CARGO_PKG_RUST_VERSION");

fn new_enough(found: Found) -> Result<Found, String> {
    let numbers = |version: &str| -> Vec<u32> {
        let parts = version.split(['.', '-']);
        parts.map_while(|part| part.parse().ok()).collect()
    };
    match numbers(&found.version) >= numbers(RUST_OLDEST) {
        true => Ok(found),
        false => Err(format!(
            "Rust {} is older than {RUST_OLDEST}, which the SDK takes; run `rustup update stable`",
            found.version
        )),
    }
}

/// Installs packages with apt-get; those that are installed already are left alone. The caller holds
/// the cache's lock.
/// Errors: `Missing`, with the exact command, if there is no apt-get or it takes root to run it;
/// `Failed` if it fails.
pub fn apt(packages: &[&str], report: Report<'_>) -> Result<(), Error> {
    let absent: Vec<&str> = packages.iter().copied().filter(|it| !apt_has(it)).collect();
    if absent.is_empty() {
        return Ok(());
    }
    if which("apt-get").is_none() || !is_root() {
        return Err(missing(&absent));
    }
    report(Event::Step(&format!(
        "installing {} with apt-get",
        absent.join(", ")
    )));
    // Lists that can't be renewed may still be good enough.
    let _ = command::succeed(apt_get(&["update"]), None, report);
    let mut install = apt_get(&["install", "-y", "--no-install-recommends"]);
    install.args(&absent);
    command::succeed(install, None, report)
}

fn apt_get(arguments: &[&str]) -> std::process::Command {
    let mut command = clean("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command.args([
        "-q",
        "-o",
        "DPkg::Lock::Timeout=300",
        "-o",
        "Acquire::Retries=1",
    ]);
    command
        .args(["-o", "Acquire::http::Timeout=30"])
        .args(arguments);
    command
}

fn apt_has(package: &str) -> bool {
    let mut query = clean("dpkg-query");
    query.args(["-W", "-f=${db:Status-Status}", package]);
    command::output(query, &|_| {}).is_ok_and(|status| status == b"installed")
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn install_command(packages: &[&str]) -> String {
    format!("run `sudo apt-get install {}`", packages.join(" "))
}

fn missing(packages: &[&str]) -> Error {
    Error::Missing {
        what: packages.join(", "),
        remedy: install_command(packages),
    }
}

fn xmllint() -> Option<Found> {
    Some(Found {
        version: String::new(),
        path: which("xmllint")?,
    })
}

/// One that speaks HTTP/2: not every build does.
fn curl() -> Option<Found> {
    let path = which("curl")?;
    let mut ask = clean(&path);
    ask.arg("--version");
    let said = String::from_utf8(command::output(ask, &|_| {}).ok()?).ok()?;
    let has_http2 = said.split_whitespace().any(|feature| feature == "HTTP2");
    let version = said.split(' ').nth(1)?.to_owned();
    has_http2.then_some(Found { version, path })
}

fn chromium() -> Option<Found> {
    let path = CHROMIUM_PROGRAMS
        .iter()
        .find_map(|program| which(program))?;
    // Asking a browser for its version takes longer than all else together.
    Some(Found {
        version: String::new(),
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_compiler_is_told() {
        let found = |version: &str| {
            new_enough(Found {
                version: version.to_owned(),
                path: PathBuf::new(),
            })
        };
        for version in ["1.95.0", "1.95.1", "1.100.0", "2.0.0", "1.96.0-nightly"] {
            assert!(found(version).is_ok(), "{version}");
        }
        for version in ["1.94.9", "1.9.0", "0.99.0"] {
            let error = found(version).unwrap_err();
            assert!(
                error.starts_with(&format!("Rust {version} is older than 1.95")),
                "{error}"
            );
        }
    }
}
