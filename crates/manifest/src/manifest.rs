use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::limits::{STACK_ALIGN_BYTES, StackBytes, stack_bytes};
use crate::{Error, Grants, Limits, file};

/// The name of a manifest's file.
pub const FILE_NAME: &str = "edge.toml";

/// One application: a whole `edge.toml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The file it was read from, as given.
    pub path: PathBuf,
    /// The application's name: lower-case letters, digits and hyphens, a letter first, at most 64.
    pub name: String,
    /// What its source is written in.
    pub language: Language,
    /// The folder of its source, as written: relative to the folder of the file.
    /// [`source_folder`](Manifest::source_folder) is the one to open.
    pub source: PathBuf,
    /// What it may reach.
    pub grants: Grants,
    /// How it is built.
    pub build: BuildSettings,
    /// What each of its requests may use.
    pub limits: Limits,
}

/// What an application is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", expecting = "the name of a language")]
#[non_exhaustive]
pub enum Language {
    /// Rust, built by cargo.
    Rust,
    /// JavaScript, bundled by esbuild and run by an engine that is in the component.
    #[serde(rename = "js")]
    JavaScript,
    /// TypeScript, as JavaScript.
    #[serde(rename = "ts")]
    TypeScript,
}

impl fmt::Display for Language {
    /// As its people write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::JavaScript => "JavaScript",
            Self::TypeScript => "TypeScript",
        })
    }
}

/// How the component is built.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(
    default,
    deny_unknown_fields,
    rename_all = "kebab-case",
    expecting = "a table"
)]
pub struct BuildSettings {
    /// The wasm shadow stack of a Rust guest, in bytes: 16 KiB to 8 MiB, a multiple of 16. Without
    /// it the build decides.
    #[serde(
        deserialize_with = "stack_bytes",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "StackBytes", extend("multipleOf" = STACK_ALIGN_BYTES))]
    pub stack_bytes: Option<u32>,
}

impl Manifest {
    /// Reads the manifest at `path`, which is the file or the folder that holds `edge.toml`.
    /// Errors: `Read` if the file can't be read, `Invalid` if it is not a manifest.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let file = if path.is_dir() {
            path.join(FILE_NAME)
        } else {
            path.to_owned()
        };
        match fs::read(&file) {
            Ok(bytes) => file::parse(&bytes, &file),
            Err(reason) => Err(Error::Read { path: file, reason }),
        }
    }

    /// Reads the manifest in `text`; `path` is where it is from, for errors and
    /// [`folder`](Manifest::folder). Nothing is opened.
    /// Errors: `Invalid` if the text is not a manifest.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        file::parse(text.as_bytes(), path)
    }

    /// The folder that holds the file: `.` if the path is a bare file name.
    pub fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        }
    }

    /// The folder of the source: [`folder`](Manifest::folder) with [`source`](Manifest::source)
    /// applied, which need not exist.
    pub fn source_folder(&self) -> PathBuf {
        // Collecting the components leaves out each `.` after the first.
        self.folder().join(&self.source).components().collect()
    }
}
