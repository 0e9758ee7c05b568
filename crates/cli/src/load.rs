//! From what a command names to an application that can be served.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use edgewit_build::{Cache, Options};
use edgewit_host::{App, Host, Settings, kv};
use edgewit_manifest::{FILE_NAME, Grants, Limits, Manifest, Store};

use crate::error::Error;
use crate::progress::Progress;

/// An application that was found and built, but not loaded.
pub struct Ready {
    pub name: String,
    pub grants: Grants,
    pub limits: Limits,
    /// Where what belongs to it is kept: the folder of its edge.toml, or of the component.
    pub folder: PathBuf,
    component: PathBuf,
}

impl Ready {
    /// Whether it was granted a store that has to be kept somewhere.
    pub fn writes_stores(&self) -> bool {
        self.grants
            .kv
            .values()
            .any(|store| matches!(store, Store::ReadWrite))
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

/// Makes the data folder, which git is told to leave alone.
pub fn make_data_folder(folder: &Path) -> Result<PathBuf, Error> {
    let data = data_folder(folder);
    let ignore = data.join(".gitignore");
    fs::create_dir_all(&data).map_err(Error::io("create", &data))?;
    if !ignore.exists() {
        fs::write(&ignore, "*\n").map_err(Error::io("write", &ignore))?;
    }
    Ok(data)
}

/// A folder is built, with names for backtraces; a file is taken as it is.
pub fn ready(path: &Path, config: Option<&Path>, cache: &Cache) -> Result<Ready, Error> {
    if path.is_file() && path.file_name().is_some_and(|name| name != FILE_NAME) {
        return component(path, config);
    }
    if !path.exists() {
        return Err(Error::NotAnApp(path.to_owned()));
    }
    let manifest = Manifest::read(path)?;
    let progress = Progress::new();
    let options = Options {
        debug: true,
        output: None,
    };
    let built = progress.end(edgewit_build::build(
        cache,
        &manifest,
        &options,
        &progress.report(),
    ))?;
    Ok(Ready {
        component: built.path,
        ..of_manifest(manifest)
    })
}

fn of_manifest(manifest: Manifest) -> Ready {
    Ready {
        folder: manifest.folder().to_owned(),
        name: manifest.name,
        grants: manifest.grants,
        limits: manifest.limits,
        component: PathBuf::new(),
    }
}

fn component(path: &Path, config: Option<&Path>) -> Result<Ready, Error> {
    let folder = path
        .parent()
        .filter(|parent| *parent != Path::new(""))
        .unwrap_or(Path::new("."));
    let beside = folder.join(FILE_NAME);
    let config = config.or_else(|| beside.is_file().then_some(&*beside));
    let component = path.to_owned();
    if let Some(config) = config {
        return Ok(Ready {
            component,
            ..of_manifest(Manifest::read(config)?)
        });
    }
    let name = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    let (grants, limits) = (Grants::default(), Limits::default());
    Ok(Ready {
        name,
        grants,
        limits,
        folder: folder.to_owned(),
        component,
    })
}

/// Loads an application whose stores, where it was granted any, are in `kv`.
pub async fn load(
    host: &Host,
    ready: &Ready,
    kv: Option<Arc<dyn kv::Backend>>,
) -> Result<App, Error> {
    let bytes = fs::read(&ready.component).map_err(Error::io("read", &ready.component))?;
    let settings = Settings {
        grants: ready.grants.clone(),
        limits: ready.limits.clone(),
        kv,
        environment: environment(&ready.folder)?,
    };
    Ok(host.load(&ready.name, &bytes, settings).await?)
}

/// The environment, and the `.env` beside the edge.toml for what it does not set.
fn environment(folder: &Path) -> Result<HashMap<String, String>, Error> {
    let path = folder.join(".env");
    let mut environment = HashMap::new();
    if path.is_file() {
        let wrong = |error: dotenvy::Error| Error::Environment {
            path: path.clone(),
            reason: error.to_string(),
        };
        for line in dotenvy::from_path_iter(&path).map_err(wrong)? {
            let (name, value) = line.map_err(wrong)?;
            environment.insert(name, value);
        }
    }
    let set = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    environment.extend(set);
    Ok(environment)
}
