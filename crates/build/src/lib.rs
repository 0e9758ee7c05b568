//! Turns an application folder (`edge.toml`) into a component, runs its tests, writes new ones, and
//! finds or installs the toolchains that this takes.
//!
//! Nothing here prints: what happens goes to the caller's [`Report`]. Whatever is kept lies in the
//! [`Cache`]; one variable, `EDGEWIT_CACHE`, moves it all. What package managers download lies where
//! they keep it, cargo in `CARGO_HOME` and npm in its cache, and is downloaded again where it was cleared.
//!
//! ```no_run
//! use edgewit_build::{Cache, Event, Options};
//!
//! let manifest = edgewit_manifest::Manifest::read("hello".as_ref())?;
//! let report = |event: Event<'_>| eprintln!("{event:?}");
//! let built = edgewit_build::build(&Cache::from_env()?, &manifest, &Options::default(), &report)?;
//! println!("{} ({} bytes)", built.path.display(), built.bytes);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod c;
mod cache;
mod command;
mod error;
mod files;
mod fnv;
mod install;
mod js;
mod module;
mod new;
mod output;
mod pins;
mod report;
mod rust;
pub mod sdk;
mod zig;

use std::ffi::OsString;
use std::path::PathBuf;

use edgewit_manifest::{Language, Manifest};

pub use c::build_c;
pub use cache::{Cache, Lock};
pub use error::{Error, ForeignImport};
pub use install::{Found, Tool, ToolStatus, apt, doctor, ensure};
pub use new::new_app;
pub use report::{Event, Report};

/// How an application is built.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Keeps the names of functions and the lines they are from, so that a trap shows them. The code is
    /// the same as without.
    pub debug: bool,
    /// The file to write, instead of `target/edgewit/NAME.wasm` (with `debug`: `NAME.debug.wasm`) in
    /// the source folder. Relative to the current folder.
    pub output: Option<PathBuf>,
}

/// A component that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Where it is, absolute.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
}

/// Builds the component of an application; a toolchain that is missing is installed first.
///
/// Equal source, lock file and toolchain give equal bytes, wherever the source folder, the cache and
/// the output are: paths in the component are relative or stand-ins (`/cargo`, `/edgewit`, `/rustc`).
/// Packages that the application names by a path outside of its folder are the exception: where they
/// lie is part of their names.
/// The output is replaced in one step; a failed build leaves the old one as it was.
/// Errors: `Compile` if the compiler refuses the source (what it said was reported as
/// [`Event::Output`]), `Problems` if what builds JavaScript does; `Dependencies`; `ForeignImports`, `NoHandler` and `Component` if the result
/// would run on no host; `Missing` and the others if the toolchain can't be had.
pub fn build(
    cache: &Cache,
    manifest: &Manifest,
    options: &Options,
    report: Report<'_>,
) -> Result<Built, Error> {
    match manifest.language {
        Language::Rust => rust::build(cache, manifest, options, report),
        Language::JavaScript | Language::TypeScript => js::build(cache, manifest, options, report),
        other => Err(Error::Language(other)),
    }
}

/// Runs an application's own tests, in its language's test runner, on this machine.
/// The runner is told `arguments`, and what it says is reported as [`Event::Output`].
/// Errors: `Tests` if one fails or they do not compile; `Dependencies`; `Missing` and the others if
/// the toolchain can't be had.
pub fn test(
    cache: &Cache,
    manifest: &Manifest,
    arguments: &[OsString],
    report: Report<'_>,
) -> Result<(), Error> {
    match manifest.language {
        Language::Rust => rust::test(cache, manifest, arguments, report),
        Language::JavaScript | Language::TypeScript => js::test(cache, manifest, arguments, report),
        other => Err(Error::Language(other)),
    }
}

/// Writes the types of what an application in JavaScript or TypeScript is granted, so that editors know
/// its stores, and checks its types where it has a `tsconfig.json`.
/// Errors: `Compile` if the types are wrong (what TypeScript said was reported as [`Event::Output`]);
/// `NoTypes` for other languages; `Dependencies`; `Missing` and the others if the toolchain can't be had.
pub fn types(cache: &Cache, manifest: &Manifest, report: Report<'_>) -> Result<(), Error> {
    match manifest.language {
        Language::JavaScript | Language::TypeScript => js::types(cache, manifest, report),
        other => Err(Error::NoTypes(other)),
    }
}
