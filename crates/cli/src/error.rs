use std::io;
use std::path::{Path, PathBuf};

use edgewit_host::kv::OpenError;

/// What ends a command, each with the exit code that the help names.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Manifest(#[from] edgewit_manifest::Error),
    #[error(transparent)]
    Build(#[from] edgewit_build::Error),
    #[error(transparent)]
    Bindgen(#[from] edgewit_bindgen::Error),
    #[error(transparent)]
    Host(#[from] edgewit_host::Error),
    #[error(transparent)]
    Stores(OpenError),
    #[error(
        "{}: another process has these stores open, as `edgewit serve` has while it runs; stop it first, \
         or use another folder",
        .0.display()
    )]
    StoresInUse(PathBuf),
    #[error("can't {action} {}: {reason}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        reason: io::Error,
    },
    #[error("can't listen on {address}: {reason}; `{remedy}` picks a free port")]
    Listen {
        address: std::net::SocketAddr,
        reason: io::Error,
        remedy: &'static str,
    },
    #[error("{}: neither a folder with an edge.toml nor a component file", .0.display())]
    NotAnApp(PathBuf),
    #[error(
        "{}: a file; an application is a folder with an edge.toml, and `edgewit serve` takes \
         component files too", .0.display()
    )]
    NotAFolder(PathBuf),
    #[error("{}: {reason}", path.display())]
    Component { path: PathBuf, reason: String },
    #[error(
        "--config grants a component file what it may reach, and none is named here; a folder has its \
         own edge.toml"
    )]
    Config,
    #[error(
        "the name {0:?} can't be a part of a URL, as that of one of several has to be; name the file \
         with letters, digits, `-`, `_` and `.`, or serve it alone"
    )]
    NotAPath(String),
    #[error(
        "{name}: the store {store:?} takes {variable} from the environment, where it is not set, or from \
         {}, {}",
        file.display(), if *.has_file { "which does not set it" } else { "which is not there" }
    )]
    Unset {
        name: String,
        store: String,
        variable: String,
        /// The `.env` that was looked at.
        file: PathBuf,
        has_file: bool,
    },
    #[error(
        "{name}: the variable {variable} of the store {store:?} is set to bytes that are not UTF-8; a value of a \
         store is text"
    )]
    NotText {
        name: String,
        store: String,
        variable: String,
    },
    #[error("two applications are named {0}; each needs a name of its own")]
    SameName(String),
    #[error("{}:{line}: {reason}", path.display())]
    Text {
        path: PathBuf,
        line: usize,
        reason: String,
    },
    #[error(
        "EDGEWIT_LOG {text:?}: {reason}; a filter like `debug` or `warn,edgewit::guest=trace` is due"
    )]
    Filter {
        text: String,
        reason: tracing_subscriber::filter::ParseError,
    },
    #[error("EDGEWIT_LOG: {0:?} is no level; trace, debug, info, warn, error or off is due")]
    Level(String),
    #[error("--override: {0} is there twice; one server stands in for an origin")]
    SameOverride(String),
    #[error("{what}: run it in one")]
    NoCheckout { what: &'static str },
    #[error("{}", .0)]
    Kv(String),
    /// With the exit code that `conform` and `port` document.
    #[error("{1}")]
    Conform(u8, String),
    #[error("{} is not empty: a port needs a new or empty folder", .0.display())]
    NotEmpty(PathBuf),
    /// With the language whose applications take them.
    #[error("tools that applications in {0} take are missing")]
    Missing(String),
}

/// The host's own words fit any program; these name the command that the reader knows.
impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::InUse(path) => Self::StoresInUse(path),
            other => Self::Stores(other),
        }
    }
}

impl Error {
    pub fn io<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |reason| Self::Io {
            action,
            path: path.to_owned(),
            reason,
        }
    }

    pub fn code(&self) -> u8 {
        match self {
            Self::Manifest(_)
            | Self::NotAnApp(_)
            | Self::NotAFolder(_)
            | Self::Component { .. }
            | Self::Config
            | Self::NotAPath(_)
            | Self::Text { .. }
            | Self::SameName(_)
            | Self::Unset { .. }
            | Self::NotText { .. }
            | Self::NoCheckout { .. }
            | Self::NotEmpty(_)
            | Self::Host(edgewit_host::Error::RootFile { .. })
            | Self::Filter { .. }
            | Self::Level(_)
            | Self::SameOverride(_) => 2,
            Self::Build(
                edgewit_build::Error::Name { .. }
                | edgewit_build::Error::NotEmpty(_)
                | edgewit_build::Error::Output { .. }
                | edgewit_build::Error::SourceFolder { .. },
            ) => 2,
            Self::Conform(code, _) => *code,
            Self::Build(edgewit_build::Error::Missing { .. }) | Self::Missing(_) => 3,
            _ => 1,
        }
    }
}
