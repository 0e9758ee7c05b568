use std::io;
use std::path::PathBuf;

/// Why there is no [`Manifest`](crate::Manifest).
/// The text is one line that begins with the file's path as it was given: what was found, then what
/// would be right. It holds no value of a kv store and no user information of a URL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file can't be read.
    #[error(
        "{}: {reason}{}", path.display(),
        if reason.kind() == io::ErrorKind::NotFound { "; an application is a folder with a file edge.toml" } else { "" }
    )]
    Read {
        /// The file, as given.
        path: PathBuf,
        /// What the operating system says.
        reason: io::Error,
    },
    /// The file is not a manifest.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Invalid {
        /// The file, as given.
        path: PathBuf,
        /// Where the mistake is, counted from 1.
        line: usize,
        /// The character in the line where the mistake begins, counted from 1.
        column: usize,
        /// What was found; what would be right. One line.
        message: String,
    },
}
