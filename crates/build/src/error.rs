use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use edgewit_manifest::Language;

/// Why something could not be built, tested, written or installed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Neither `EDGEWIT_CACHE` nor a home folder is known.
    #[error("no folder for the cache: set EDGEWIT_CACHE to one, or HOME")]
    NoCache,
    /// A file or folder could not be read or written.
    #[error("can't {action} {}: {reason}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// A program could not be started.
    #[error("can't start `{command}`: {reason}")]
    Start {
        /// The program and its arguments.
        command: String,
        /// What the system said.
        reason: io::Error,
    },
    /// A program failed; what it printed was reported.
    #[error("`{command}` failed ({status})")]
    Failed {
        /// The program and its arguments.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// A program was ended because it took too long.
    #[error("`{command}` was ended after {seconds} s")]
    TimedOut {
        /// The program and its arguments.
        command: String,
        /// How long it ran.
        seconds: u64,
    },
    /// A part of a toolchain is missing and could not be installed.
    #[error("{what} is missing; {remedy}")]
    Missing {
        /// What is missing.
        what: String,
        /// What to do, with the exact command.
        remedy: String,
    },
    /// This library can't build the language.
    #[error("applications in {0} can't be built by this version")]
    Language(Language),
    /// The component can't be written where it was to be; nothing there was changed.
    #[error("{} {problem}", path.display())]
    Output {
        /// Where.
        path: PathBuf,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// The folder of the source, as the manifest names it, can't be opened.
    #[error("{}: the source folder {}: {reason}; `source` is relative to the folder of the file", manifest.display(), folder.display())]
    SourceFolder {
        /// The manifest.
        manifest: PathBuf,
        /// The folder as written there.
        folder: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// The source folder holds no package of the language that can be built.
    #[error("{}: {problem}", path.display())]
    Source {
        /// The file it is about.
        path: PathBuf,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// The application's dependencies could not be had; what its package manager said was reported.
    #[error("the dependencies of {} could not be resolved or downloaded ({tool}: {status})", path.display())]
    Dependencies {
        /// The source folder.
        path: PathBuf,
        /// What was started for it, such as cargo.
        tool: &'static str,
        /// How that ended.
        status: ExitStatus,
    },
    /// The compiler refuses the application; what it said was reported.
    #[error("{} does not compile ({tool}: {status})", path.display())]
    Compile {
        /// The source folder.
        path: PathBuf,
        /// What was started for it, such as cargo.
        tool: &'static str,
        /// How that ended.
        status: ExitStatus,
    },
    /// The application can't be built as it is: a problem each line, with its place in the source where it
    /// has one.
    #[error("{0}")]
    Problems(String),
    /// Types are checked where the application is built, and nowhere else.
    #[error("applications in {0} have no types to write: building checks them")]
    NoTypes(Language),
    /// Tests of the application failed or do not compile; what they said was reported.
    #[error("the tests of {} failed ({tool}: {status})", path.display())]
    Tests {
        /// The source folder.
        path: PathBuf,
        /// What was started for it, such as cargo.
        tool: &'static str,
        /// How that ended.
        status: ExitStatus,
    },
    /// The compiled application imports what no host of `edge:sdk` provides.
    #[error("{}", Lines(.0))]
    ForeignImports(Vec<ForeignImport>),
    /// The compiled application handles no requests.
    #[error("the application exports no handler: in Rust, src/lib.rs needs `edgewit::export!(…)`")]
    NoHandler,
    /// The compiled application is no component.
    #[error("no component can be made of the compiled application: {0}")]
    Component(String),
    /// An application's name can't be used.
    #[error("`{name}` can't be an application's name: {problem}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// The folder for a new application holds something already.
    #[error("{} is not empty: a new application needs a new or empty folder", .0.display())]
    NotEmpty(PathBuf),
}

impl Error {
    /// For `map_err`: says what was tried with which file.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |reason| Self::Io {
            action,
            path: path.to_owned(),
            reason,
        }
    }
}

/// An import that no host of `edge:sdk` provides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignImport {
    /// The core module it is imported from, such as `__wbindgen_placeholder__`.
    pub module: String,
    /// Its name there; of several from one module, the first.
    pub name: String,
    /// How many there are from that module.
    pub count: usize,
    /// The packages that brought it, as far as can be told, with their versions.
    pub packages: Vec<String>,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for ForeignImport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the application imports `{}` from `{}`",
            self.name, self.module
        )?;
        if self.count > 1 {
            write!(f, " (and {} more)", self.count - 1)?;
        }
        write!(f, ", which no edge host provides")?;
        if !self.packages.is_empty() {
            write!(f, "; it comes with {}", self.packages.join(", "))?;
        }
        write!(f, "; {}", self.remedy)
    }
}

/// Several imports, one a line.
struct Lines<'a>(&'a [ForeignImport]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, import) in self.0.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{import}")?;
        }
        Ok(())
    }
}
