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

/// What the package of the JavaScript SDK is compiled from, and what it says of itself.
const JS: [&str; 7] = [
    "../LICENSE-APACHE",
    "../LICENSE-MIT",
    "README.md",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "src",
];

fn main() -> io::Result<()> {
    let rust = pack("RUST", "rust", "../../sdk-rust", &RUST)?;
    let js = pack("JS", "js", "../../sdk-js-shim", &JS)?;
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("sdk.rs"), rust + &js)
}

/// The code of a constant that holds `parts` of the SDK in the folder `root`.
fn pack(constant: &str, folder: &str, root: &str, parts: &[&str]) -> io::Result<String> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join(root);
    let root = root.canonicalize()?;
    let mut files = Vec::new();
    for part in parts {
        let part = root.join(part);
        println!("cargo::rerun-if-changed={}", part.display());
        collect(&part, &mut files)?;
    }
    files.sort();
    let mut packed = String::new();
    let mut hash = Fnv::new();
    for file in &files {
        let name = file.strip_prefix(&root).unwrap_or(file).to_string_lossy();
        // What lies above the SDK belongs beside the rest of it.
        let name = name.trim_start_matches("../");
        let bytes = fs::read(file)?;
        hash.add(name.as_bytes());
        hash.add(&bytes);
        let path = file.display().to_string();
        let _ = writeln!(packed, "        ({name:?}, include_bytes!({path:?})),");
    }
    let hash = hash.0;
    Ok(format!(
        "pub(crate) const {constant}: Sdk = Sdk {{\n    folder: {folder:?},\n    hash: {hash},\n    \
         files: &[\n{packed}    ],\n}};\n"
    ))
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
