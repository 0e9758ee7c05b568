//! Guests in C, on generated bindings alone: Edgewit's own tests have one.

use std::fs;
use std::path::{Path, PathBuf, absolute};
use std::process::Command;

use crate::command::{self, clean};
use crate::{Built, Cache, Error, Event, Report, files, module, output, zig};

/// The stack of a guest. It lies first in memory, so that what outgrows it is a trap.
const STACK_BYTES: u32 = 64 * 1024;

/// Builds the component of a guest in C, with Zig's compiler, which is installed where it is missing.
///
/// `folder` holds the source files (`.c`, and `.s` of generated bindings), in itself and in folders one level below;
/// its `libc` the headers of what it has of a C library: nothing else is linked. The component goes to `output`,
/// relative to the current folder, and what is compiled on the way into a folder beside it.
/// Errors: `Failed` if the compiler or the linker refuses a file (what it said was reported as [`Event::Output`]);
/// `NoHandler` and `Component` if the result would run on no host; `Missing` and the others if Zig can't be had.
pub fn build_c(
    cache: &Cache,
    folder: &Path,
    output: &Path,
    report: Report<'_>,
) -> Result<Built, Error> {
    let zig = zig::ensure(cache, report)?.path;
    let output = absolute(output).map_err(Error::io("find", output))?;
    report(Event::Step(&format!("compiling {}", folder.display())));
    let objects = output.with_extension("objects");
    files::create_folder(&objects)?;
    let start = || {
        let mut command = clean(&zig);
        let kept = cache.root().join("zig/objects");
        command
            .env("ZIG_GLOBAL_CACHE_DIR", &kept)
            .env("ZIG_LOCAL_CACHE_DIR", &kept);
        command
    };

    let core = objects.join("core.wasm");
    let mut link = start();
    link.args(["wasm-ld", "--no-entry", "--stack-first", "--strip-debug"])
        .args(["-z", &format!("stack-size={STACK_BYTES}")])
        .args(["--export=__heap_base", "-o"])
        .arg(&core);
    for source in sources(folder)? {
        let object = objects.join(object_name(folder, &source));
        command::succeed(compile(start(), folder, &source, &object), None, report)?;
        link.arg(object);
    }
    command::succeed(link, None, report)?;

    let module = fs::read(&core).map_err(Error::io("read", &core))?;
    let component = module::component(&module, false, None)?;
    output::write(output, &component)
}

fn compile(mut zig: Command, folder: &Path, source: &Path, object: &Path) -> Command {
    zig.args(["cc", "-target", "wasm32-freestanding"]);
    if source.extension().is_some_and(|it| it == "c") {
        zig.args(["-mcpu=generic+bulk_memory", "-std=c23", "-O2", "-g0"])
            .args(["-Wall", "-Wextra", "-Werror", "-fno-sanitize=all", "-I"])
            .arg(folder.join("libc"));
    }
    zig.arg("-c").arg(source).arg("-o").arg(object);
    zig
}

/// The source files below `folder`, in the order of their paths.
fn sources(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let (mut found, below): (Vec<_>, Vec<_>) =
        entries(folder)?.into_iter().partition(|it| !it.is_dir());
    for folder in below {
        found.extend(entries(&folder)?);
    }
    found.retain(|path| path.extension().is_some_and(|it| it == "c" || it == "s"));
    found.sort();
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let paths = entries.map(|entry| Ok(entry?.path()));
    paths
        .collect::<Result<_, _>>()
        .map_err(Error::io("read", folder))
}

/// Files of one name may lie in two folders.
fn object_name(folder: &Path, source: &Path) -> String {
    let path = source.strip_prefix(folder).unwrap_or(source);
    format!("{}.o", path.to_string_lossy().replace('/', "-"))
}
