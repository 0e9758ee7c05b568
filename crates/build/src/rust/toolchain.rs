//! Which compiler, standard library and linker build a Rust guest.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::standard;
use crate::command::{self, clean, which};
use crate::pins::{LINKER_DEBIAN, LINKER_DEBIAN_PROGRAM, RUST_DEBIAN, RUST_TARGET};
use crate::{Cache, Error, Event, Report, install};

/// A download of some 25 MB; without a network rustup itself tries for longer.
const RUSTUP_LIMIT: Duration = Duration::from_secs(180);

/// Where Debian puts its compiler; the active one may be another's.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// A compiler, with or without a standard library for guests.
#[derive(Debug, Clone)]
pub(crate) struct Compiler {
    /// `None` for the active one, which cargo finds by itself.
    pub(super) rustc: Option<PathBuf>,
    pub(super) cargo: PathBuf,
    /// Such as `1.95.0`.
    pub(crate) version: String,
    /// The commit it was built from, `unknown` if it does not say.
    commit: String,
    pub(super) host: String,
    pub(crate) sysroot: PathBuf,
    guest_library: PathBuf,
}

/// All that compiles a guest.
#[derive(Debug, Clone)]
pub(crate) struct Toolchain {
    pub(crate) compiler: Compiler,
    /// The one with the guest's standard library, if that is not the compiler's own.
    pub(crate) sysroot: Option<PathBuf>,
    /// `None` for the one that the compiler finds.
    pub(super) linker: Option<PathBuf>,
}

impl Compiler {
    /// The compiler that is active in `folder`.
    pub(crate) fn active(folder: &Path) -> Option<Self> {
        Self::probe(None, PathBuf::from("cargo"), folder)
    }

    /// Debian's.
    pub(super) fn debian() -> Option<Self> {
        let rustc = Path::new(DEBIAN_RUSTC);
        Self::probe(
            Some(rustc.to_owned()),
            rustc.with_file_name("cargo"),
            Path::new("/"),
        )
    }

    /// Those present, in the order of preference.
    fn all(folder: &Path) -> Vec<Self> {
        let mut all: Vec<_> = Self::active(folder).into_iter().collect();
        all.extend(Self::debian().filter(|it| all.iter().all(|seen| seen.sysroot != it.sysroot)));
        all
    }

    fn probe(rustc: Option<PathBuf>, cargo: PathBuf, folder: &Path) -> Option<Self> {
        let ask = |arguments: &[&str]| {
            let mut command = clean(rustc.as_deref().unwrap_or(Path::new("rustc")));
            command.current_dir(folder).args(arguments);
            String::from_utf8(command::output(command, &|_| {}).ok()?).ok()
        };
        let about = ask(&["-vV"])?;
        let value = |key| {
            about
                .lines()
                .find_map(|line| line.strip_prefix(key))
                .map(str::to_owned)
        };
        let paths = ask(&[
            "--target",
            RUST_TARGET,
            "--print",
            "sysroot",
            "--print",
            "target-libdir",
        ])?;
        let mut paths = paths.lines().map(PathBuf::from);
        Some(Self {
            version: value("release: ")?,
            commit: value("commit-hash: ").unwrap_or_else(|| "unknown".to_owned()),
            host: value("host: ")?,
            sysroot: paths.next()?,
            guest_library: paths.next()?,
            rustc,
            cargo,
        })
    }

    /// The folder that paths of the standard library begin with in what this compiler makes, and
    /// the one they begin with where the library's source is installed.
    pub(super) fn source_remap(&self) -> (PathBuf, String) {
        (
            self.sysroot.join("lib/rustlib/src/rust"),
            format!("/rustc/{}", self.commit),
        )
    }

    /// The source of the standard library, if it is installed.
    pub(super) fn library_source(&self) -> Option<PathBuf> {
        let folder = self.sysroot.join("lib/rustlib/src/rust/library");
        folder.join("std/Cargo.toml").is_file().then_some(folder)
    }

    /// Where a standard library built for this compiler is kept.
    pub(super) fn cached_sysroot(&self, cache: &Cache) -> PathBuf {
        let commit = self.commit.get(..9).unwrap_or(&self.commit);
        cache
            .root()
            .join("rust")
            .join(format!("{}-{commit}", self.version))
    }

    fn bundled_linker(&self) -> PathBuf {
        self.sysroot
            .join("lib/rustlib")
            .join(&self.host)
            .join("bin/rust-lld")
    }

    /// This compiler with what `cache` holds for it, if it can compile guests.
    fn toolchain(&self, cache: &Cache, linker: Option<PathBuf>) -> Option<Toolchain> {
        if has_std(&self.guest_library) {
            return Some(Toolchain {
                compiler: self.clone(),
                sysroot: None,
                linker: None,
            });
        }
        let sysroot = self.cached_sysroot(cache);
        let built = has_std(&guest_library(&sysroot));
        built.then_some(Toolchain {
            compiler: self.clone(),
            sysroot: Some(sysroot),
            linker: Some(linker?),
        })
    }
}

/// Where a sysroot keeps the guest's standard library.
pub(super) fn guest_library(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib").join(RUST_TARGET).join("lib")
}

/// rustc names a library's folder whether it is there or not.
fn has_std(library: &Path) -> bool {
    let entries = fs::read_dir(library).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with("libstd-") && name.ends_with(".rlib")
    })
}

/// A linker for wasm: of one of the compilers, or from the path.
fn linker(compilers: &[Compiler]) -> Option<PathBuf> {
    let bundled = compilers
        .iter()
        .map(Compiler::bundled_linker)
        .find(|file| file.is_file());
    bundled.or_else(|| {
        ["rust-lld", LINKER_DEBIAN_PROGRAM, "wasm-ld"]
            .iter()
            .find_map(|it| which(it))
    })
}

/// What is there already for an application in `folder`; installs nothing.
pub(crate) fn find(cache: &Cache, folder: &Path) -> Option<Toolchain> {
    let compilers = Compiler::all(folder);
    let linker = linker(&compilers);
    compilers
        .iter()
        .find_map(|compiler| compiler.toolchain(cache, linker.clone()))
}

/// Installs what is not there for an application in `folder`: by rustup, else by building the standard
/// library from the source beside a compiler, Debian's if there is no other.
pub(super) fn install(
    cache: &Cache,
    folder: &Path,
    report: Report<'_>,
) -> Result<Toolchain, Error> {
    let _lock = cache.lock(report)?;
    if let Some(found) = find(cache, folder) {
        return Ok(found);
    }
    if which("rustup").is_some() {
        // The next way is tried whatever the reason; what rustup said was reported.
        let _ = add_target(folder, report);
        if let Some(found) = find(cache, folder) {
            return Ok(found);
        }
    }
    let buildable = |compilers: Vec<Compiler>| {
        linker(&compilers)?;
        compilers
            .into_iter()
            .find(|compiler| compiler.library_source().is_some())
    };
    let compiler = match buildable(Compiler::all(folder)) {
        Some(compiler) => compiler,
        None => {
            install_debian(folder, report)?;
            buildable(Compiler::all(folder)).ok_or_else(missing)?
        }
    };
    standard::build(cache, &compiler, report)?;
    find(cache, folder).ok_or_else(missing)
}

fn add_target(folder: &Path, report: Report<'_>) -> Result<(), Error> {
    let mut command = clean("rustup");
    command
        .current_dir(folder)
        .args(["target", "add", RUST_TARGET]);
    if env::var_os("RUSTUP_MAX_RETRIES").is_none() {
        // Where there is no network, there is another way, or a clear answer.
        command.env("RUSTUP_MAX_RETRIES", "0");
    }
    report(Event::Step(
        "installing the standard library for wasm with rustup",
    ));
    command::succeed(command, Some(RUSTUP_LIMIT), report)
}

fn install_debian(folder: &Path, report: Report<'_>) -> Result<(), Error> {
    let mut packages = RUST_DEBIAN.to_vec();
    if linker(&Compiler::all(folder)).is_none() {
        packages.push(LINKER_DEBIAN);
    }
    match install::apt(&packages, report) {
        Err(Error::Missing { remedy, .. }) => Err(missing_with(&format!(", or {remedy}"))),
        other => other,
    }
}

fn missing() -> Error {
    missing_with("")
}

fn missing_with(alternative: &str) -> Error {
    Error::Missing {
        what: format!("Rust's standard library for {RUST_TARGET}"),
        remedy: format!("run `rustup target add {RUST_TARGET}`{alternative}"),
    }
}
