//! Packs the SDKs' files into the library, so that applications can be built wherever it runs and
//! whatever has become of the folder it was built from.

#[path = "src/fnv.rs"]
mod fnv;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use fnv::Fnv;

/// What of the Rust SDK an application builds against.
const RUST: [&str; 4] = ["Cargo.toml", "src", "macros/Cargo.toml", "macros/src"];

fn main() -> io::Result<()> {
    let root =
        Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../sdk-rust");
    let root = root.canonicalize()?;
    let mut files = Vec::new();
    for part in RUST {
        let part = root.join(part);
        println!("cargo::rerun-if-changed={}", part.display());
        collect(&part, &mut files)?;
    }
    files.sort();
    let mut code = String::from("const RUST: &[(&str, &[u8])] = &[\n");
    let mut hash = Fnv::new();
    for file in &files {
        let name = file.strip_prefix(&root).unwrap_or(file).to_string_lossy();
        let bytes = fs::read(file)?;
        hash.add(name.as_bytes());
        hash.add(&bytes);
        let _ = writeln!(
            code,
            "    ({name:?}, include_bytes!({:?})),",
            file.display().to_string()
        );
    }
    let _ = writeln!(code, "];\nconst RUST_HASH: u64 = {};", hash.0);
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("sdk.rs"), code)
}

/// The files in `path`, or itself; hidden ones are an editor's.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if path.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            collect(&entry.path(), files)?;
        }
    }
    Ok(())
}
