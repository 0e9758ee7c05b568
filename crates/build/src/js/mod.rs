//! JavaScript and TypeScript applications: esbuild bundles them, and an engine that has run their top
//! level is the component.

mod app;
mod pages;
mod snapshot;
mod toolset;

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use edgewit_manifest::Manifest;
use serde_json::json;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};

use crate::{Built, Cache, Error, Event, Found, Options, Report, command, module, output};
use app::App;

pub(crate) use toolset::{by_hand, find, node, npm};

/// How a script ends that has printed what is wrong with the application.
const REFUSED: i32 = 3;

pub(crate) fn build(
    cache: &Cache,
    manifest: &Manifest,
    options: &Options,
    report: Report<'_>,
) -> Result<Built, Error> {
    if manifest.build.stack_bytes.is_some() {
        return Err(Error::Problems(format!(
            "{}: stack-bytes: only a Rust guest has a stack of a size to choose",
            manifest.path.display()
        )));
    }
    let toolset = toolset::ensure(cache, report)?;
    let app = App::open(cache, manifest, &toolset, report)?;
    let output = output::component_file(&app.source, &app.target, &manifest.name, options)?;
    report(Event::Step(&format!("building {}", manifest.name)));
    let mut script = toolset.script("build.mjs");
    script.arg(
        json!({
            "folder": app.source,
            "entry": app.entry(manifest.language)?,
            "stores": manifest.grants.kv.keys().collect::<Vec<_>>(),
            "sdk": app.sdk,
            "engine": toolset.engine(),
            "manifest": manifest.path,
            "memoryBytes": manifest.limits.memory_bytes,
        })
        .to_string(),
    );
    let started = start(script, report)?;
    let (memory, written) = parts(&started)
        .ok_or_else(|| Error::Component("the engine's memory is cut short".to_owned()))?;
    let core = toolset.engine().join("core.wasm");
    let core = fs::read(&core).map_err(Error::io("read", &core))?;
    let core = snapshot::snapshot(&core, memory, &written)?;
    let adapter = (
        WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
        WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
    );
    let component = module::component(&core, options.debug, Some(adapter))?;
    output::write(output, &component)
}

/// The memory, and the pages of it that a request writes to: as `build.mjs` writes them.
fn parts(started: &[u8]) -> Option<(&[u8], Vec<u32>)> {
    let (count, rest) = started.split_first_chunk()?;
    let bytes = (u32::from_le_bytes(*count) as usize).checked_mul(size_of::<u32>())?;
    let (pages, memory) = rest.split_at_checked(bytes)?;
    let (pages, _) = pages.as_chunks();
    Some((
        memory,
        pages.iter().copied().map(u32::from_le_bytes).collect(),
    ))
}

/// Runs the script that builds an application as far as its memory after the top level, and returns what that writes.
/// Errors: `Problems` with what it says is wrong; `Failed` if it breaks itself.
fn start(script: Command, report: Report<'_>) -> Result<Vec<u8>, Error> {
    let problems = RefCell::new(Vec::new());
    let started = command::output(script, &|event| match event {
        Event::Output(line) => match line.strip_prefix("warning: ") {
            Some(warning) => report(Event::Warning(warning)),
            None => problems.borrow_mut().push(line.to_owned()),
        },
        other => report(other),
    });
    let Err(Error::Failed { status, .. }) = started else {
        return started;
    };
    let problems = problems.into_inner();
    if status.code() == Some(REFUSED) {
        return Err(Error::Problems(problems.join("\n")));
    }
    for line in &problems {
        report(Event::Output(line));
    }
    Err(Error::Failed {
        command: "node build.mjs".to_owned(),
        status,
    })
}

pub(crate) fn test(
    cache: &Cache,
    manifest: &Manifest,
    arguments: &[OsString],
    report: Report<'_>,
) -> Result<(), Error> {
    let toolset = toolset::ensure(cache, report)?;
    let app = App::open(cache, manifest, &toolset, report)?;
    report(Event::Step(&format!("testing {}", manifest.name)));
    let mut script = toolset.script("test.mjs");
    let output = app.source.join(".edgewit/test");
    let job = json!({ "folder": app.source, "sdk": app.sdk, "output": output });
    script.arg(job.to_string()).args(arguments);
    let status = command::run(script, None, report)?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Tests {
        path: app.source,
        tool: "node",
        status,
    })
}

/// The files that say how TypeScript checks an application, and its tests where those have one.
const TSCONFIGS: [&str; 2] = ["tsconfig.json", "test/tsconfig.json"];

pub(crate) fn types(cache: &Cache, manifest: &Manifest, report: Report<'_>) -> Result<(), Error> {
    let toolset = toolset::ensure(cache, report)?;
    let app = App::open(cache, manifest, &toolset, report)?;
    report(Event::Step(&format!(
        "checking the types of {}",
        manifest.name
    )));
    for config in TSCONFIGS {
        if !app.source.join(config).is_file() {
            continue;
        }
        let mut tsc = toolset.tsc();
        tsc.args(["--noEmit", "--pretty", "false", "--project", config])
            .current_dir(&app.source);
        let status = command::run(tsc, None, report)?;
        if !status.success() {
            return Err(Error::Compile {
                path: app.source,
                tool: "tsc",
                status,
            });
        }
    }
    Ok(())
}

/// Puts into the new application in `folder` what its build would, if Node is there; without it or a
/// network the first build does.
pub(crate) fn prepare_if_possible(cache: &Cache, folder: &Path, report: Report<'_>) {
    if let (Ok(manifest), Ok(toolset)) = (Manifest::read(folder), toolset::ensure(cache, report)) {
        let _ = App::open(cache, &manifest, &toolset, report);
    }
}

/// Installs what any application takes: afterwards one that depends on nothing else is built and tested
/// without a network.
pub(crate) fn prepare(cache: &Cache, report: Report<'_>) -> Result<Found, Error> {
    let toolset = toolset::ensure(cache, report)?;
    toolset::unpack_sdk(cache, &toolset, report)?;
    Ok(toolset.found())
}
