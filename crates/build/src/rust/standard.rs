//! The standard library of guests: built from a compiler's own source, once, and what is missing in it.

use std::fs;

use super::toolchain::{Compiler, guest_library};
use crate::command::{self, clean};
use crate::pins::RUST_TARGET;
use crate::{Cache, Error, Event, Report, files, module};

/// The package that is built to have the library built: it holds nothing.
const PACKAGE: &str = "\
[package]
name = \"nothing\"
version = \"0.0.0\"
edition = \"2024\"

[workspace]
";

/// Builds the library for `compiler` into the cache. The caller holds the cache's lock.
pub(super) fn build(cache: &Cache, compiler: &Compiler, report: Report<'_>) -> Result<(), Error> {
    report(Event::Step(
        "building the standard library for wasm, once, which takes a minute",
    ));
    let sysroot = compiler.cached_sysroot(cache);
    files::publish(&sysroot, |folder| {
        let work = folder.join("build");
        files::write(&work.join("Cargo.toml"), PACKAGE.as_bytes())?;
        files::write(&work.join("src/lib.rs"), b"#![no_std]\n")?;
        compile(compiler, &work, report)?;
        let library = guest_library(folder);
        files::create_folder(&library)?;
        let built = work.join("target").join(RUST_TARGET).join("release/deps");
        for entry in fs::read_dir(&built)
            .map_err(Error::io("read", &built))?
            .flatten()
        {
            let name = entry.file_name();
            let text = name.to_string_lossy();
            if text.ends_with(".rlib") && !text.starts_with("libnothing-") {
                let to = library.join(&name);
                fs::rename(entry.path(), &to).map_err(Error::io("write", &to))?;
            }
        }
        fs::remove_dir_all(&work).map_err(Error::io("delete", &work))
    })
}

/// What a panic of the standard library says, or where it is, when it is asked for what this target has
/// not, and what to use instead. The text is among a module's data only if something in it may call that
/// function, a dependency included.
const MISSING: [(&str, &str); 2] = [
    (
        "time not implemented on this platform",
        "the application, or a package it depends on, calls now() of std::time::Instant or SystemTime, \
         which panics where it is served; edgewit::time has both under the same names",
    ),
    (
        "library/std/src/sys/thread/unsupported.rs",
        "the application, or a package it depends on, calls std::thread::sleep, which panics where it is \
         served; edgewit::time::sleep waits",
    ),
];

/// A line for each function of the standard library that `core` may call and that panics on this target:
/// the application's own tests, on this machine, have it.
pub(super) fn missing(core: &[u8]) -> Result<Vec<&'static str>, Error> {
    let data = module::data(core)?;
    let has = |text: &str| data.windows(text.len()).any(|it| it == text.as_bytes());
    let missing = MISSING.iter().filter(|(text, _)| has(text));
    Ok(missing.map(|(_, instead)| *instead).collect())
}

fn compile(compiler: &Compiler, work: &std::path::Path, report: Report<'_>) -> Result<(), Error> {
    let mut command = clean(&compiler.cargo);
    command.current_dir(work);
    if let Some(rustc) = &compiler.rustc {
        command.env("RUSTC", rustc);
    }
    // `-Zbuild-std` is not stable; the distribution's compiler and source are of one version.
    command.env("RUSTC_BOOTSTRAP", "1");
    command.args([
        "build",
        "--release",
        "--target",
        RUST_TARGET,
        "--target-dir",
        "target",
    ]);
    command.arg("-Zbuild-std=std,panic_abort");
    let source = compiler.library_source().unwrap_or_default();
    let vendor = fs::canonicalize(source.join("vendor"));
    if let Ok(vendor) = &vendor {
        // With the library's own dependencies beside it, nothing is downloaded.
        command
            .arg("--config")
            .arg("source.crates-io.replace-with='vendored'");
        command
            .arg("--config")
            .arg(format!("source.vendored.directory='{}'", vendor.display()));
        command.arg("--offline");
    }
    // Link-time optimisation of guests needs the bitcode that cargo would leave out here.
    let mut flags = vec!["-Cembed-bitcode=yes".to_owned()];
    let (from, to) = compiler.source_remap();
    let canonical = fs::canonicalize(&from).ok();
    for folder in [Some(from), canonical].into_iter().flatten() {
        flags.push(format!("--remap-path-prefix={}={to}", folder.display()));
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    command::succeed(command, None, report)
}
