//! What goes wrong under the stores of a file, and what a caller is told of it.

use std::io;

use crate::kv::Error;

/// Why a step was not done, or can't be said to be.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// Bytes of one record that this program did not write; the others are none the worse.
    #[error(
        "the record of the key {key:?} in the store {store:?} is cut short; writing or deleting it mends that"
    )]
    Damaged { store: String, key: String },
    #[error("the last version is beyond all versions")]
    Versions,
    /// The database is not open, and could not be opened again for this reason.
    #[error("{}", .0.text())]
    Closed(Error),
    #[error(transparent)]
    Database(#[from] redb::Error),
}

macro_rules! from {
    ($($error:ident),*) => {
        $(impl From<redb::$error> for Fault {
            fn from(error: redb::$error) -> Self {
                Self::Database(error.into())
            }
        })*
    };
}

from!(
    StorageError,
    TableError,
    TransactionError,
    CommitError,
    DatabaseError
);

impl Fault {
    /// Whether the disk took no more.
    pub(super) fn is_full(&self) -> bool {
        matches!(self, Self::Database(redb::Error::Io(error)) if is_full(error))
    }

    /// Whether the database answers every later call with an error until it is opened again.
    pub(super) fn closes(&self) -> bool {
        match self {
            Self::Damaged { .. } | Self::Versions => false,
            Self::Closed(_) => true,
            Self::Database(error) => matches!(
                error,
                redb::Error::Io(_)
                    | redb::Error::Backend(_)
                    | redb::Error::PreviousIo
                    | redb::Error::DatabaseClosed
                    | redb::Error::LockPoisoned(_)
            ),
        }
    }

    /// A disk gets room, another process ends; what the file holds does not mend by itself.
    pub(super) fn answer(&self) -> Error {
        let reason = format!("the file of stores: {self}");
        match self {
            Self::Closed(error) => error.clone(),
            Self::Damaged { .. }
            | Self::Versions
            | Self::Database(
                redb::Error::Corrupted(_)
                | redb::Error::UpgradeRequired(_)
                | redb::Error::ValueTooLarge(_)
                | redb::Error::TableTypeMismatch { .. }
                | redb::Error::TableIsMultimap(_)
                | redb::Error::TypeDefinitionChanged { .. },
            ) => Error::Other(reason),
            Self::Database(redb::Error::DatabaseAlreadyOpen) => {
                Error::Unavailable("the file of stores: another process has it open".to_owned())
            }
            Self::Database(_) => Error::Unavailable(reason),
        }
    }
}

pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
