use std::env;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf, absolute};

use crate::{Error, Event, Report};

/// The one folder where Edgewit keeps what it has made or unpacked. All of it can be deleted at any
/// time, while nothing runs: it is made again.
///
/// - `sdk/`: the SDKs this version carries, for applications to build against.
/// - `js/`: the packages that build JavaScript, by their lock file, and in them what runs on them.
/// - `rust/`: standard libraries that were built here, one for each compiler.
/// - `zig/`: Zig by its version, and what it has compiled.
/// - `compiled/`: components as a host compiled them, by content, for [`compiled`](Cache::compiled).
/// - `template/`: what the lock file of a new application was downloaded with.
/// - `target/`: build folders of applications whose own folder can't be written.
/// - `lock`: held by whoever installs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The cache that the environment names: `EDGEWIT_CACHE`, else `$XDG_CACHE_HOME/edgewit`, else
    /// `~/.cache/edgewit`. An empty variable counts as none.
    /// Errors: `NoCache` if there is none of the three; `Io` if the current folder is unknown.
    pub fn from_env() -> Result<Self, Error> {
        let variable = |name| {
            env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let root = variable("EDGEWIT_CACHE")
            .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("edgewit")))
            .or_else(|| Some(env::home_dir()?.join(".cache/edgewit")))
            .ok_or(Error::NoCache)?;
        Self::at(&root)
    }

    /// The cache in `root`, which need not exist.
    /// Errors: `Io` if `root` is relative and the current folder is unknown, or empty.
    pub fn at(root: &Path) -> Result<Self, Error> {
        let root = absolute(root).map_err(Error::io("find", root))?;
        Ok(Self { root })
    }

    /// Its folder, absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a host may keep what it compiled.
    pub fn compiled(&self) -> PathBuf {
        self.root.join("compiled")
    }

    /// Waits until no other process installs, and keeps others waiting until the lock is dropped.
    /// Not to be taken twice by one thread.
    /// Errors: `Io` if the lock's file can't be made or locked.
    pub fn lock(&self, report: Report<'_>) -> Result<Lock, Error> {
        fs::create_dir_all(&self.root).map_err(Error::io("create", &self.root))?;
        let path = self.root.join("lock");
        let file = File::create(&path).map_err(Error::io("create", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                report(Event::Step("waiting for another process that installs"));
                file.lock().map_err(Error::io("lock", &path))?;
            }
            Err(TryLockError::Error(reason)) => return Err(Error::io("lock", &path)(reason)),
        }
        Ok(Lock { _file: file })
    }
}

/// Held while something is installed into a [`Cache`]; see [`Cache::lock`].
#[derive(Debug)]
pub struct Lock {
    _file: File,
}
