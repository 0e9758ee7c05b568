//! A host and the applications that were loaded into it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use edgewit_manifest::{Grants, Limits};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use url::Url;
use wasmtime::Engine;

use crate::bindings::AppPre;
use crate::compiled::Compiled;
use crate::fetch::{Client, trust};
use crate::imports;
use crate::instances::{Instances, Places};
use crate::kv;
use crate::parts::{Clock, Random, Resolver, System};
use crate::seam::Hook;
use crate::state::State;

/// Instances that exist at once in one host, unless it is told otherwise.
const INSTANCES: u32 = 1000;

/// Runs applications: one engine, one pool of instances.
pub struct Host {
    base: Base,
    hook: Option<Arc<dyn Hook>>,
    parts: Parts,
    instances: u32,
    overrides: Arc<HashMap<String, Url>>,
}

#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) resolver: Arc<dyn Resolver>,
}

/// Sets a host up; [`Host::builder`] makes one.
pub struct Builder {
    hook: Option<Arc<dyn Hook>>,
    parts: Parts,
    roots: Vec<CertificateDer<'static>>,
    instances: u32,
    overrides: HashMap<String, Url>,
    cache: Option<PathBuf>,
    base: Option<Base>,
}

/// What is made once for a host and all that are like it.
#[derive(Clone)]
struct Base {
    engine: Engine,
    compiled: Compiled,
    tls: Arc<rustls::ClientConfig>,
    places: Arc<Places>,
}

/// A component that was compiled, for any application of its host and of those that are like it.
#[derive(Clone)]
pub struct Component(wasmtime::component::Component);

/// Why a host can't be set up or an application not be loaded. Each displays as one line.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine: too little address space for the pool, say.
    #[error("the engine could not be set up: {0}")]
    Engine(String),
    /// A root certificate that can't be used.
    #[error("a root certificate can't be used: {0}")]
    Root(rustls::Error),
    /// A file of root certificates that can't be read, or holds none.
    #[error("{}: {reason}; a file of certificates in PEM form is due", .path.display())]
    RootFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The bytes are no component: text, a core module, something else.
    #[error("{name}: {found}; a component of the world edge:sdk/app is due")]
    NotAComponent {
        /// The application's name.
        name: String,
        /// What the bytes are instead.
        found: String,
    },
    /// A component that imports or exports something else than `edge:sdk/app`.
    #[error("{name}: not a component of the world edge:sdk/app@{served}: {reason}")]
    OtherWorld {
        /// The application's name.
        name: String,
        /// What does not fit.
        reason: String,
        /// The version that this host serves.
        served: &'static str,
    },
    /// A store's value is to come from an environment variable that is not set.
    #[error(
        "{name}: the store {store:?} takes {variable} from the environment, where it is not set"
    )]
    Environment {
        /// The application's name.
        name: String,
        /// The store.
        store: String,
        /// The variable.
        variable: String,
    },
}

/// What an application is loaded with. The default grants nothing.
#[derive(Clone, Default)]
pub struct Settings {
    /// What it may fetch and open.
    pub grants: Grants,
    /// What each request may use.
    pub limits: Limits,
    /// Where its read-write stores are kept. Without one, opening such a store is `no-such-store`.
    pub kv: Option<Arc<dyn kv::Backend>>,
    /// The variables that stores with `env` take their values from.
    pub environment: HashMap<String, String>,
}

/// A loaded application. A clone is the same application.
#[derive(Clone)]
pub struct App {
    pub(crate) shared: Arc<Shared>,
    pub(crate) pre: AppPre<State>,
}

/// A store that an application may open.
pub(crate) struct GrantedStore {
    pub(crate) backend: Arc<dyn kv::Backend>,
    pub(crate) read_only: bool,
}

/// What all requests of an application share.
pub(crate) struct Shared {
    pub(crate) name: String,
    pub(crate) grants: Grants,
    /// Where a grant is to be added, for the line that says what was denied.
    pub(crate) grants_file: String,
    pub(crate) limits: Limits,
    pub(crate) parts: Parts,
    pub(crate) client: Arc<Client>,
    /// Origins that requests are sent to another server for, by their serialization.
    pub(crate) overrides: Arc<HashMap<String, Url>>,
    /// Granted stores; `None` where this host has none by that name.
    pub(crate) stores: HashMap<String, Option<GrantedStore>>,
    pub(crate) instances: Instances,
    pub(crate) hook: Option<Arc<dyn Hook>>,
    /// Whether it was said that the component carries no names.
    pub(crate) told_of_names: AtomicBool,
}

impl Host {
    /// A host with the machine's own time, randomness, names and trust roots, without a hook.
    pub fn builder() -> Builder {
        let system = Arc::new(System::default());
        Builder {
            hook: None,
            parts: Parts {
                clock: system.clone(),
                random: system.clone(),
                resolver: system,
            },
            roots: Vec::new(),
            instances: INSTANCES,
            overrides: HashMap::new(),
            cache: None,
            base: None,
        }
    }

    /// A builder that begins with what this host has. What it builds shares the engine, the places of
    /// instances and, where no root is added, the trust roots: it is made in no time, and runs components that
    /// this host compiled. The number of instances stays.
    pub fn like(&self) -> Builder {
        Builder {
            hook: self.hook.clone(),
            parts: self.parts.clone(),
            roots: Vec::new(),
            instances: self.instances,
            overrides: (*self.overrides).clone(),
            cache: None,
            base: Some(self.base.clone()),
        }
    }

    /// Loads a component as the application `name`. Compiling a large one takes seconds.
    ///
    /// Errors: `NotAComponent`, `OtherWorld`, `Environment`.
    pub async fn load(
        &self,
        name: &str,
        component: &[u8],
        settings: Settings,
    ) -> Result<App, Error> {
        let component = self.compile(name, component)?;
        self.app(name, &component, settings).await
    }

    /// Makes the application `name` of a component that this host, or one that is like it, compiled.
    ///
    /// Errors: `OtherWorld`, `Environment`.
    pub async fn app(
        &self,
        name: &str,
        component: &Component,
        settings: Settings,
    ) -> Result<App, Error> {
        let Component(component) = component;
        let other = |error: wasmtime::Error| Error::OtherWorld {
            name: name.to_owned(),
            reason: one_line(&error),
            served: imports::VERSION,
        };
        let linker = imports::linker(&self.base.engine, component, &self.hook).map_err(other)?;
        let pre = linker
            .instantiate_pre(component)
            .and_then(AppPre::new)
            .map_err(other)?;
        let shared = self.share(name, settings).await?;
        Ok(App {
            shared: Arc::new(shared),
            pre,
        })
    }

    /// Compiles a component; `name` is for the error alone.
    ///
    /// Errors: `NotAComponent`.
    pub fn compile(&self, name: &str, component: &[u8]) -> Result<Component, Error> {
        let found = match component {
            [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => "a core module, not a component".to_owned(),
            [0, b'a', b's', b'm', ..] => {
                match self.base.compiled.component(&self.base.engine, component) {
                    Ok(component) => return Ok(Component(component)),
                    Err(error) => one_line(&error),
                }
            }
            [] => "an empty file".to_owned(),
            _ if std::str::from_utf8(component).is_ok() => "text, not a component".to_owned(),
            _ => "no WebAssembly".to_owned(),
        };
        Err(Error::NotAComponent {
            name: name.to_owned(),
            found,
        })
    }

    async fn share(&self, name: &str, settings: Settings) -> Result<Shared, Error> {
        let mut stores = HashMap::new();
        for (store, grant) in &settings.grants.kv {
            let opened = match grant {
                edgewit_manifest::Store::ReadWrite => {
                    settings.kv.clone().map(|backend| GrantedStore {
                        backend,
                        read_only: false,
                    })
                }
                edgewit_manifest::Store::ReadOnly { values, env } => {
                    let mut values = values.clone();
                    for variable in env {
                        let Some(value) = settings.environment.get(variable) else {
                            return Err(Error::Environment {
                                name: name.to_owned(),
                                store: store.clone(),
                                variable: variable.clone(),
                            });
                        };
                        values.insert(variable.clone(), value.clone());
                    }
                    let backend = Arc::new(kv::Fixed::new(store, values).await);
                    Some(GrantedStore {
                        backend,
                        read_only: true,
                    })
                }
            };
            stores.insert(store.clone(), opened);
        }
        let file = settings.grants.file.as_deref();
        let limit = settings.limits.instances;
        Ok(Shared {
            name: name.to_owned(),
            grants_file: file.unwrap_or(Path::new("edge.toml")).display().to_string(),
            grants: settings.grants,
            limits: settings.limits,
            parts: self.parts.clone(),
            client: Client::new(self.base.tls.clone()),
            overrides: self.overrides.clone(),
            hook: self.hook.clone(),
            stores,
            instances: Instances::new(self.base.places.clone(), limit),
            told_of_names: AtomicBool::new(false),
        })
    }
}

/// The whole chain of an engine's error in one line.
fn one_line(error: &wasmtime::Error) -> String {
    let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
    chain.join(": ").replace('\n', " ")
}

impl Builder {
    /// Watches every import of every application of this host.
    pub fn hook(mut self, hook: Arc<dyn Hook>) -> Self {
        self.hook = Some(hook);
        self
    }

    /// The time that guests see, and that keys of stores expire by.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.parts.clock = clock;
        self
    }

    /// The randomness that guests see.
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.parts.random = random;
        self
    }

    /// How the names of servers become addresses.
    pub fn resolver(mut self, resolver: Arc<dyn Resolver>) -> Self {
        self.parts.resolver = resolver;
        self
    }

    /// A certificate (DER) that fetches over https trust beside the system's roots.
    pub fn root(mut self, certificate: CertificateDer<'static>) -> Self {
        self.roots.push(certificate);
        self
    }

    /// The certificates of a PEM file, as [`root`](Builder::root).
    ///
    /// Errors: `RootFile`.
    pub fn root_file(mut self, path: &Path) -> Result<Self, Error> {
        let wrong = |reason: String| Error::RootFile {
            path: path.to_owned(),
            reason,
        };
        let found =
            CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?;
        let before = self.roots.len();
        for certificate in found {
            self.roots
                .push(certificate.map_err(|error| wrong(error.to_string()))?);
        }
        if self.roots.len() == before {
            return Err(wrong("no certificate in it".to_owned()));
        }
        Ok(self)
    }

    /// Sends requests to `origin` to the server at `peer` instead, over `peer`'s scheme. Guests see no
    /// difference; grants are those of `origin`, and `peer` needs none. Of both URLs only scheme, host and
    /// port count.
    pub fn send_elsewhere(mut self, origin: &Url, peer: &Url) -> Self {
        let origin = origin.origin().ascii_serialization();
        self.overrides.insert(origin, peer.clone());
        self
    }

    /// Instances at once, of all applications together: 1,000 unless said. Each reserves, and does not
    /// use, 8 GiB of address space.
    pub fn instances(mut self, instances: u32) -> Self {
        self.instances = instances;
        self
    }

    /// Keeps what it compiles in this folder, by content, and maps it from there, now and the next time; files that were
    /// long not asked for go when it grows past 1 GiB. Whoever may write there can run code in the host, and no file is
    /// to be written to while a host runs; they may be deleted. A folder that can't be used is done without. None unless
    /// said.
    pub fn cache(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache = Some(folder.into());
        self
    }

    /// Errors: `Engine`, `Root`.
    pub fn build(self) -> Result<Host, Error> {
        let trusted = || trust(&self.roots).map_err(Error::Root);
        let base = match self.base {
            Some(base) if self.roots.is_empty() => base,
            Some(base) => Base {
                tls: trusted()?,
                ..base
            },
            None => Base {
                engine: crate::engine::new(self.instances)
                    .map_err(|error| Error::Engine(one_line(&error)))?,
                compiled: Compiled::new(self.cache),
                tls: trusted()?,
                places: Places::new(self.instances.into()),
            },
        };
        Ok(Host {
            base,
            hook: self.hook,
            parts: self.parts,
            instances: self.instances,
            overrides: Arc::new(self.overrides),
        })
    }
}

impl App {
    /// The name that it was loaded under.
    pub fn name(&self) -> &str {
        &self.shared.name
    }
}
