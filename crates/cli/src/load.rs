//! From what a command names to an application that can be served.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::env::VarError;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use edgewit_build::{Cache, Options};
use edgewit_host::{App, Host, Settings, kv};
use edgewit_manifest::{FILE_NAME, Grants, Limits, Manifest, Store};

use crate::error::Error;
use crate::progress::Progress;

/// An application that was found: whatever is wrong with it that can be told before it is built has been.
pub struct Found {
    pub name: String,
    pub grants: Grants,
    pub limits: Limits,
    /// Where what belongs to it is kept: the folder of its edge.toml, or of the component.
    pub folder: PathBuf,
    pub source: Source,
    environment: Environment,
}

/// What stores with `env` take their values from.
struct Environment {
    values: HashMap<String, String>,
    /// The `.env` that was looked at, there or not.
    file: PathBuf,
    /// The variables that are from it.
    of_file: HashSet<String>,
}

/// What its component comes from.
pub enum Source {
    /// A folder, which is built.
    Folder(Box<Manifest>),
    /// A component file, which is taken as it is.
    Component(PathBuf),
}

impl Found {
    /// Whether it was granted a store that has to be kept somewhere.
    pub fn writes_stores(&self) -> bool {
        self.grants
            .kv
            .values()
            .any(|store| matches!(store, Store::ReadWrite))
    }

    /// Its variables, each with where its value is from.
    pub fn variables(&self) -> Vec<String> {
        let from = |name: &str| match self.environment.of_file.contains(name) {
            true => self.environment.file.display().to_string(),
            false => "the environment".to_owned(),
        };
        let variables = env(&self.grants).map(|(_, name)| format!("{name} is from {}", from(name)));
        variables.collect()
    }

    /// Errors, before anything is built: `NotText` for a variable whose value is none; `Unset` for the
    /// first that has no value.
    fn check_variables(&self) -> Result<(), Error> {
        let Environment { values, file, .. } = &self.environment;
        let not_text = |name: &str| matches!(std::env::var(name), Err(VarError::NotUnicode(_)));
        if let Some((store, variable)) = env(&self.grants).find(|(_, name)| not_text(name)) {
            return Err(Error::NotText {
                name: self.name.clone(),
                store: store.to_owned(),
                variable: variable.to_owned(),
            });
        }
        let mut variables = env(&self.grants);
        match variables.find(|(_, name)| !values.contains_key(*name)) {
            None => Ok(()),
            Some((store, variable)) => Err(Error::Unset {
                name: self.name.clone(),
                store: store.to_owned(),
                variable: variable.to_owned(),
                file: file.clone(),
                has_file: file.exists(),
            }),
        }
    }

    /// The file of its component; a folder is built first, with names for backtraces.
    pub fn component(&self, cache: &Cache) -> Result<PathBuf, Error> {
        let manifest = match &self.source {
            Source::Folder(manifest) => manifest,
            Source::Component(path) => return Ok(path.clone()),
        };
        let progress = Progress::new();
        let options = Options {
            debug: true,
            output: None,
        };
        let built = edgewit_build::build(cache, manifest, &options, &progress.report());
        Ok(progress.end(built)?.path)
    }
}

/// The folder, beside an edge.toml, of what serving the application keeps.
pub fn data_folder(folder: &Path) -> PathBuf {
    folder.join(".edgewit")
}

/// The file of an application's stores.
pub fn stores_file(folder: &Path) -> PathBuf {
    data_folder(folder).join("kv.redb")
}

/// Makes the data folder, which nobody else can enter and git is told to leave alone.
pub fn make_data_folder(folder: &Path) -> Result<PathBuf, Error> {
    let data = data_folder(folder);
    let ignore = data.join(".gitignore");
    fs::create_dir_all(&data).map_err(Error::io("create", &data))?;
    let rights = fs::Permissions::from_mode(0o700);
    fs::set_permissions(&data, rights).map_err(Error::io("close to others", &data))?;
    if !ignore.exists() {
        fs::write(&ignore, "*\n").map_err(Error::io("write", &ignore))?;
    }
    Ok(data)
}

/// Reads the edge.toml of the folder that a command names.
pub fn manifest(path: &Path) -> Result<Manifest, Error> {
    if path.is_file() && path.file_name().is_some_and(|name| name != FILE_NAME) {
        return Err(Error::NotAFolder(path.to_owned()));
    }
    Ok(Manifest::read(path)?)
}

/// Finds the application in a folder, or that of a component file, which `config` grants what it may
/// reach; without it the edge.toml beside the file does, and else nothing.
pub fn find(path: &Path, config: Option<&Path>) -> Result<Found, Error> {
    if !path.exists() {
        return Err(Error::NotAnApp(path.to_owned()));
    }
    if path.is_file() && path.file_name().is_some_and(|name| name != FILE_NAME) {
        return component(path, config);
    }
    let manifest = Manifest::read(path)?;
    let (grants, limits) = (manifest.grants.clone(), manifest.limits.clone());
    let found = Found {
        name: manifest.name.clone(),
        folder: manifest.folder().to_owned(),
        environment: environment(manifest.folder())?,
        source: Source::Folder(Box::new(manifest)),
        grants,
        limits,
    };
    found.check_variables()?;
    Ok(found)
}

/// The variables that stores take, each with its store.
fn env(grants: &Grants) -> impl Iterator<Item = (&str, &str)> {
    grants.kv.iter().flat_map(|(store, grant)| {
        let names = match grant {
            Store::ReadOnly { env, .. } => &env[..],
            Store::ReadWrite => &[],
        };
        names.iter().map(move |name| (&**store, &**name))
    })
}

/// It is named after its file, as several may share one edge.toml.
fn component(path: &Path, config: Option<&Path>) -> Result<Found, Error> {
    let stem = path.file_stem().unwrap_or_default();
    let folder = path
        .parent()
        .filter(|parent| *parent != Path::new(""))
        .unwrap_or(Path::new("."));
    let beside = folder.join(FILE_NAME);
    let config = config.or_else(|| beside.is_file().then_some(&*beside));
    let (folder, grants, limits) = match config.map(Manifest::read).transpose()? {
        Some(manifest) => (
            manifest.folder().to_owned(),
            manifest.grants,
            manifest.limits,
        ),
        None => (folder.to_owned(), Grants::default(), Limits::default()),
    };
    let found = Found {
        name: stem.to_string_lossy().into_owned(),
        environment: environment(&folder)?,
        source: Source::Component(path.to_owned()),
        folder,
        grants,
        limits,
    };
    found.check_variables()?;
    Ok(found)
}

/// Loads an application from its component; its stores, where it was granted any, are in `kv`.
pub async fn load(
    host: &Host,
    found: &Found,
    component: &Path,
    kv: Option<Arc<dyn kv::Backend>>,
) -> Result<App, Error> {
    let bytes = fs::read(component).map_err(Error::io("read", component))?;
    let mut grants = found.grants.clone();
    // Where a line would have to be that grants more.
    grants
        .file
        .get_or_insert_with(|| found.folder.join(FILE_NAME));
    let settings = Settings {
        grants,
        limits: found.limits.clone(),
        kv,
        environment: found.environment.values.clone(),
    };
    let loaded = host.load(&found.name, &bytes, settings).await;
    loaded.map_err(|reason| match &found.source {
        Source::Folder(_) => reason.into(),
        Source::Component(path) => {
            // The host knows its name, and its reader the file.
            let text = reason.to_string();
            let named = format!("{}: ", found.name);
            let reason = text.strip_prefix(&named).unwrap_or(&text).to_owned();
            let path = path.clone();
            Error::Component { path, reason }
        }
    })
}

/// The environment, and the `.env` beside the edge.toml for what it does not set.
fn environment(folder: &Path) -> Result<Environment, Error> {
    let file = folder.join(".env");
    let mut values = match fs::read(&file) {
        Ok(text) => variables(&text, &file)?,
        Err(error) if error.kind() == ErrorKind::NotFound => HashMap::new(),
        Err(error) => return Err(Error::io("read", &file)(error)),
    };
    let mut of_file: HashSet<String> = values.keys().cloned().collect();
    let set = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    for (name, value) in set {
        of_file.remove(&name);
        values.insert(name, value);
    }
    Ok(Environment {
        values,
        file,
        of_file,
    })
}

/// The variables of a `.env`. Its text is in no error: it holds secrets.
fn variables(text: &[u8], path: &Path) -> Result<HashMap<String, String>, Error> {
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    let lines_read = Cell::new(0);
    let lines = Lines {
        rest: text,
        read: &lines_read,
    };
    let read: Result<_, dotenvy::Error> = dotenvy::Iter::new(lines).collect();
    read.map_err(|error| {
        let (breaks, reason) = match error {
            dotenvy::Error::LineParse(part, _) => (part.trim_end().matches('\n').count(), ENV_LINE),
            _ => (0, "a byte that is not UTF-8; a file .env is text in UTF-8"),
        };
        Error::Text {
            path: path.to_owned(),
            line: lines_read.get() - breaks,
            reason: reason.to_owned(),
        }
    })
}

const ENV_LINE: &str = "not NAME=VALUE; a value with blanks, quotes, `#`, `$` or `\\` goes in single \
                        quotes: NAME='VALUE'";

/// Gives out a line for each call, so that whoever reads has read no further than what it works on.
struct Lines<'a> {
    rest: &'a [u8],
    read: &'a Cell<usize>,
}

impl Read for Lines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let line = self.rest.split_inclusive(|byte| *byte == b'\n').next();
        let line = line.unwrap_or_default();
        let (part, _) = line.split_at(line.len().min(buffer.len()));
        self.rest = &self.rest[part.len()..];
        let ends = part.ends_with(b"\n") || self.rest.is_empty() && !part.is_empty();
        self.read.set(self.read.get() + usize::from(ends));
        buffer[..part.len()].copy_from_slice(part);
        Ok(part.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<HashMap<String, String>, String> {
        variables(text.as_bytes(), ".env".as_ref()).map_err(|error| error.to_string())
    }

    #[test]
    fn variables_are_read() {
        let long = "x".repeat(20_000);
        let text = format!("\u{feff}# why\n\nA=1\nexport B='a b'\nLONG={long}\nC=\"two\nlines\"");
        let read = read(&text).unwrap();
        let of = |name: &str| read[name].as_str();
        assert_eq!((of("A"), of("B"), of("C")), ("1", "a b", "two\nlines"));
        assert_eq!(of("LONG"), long);
    }

    #[test]
    fn a_mistake_is_told_by_its_line_and_without_its_text() {
        let long = format!("LONG={}\n", "x".repeat(20_000));
        for (text, line) in [
            ("KEY=hunter2 is my secret", 1),
            ("A=1\n\n# why\nKEY=hunter2 is my secret\nB=1\n", 4),
            (&*format!("{long}KEY=hunter2 is my secret"), 2),
            ("A=1\nhunter2", 2),
            ("A=1\n=hunter2\n", 2),
            ("A=1\nKEY=\"hunter2\nB=1\nC=1\n", 2),
            ("A=1\nKEY='a\nb' hunter2\nC=1\n", 2),
            ("A=1\r\nKEY=hunter2\\q\r\n", 2),
        ] {
            assert_eq!(
                read(text),
                Err(format!(".env:{line}: {ENV_LINE}")),
                "{text:?}"
            );
        }
        let error = variables(b"A=1\nB=\xff\n", ".env".as_ref()).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with(".env:2: a byte that is not UTF-8"),
            "{error}"
        );
    }
}
