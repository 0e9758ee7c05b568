//! Where an application is built, and where its component goes.

use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf, absolute};

use edgewit_manifest::Manifest;

use crate::fnv::Fnv;
use crate::{Built, Cache, Error, Options, files};

/// The folder of an application's source, absolute, without symbolic links.
pub(crate) fn source_folder(manifest: &Manifest) -> Result<PathBuf, Error> {
    let source = manifest.source_folder();
    fs::canonicalize(&source).map_err(|reason| Error::SourceFolder {
        manifest: manifest.path.clone(),
        folder: manifest.source.clone(),
        reason,
    })
}

/// The file that the component of `name` goes to, which is built in `target`.
pub(crate) fn component_file(
    source: &Path,
    target: &Path,
    name: &str,
    options: &Options,
) -> Result<PathBuf, Error> {
    if let Some(output) = &options.output {
        return writable(output);
    }
    let folder = source.join("target/edgewit");
    if target != folder {
        let problem = "can't be written: name the file to write, outside of it (`-o`)".to_owned();
        return Err(Error::Source {
            path: folder,
            problem,
        });
    }
    let suffix = if options.debug {
        ".debug.wasm"
    } else {
        ".wasm"
    };
    Ok(folder.join(format!("{name}{suffix}")))
}

/// Writes a component, in one step.
pub(crate) fn write(path: PathBuf, component: &[u8]) -> Result<Built, Error> {
    files::replace(&path, component)?;
    let bytes = component.len() as u64;
    Ok(Built { path, bytes })
}

/// The file that a component may be written to: a new one, or one that holds a module or nothing. Nothing
/// else is lost to a slip of the keyboard.
fn writable(output: &Path) -> Result<PathBuf, Error> {
    // What a symbolic link leads to is replaced, and not the link, unless that leads nowhere.
    let Ok(path) = fs::canonicalize(output) else {
        return absolute(output).map_err(Error::io("find", output));
    };
    let refuse = |problem: &str| {
        Err(Error::Output {
            path: output.to_owned(),
            problem: problem.to_owned(),
        })
    };
    if !path.is_file() {
        return refuse("is there, and no file; name one to write the component to");
    }
    let mut start = Vec::new();
    let opened = fs::File::open(&path).and_then(|file| file.take(4).read_to_end(&mut start));
    opened.map_err(Error::io("read", output))?;
    match &start[..] {
        b"" | b"\0asm" => Ok(path),
        _ => refuse("holds something that is no component; name another file, or delete it first"),
    }
}

/// The folder to build in: the application's own, else one in the cache.
pub(crate) fn target_folder(cache: &Cache, source: &Path) -> Result<PathBuf, Error> {
    let own = source.join("target/edgewit");
    let probe = own.join(format!(".{}.probe", std::process::id()));
    if files::write(&probe, b"").is_ok() {
        let _ = fs::remove_file(&probe);
        return Ok(own);
    }
    let mut hash = Fnv::new();
    hash.add(source.as_os_str().as_bytes());
    let folder = cache.root().join(format!("target/{:016x}", hash.0));
    files::create_folder(&folder)?;
    Ok(folder)
}
