//! Rust applications: cargo builds and tests them, with the SDK that this library carries.

mod app;
mod foreign;
mod metadata;
mod sections;
mod standard;
mod toolchain;

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use edgewit_manifest::Manifest;

use crate::pins::RUST_TARGET;
use crate::{Built, Cache, Error, Event, Options, Report, command, module, new, output, sdk};
use sections::Sections;

pub(crate) use app::{App, configuration};
pub(crate) use toolchain::{Compiler, Toolchain, find as find_toolchain};

/// Room for JSON that is nested as deep as `serde_json` takes it, without a further page of memory.
const STACK_BYTES: u32 = 64 * 1024;

pub(crate) fn build(
    cache: &Cache,
    manifest: &Manifest,
    options: &Options,
    report: Report<'_>,
) -> Result<Built, Error> {
    let app = App::open(cache, manifest, report)?;
    let output = output::component_file(&app.source, &app.target, &manifest.name, options)?;
    let toolchain = ready(cache, &app.source, report)?;
    let metadata = app.resolve(&toolchain.compiler, RUST_TARGET, report)?;
    report(Event::Step(&format!("compiling {}", manifest.name)));
    let stack_bytes = manifest.build.stack_bytes.unwrap_or(STACK_BYTES);
    let core = app.compile(&toolchain, &metadata, stack_bytes, report)?;
    for missing in standard::missing(&core)? {
        report(Event::Warning(missing));
    }
    let imports = module::foreign_imports(&core)?;
    if !imports.is_empty() {
        return Err(Error::ForeignImports(foreign::explain(&imports, &metadata)));
    }
    let component = module::component(&core, options.debug, None)?;
    output::write(output, &component)
}

pub(crate) fn test(
    cache: &Cache,
    manifest: &Manifest,
    arguments: &[OsString],
    report: Report<'_>,
) -> Result<(), Error> {
    let app = App::open(cache, manifest, report)?;
    let compiler = match Compiler::active(&app.source) {
        Some(compiler) => compiler,
        None => ready(cache, &app.source, report)?.compiler,
    };
    app.resolve(&compiler, &compiler.host, report)?;
    report(Event::Step(&format!("testing {}", manifest.name)));
    let mut cargo = app.cargo(&compiler, "test");
    cargo.args(["--offline", "--target-dir"]).arg(&app.target);
    cargo.arg("--").args(arguments);
    let sections = Sections::default();
    let status = command::run(cargo, None, &|event| sections.report(event, report))?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::Tests {
            path: app.source,
            tool: "cargo",
            status,
        })
    }
}

/// The toolchain for an application in `folder`, installed if need be.
fn ready(cache: &Cache, folder: &Path, report: Report<'_>) -> Result<Toolchain, Error> {
    if let Some(found) = toolchain::find(cache, folder) {
        return Ok(found);
    }
    let toolchain = toolchain::install(cache, folder, report)?;
    // While there is a network: this build may not need it, the next new application will.
    let _ = fetch(cache, &toolchain.compiler, report);
    Ok(toolchain)
}

/// Installs what any application takes: afterwards a new one is built and tested without a network.
pub(crate) fn prepare(cache: &Cache, report: Report<'_>) -> Result<Toolchain, Error> {
    let toolchain = ready(cache, Path::new("."), report)?;
    fetch(cache, &toolchain.compiler, report)?;
    Ok(toolchain)
}

/// As [`prepare`], with what is there: nothing is installed, and nothing fails.
pub(crate) fn fetch_if_possible(cache: &Cache, folder: &Path, report: Report<'_>) {
    if let Some(found) = toolchain::find(cache, folder) {
        let _ = fetch(cache, &found.compiler, report);
    }
}

/// Downloads what a new application depends on and cargo's folder does not hold: it is not in the cache,
/// and may have been cleared.
fn fetch(cache: &Cache, compiler: &Compiler, report: Report<'_>) -> Result<(), Error> {
    let sdk = sdk::unpack_rust(cache, report)?;
    let _lock = cache.lock(report)?;
    let source = cache.root().join("template");
    // What a process that was ended left behind.
    let _ = fs::remove_dir_all(&source);
    new::write_rust(&source, "app")?;
    let app = App {
        target: source.join("target"),
        source,
        sdk: Some(sdk),
    };
    let fetched = [RUST_TARGET, &compiler.host]
        .into_iter()
        .try_for_each(|target| app.resolve(compiler, target, report).map(drop));
    fs::remove_dir_all(&app.source).map_err(Error::io("delete", &app.source))?;
    fetched
}
