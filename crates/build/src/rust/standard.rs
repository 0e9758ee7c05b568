//! Building the standard library of guests from a compiler's own source, once.

use std::fs;

use super::toolchain::{Compiler, guest_library};
use crate::command::{self, clean};
use crate::pins::RUST_TARGET;
use crate::{Cache, Error, Event, Report, files};

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
