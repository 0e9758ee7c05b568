//! Zig, whose compiler is also one for C: found on the path, else unpacked from PyPI's package into the cache.

use std::fs;
use std::path::Path;

use crate::command::{self, clean, which};
use crate::pins::{ZIG_PLATFORM, ZIG_VERSION, ZIG_WHEEL_SHA256};
use crate::{Cache, Error, Event, Found, Report, apt, files};

/// The Zig of the pinned version that is there.
pub(crate) fn find(cache: &Cache) -> Option<Found> {
    let unpacked = folder(cache).join("ziglang/zig");
    let path = which("zig")
        .filter(|path| version(path).is_some_and(|version| version == ZIG_VERSION))
        .or_else(|| unpacked.is_file().then_some(unpacked))?;
    Some(Found {
        version: ZIG_VERSION.to_owned(),
        path,
    })
}

/// What to do where it can't be installed.
pub(crate) fn by_hand() -> String {
    format!(
        "put `zig` {ZIG_VERSION} on the path (ziglang.org, or PyPI's package `ziglang=={ZIG_VERSION}`)"
    )
}

/// Finds it, or installs it where the package's checksum is known.
pub(crate) fn ensure(cache: &Cache, report: Report<'_>) -> Result<Found, Error> {
    if let Some(found) = find(cache) {
        return Ok(found);
    }
    let missing = || Error::Missing {
        what: format!("zig {ZIG_VERSION}"),
        remedy: by_hand(),
    };
    if (std::env::consts::OS, std::env::consts::ARCH) != ZIG_PLATFORM {
        return Err(missing());
    }
    let _lock = cache.lock(report)?;
    if let Some(found) = find(cache) {
        return Ok(found);
    }
    if !has_pip() {
        apt(&["python3-pip"], report)?;
    }
    files::publish(&folder(cache), |folder| unpack(folder, report))?;
    find(cache).ok_or_else(missing)
}

/// Downloads the package and unpacks it into `folder`. Nothing is installed by pip, which a distribution's Python
/// refuses; that pip checks the sum is why the package is asked for by a file.
fn unpack(folder: &Path, report: Report<'_>) -> Result<(), Error> {
    report(Event::Step(&format!(
        "downloading zig {ZIG_VERSION} from PyPI, once"
    )));
    let wheels = folder.join("wheels");
    let wanted = folder.join("requirements.txt");
    let line = format!("ziglang=={ZIG_VERSION} --hash=sha256:{ZIG_WHEEL_SHA256}\n");
    files::write(&wanted, line.as_bytes())?;
    let mut download = python(&["-m", "pip", "download", "--quiet", "--no-deps"]);
    download
        .args(["--disable-pip-version-check", "--require-hashes", "--dest"])
        .arg(&wheels)
        .arg("--requirement")
        .arg(&wanted);
    command::succeed(download, None, report)?;

    let entries = fs::read_dir(&wheels).map_err(Error::io("read", &wheels))?;
    for wheel in entries.flatten() {
        let mut unzip = python(&["-m", "zipfile", "--extract"]);
        unzip.arg(wheel.path()).arg(folder);
        command::succeed(unzip, None, report)?;
    }
    fs::remove_dir_all(&wheels).map_err(Error::io("delete", &wheels))?;
    make_executable(&folder.join("ziglang/zig"))
}

/// Python's zipfile leaves modes out.
fn make_executable(program: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(program, fs::Permissions::from_mode(0o755))
        .map_err(Error::io("change", program))
}

fn has_pip() -> bool {
    which("python3").is_some()
        && command::output(python(&["-m", "pip", "--version"]), &|_| {}).is_ok()
}

fn python(arguments: &[&str]) -> std::process::Command {
    let mut command = clean("python3");
    command.args(arguments);
    command
}

fn version(zig: &Path) -> Option<String> {
    let mut command = clean(zig);
    command.arg("version");
    let output = command::output(command, &|_| {}).ok()?;
    Some(String::from_utf8_lossy(&output).trim().to_owned())
}

fn folder(cache: &Cache) -> std::path::PathBuf {
    cache.root().join("zig").join(ZIG_VERSION)
}
