//! One application's folder: its entry, its packages, and what is written into it for its tools.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use edgewit_manifest::{Language, Manifest, Store};
use serde_json::Value;

use super::toolset::{self, Toolset, npm_command};
use crate::{Cache, Error, Event, Report, command, files, output};

/// The file that exports what handles requests, without its extension: the first of these that is there.
const ENTRIES: [&str; 4] = ["src/main", "src/index", "main", "index"];

/// How an application asks for the SDK that this library carries.
pub(crate) const SDK_PACKAGE: &str = "@edgewit/sdk";
const SDK_PLACE: &str = ".edgewit/sdk";

/// Lock files of other package managers than npm, each with what installs.
const OTHERS: [(&str, &str); 4] = [
    ("pnpm-lock.yaml", "pnpm install"),
    ("yarn.lock", "yarn install"),
    ("bun.lock", "bun install"),
    ("bun.lockb", "bun install"),
];

pub(super) struct App {
    /// The folder of its source, absolute, without symbolic links.
    pub(super) source: PathBuf,
    /// Where it is built.
    pub(super) target: PathBuf,
    /// The SDK's folder, if the application has no package.json that names it.
    pub(super) sdk: Option<PathBuf>,
}

impl App {
    /// Finds the folders, puts the SDK and the types of its stores into the application, and installs the
    /// packages that it names.
    pub(super) fn open(
        cache: &Cache,
        manifest: &Manifest,
        toolset: &Toolset,
        report: Report<'_>,
    ) -> Result<Self, Error> {
        let source = output::source_folder(manifest)?;
        let target = output::target_folder(cache, &source)?;
        let sdk = toolset::unpack_sdk(cache, toolset, report)?;
        let package = Package::read(&source)?;
        let names_sdk = package.names(SDK_PACKAGE);
        if names_sdk.is_some_and(|it| it.strip_prefix("file:").is_some_and(is_sdk_place)) {
            place(&sdk, &source.join(SDK_PLACE))?;
        }
        let sdk = names_sdk.is_none().then_some(sdk);
        // They are for editors and `edgewit types`: building goes on without them.
        if let Err(error) = write_types(&source, manifest, toolset) {
            report(Event::Warning(&format!("the types of its stores: {error}")));
        }
        package.install(report)?;
        Ok(Self {
            source,
            target,
            sdk,
        })
    }

    /// The path of the file that exports what handles requests, within the source.
    pub(super) fn entry(&self, language: Language) -> Result<String, Error> {
        let script = ["js", "mjs", "jsx"];
        let typed = ["ts", "mts", "tsx"];
        let extensions = match language {
            Language::JavaScript => [script, typed].concat(),
            _ => [typed, script].concat(),
        };
        let names = ENTRIES.iter().flat_map(|name| {
            let extensions = extensions.iter();
            extensions.map(move |extension| format!("{name}.{extension}"))
        });
        let mut names = names.filter(|name| self.source.join(name).is_file());
        names.next().ok_or_else(|| Error::Source {
            path: self.source.clone(),
            problem: format!(
                "has no entry: a file {0}.{1} is due, which exports what handles requests by default \
                 ({2} do as well, and .{3})",
                ENTRIES[0],
                extensions[0],
                ENTRIES[1..].join(", "),
                extensions[1..].join(", .")
            ),
        })
    }
}

fn is_sdk_place(path: &str) -> bool {
    path.trim_start_matches("./").trim_end_matches('/') == SDK_PLACE
}

/// Makes `to` a copy of the SDK in `from`, whose folder's name tells its version and content.
fn place(from: &Path, to: &Path) -> Result<(), Error> {
    let mark = to.join(".edgewit");
    let wanted = from.file_name().unwrap_or_default().to_string_lossy();
    if fs::read_to_string(&mark).is_ok_and(|text| text == wanted) {
        return Ok(());
    }
    ignore(to.parent().unwrap_or(to))?;
    if to.exists() {
        fs::remove_dir_all(to).map_err(Error::io("delete", to))?;
    }
    // What it depends on, npm installs for the application.
    files::publish(to, |folder| {
        files::copy_folder(&from.join("dist"), &folder.join("dist"))?;
        for file in ["package.json", "README.md", "LICENSE-APACHE", "LICENSE-MIT"] {
            let copied = fs::copy(from.join(file), folder.join(file));
            copied.map_err(Error::io("copy", &from.join(file)))?;
        }
        files::write(&folder.join(".edgewit"), wanted.as_bytes())
    })
}

/// Makes a folder that git leaves alone.
fn ignore(folder: &Path) -> Result<(), Error> {
    let path = folder.join(".gitignore");
    if path.exists() {
        return Ok(());
    }
    files::write(&path, b"*\n")
}

/// Writes the types of what `edge.toml` grants, of files that are imported as they are, of the language and of the Web,
/// where `tsconfig.json` finds them.
fn write_types(source: &Path, manifest: &Manifest, toolset: &Toolset) -> Result<(), Error> {
    let folder = source.join(".edgewit/types");
    let stores = manifest.grants.kv.iter().map(|(name, store)| match store {
        Store::ReadWrite => format!("    {name:?}: Store;\n"),
        Store::ReadOnly { .. } => format!("    {name:?}: ReadOnlyStore;\n"),
    });
    let stores: String = stores.collect();
    // It names the package for what it declares of globals, too: an application that listens imports nothing.
    let env = format!(
        "// Written by `edgewit build` from edge.toml, which replaces it.\n\
         import type {{}} from \"@edgewit/sdk\";\n\
         import type {{ ReadOnlyStore, Store }} from \"@edgewit/sdk/kv\";\n\n\
         declare module \"@edgewit/sdk\" {{\n  interface Env {{\n{stores}  }}\n}}\n"
    );
    let of_engine = |name: &str| {
        let path = toolset.engine().join(name);
        fs::read_to_string(&path).map_err(Error::io("read", &path))
    };
    let texts = [
        ("env.d.ts", &*env),
        ("files.d.ts", FILES),
        // Apart, for whoever has them by `lib`.
        ("language/es.d.ts", &of_engine("language.d.ts")?),
        ("web.d.ts", &of_engine("web.d.ts")?),
    ];
    for (name, text) in texts {
        let path = folder.join(name);
        if fs::read_to_string(&path).is_ok_and(|there| there == text) {
            continue;
        }
        ignore(&source.join(".edgewit"))?;
        files::replace(&path, text.as_bytes())?;
    }
    Ok(())
}

/// The types of what `bundle.mjs` has a loader for.
const FILES: &str = include_str!("../../js/files.d.ts");

/// A `package.json`, if there is one.
struct Package<'a> {
    folder: &'a Path,
    /// What it depends on, with what is asked for.
    wanted: BTreeMap<String, String>,
}

impl<'a> Package<'a> {
    fn read(folder: &'a Path) -> Result<Self, Error> {
        let path = folder.join("package.json");
        let mut wanted = BTreeMap::new();
        if path.exists() {
            let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
            let package: Value =
                serde_json::from_slice(&bytes).map_err(|reason| Error::Source {
                    path,
                    problem: format!("is no package of npm's: {reason}"),
                })?;
            wanted = dependencies(&package);
        }
        Ok(Self { folder, wanted })
    }

    /// What is asked for of the package `name`, if it is.
    fn names(&self, name: &str) -> Option<&str> {
        self.wanted.get(name).map(String::as_str)
    }

    /// Installs what is named and not in `node_modules`, or of another version than the lock file says.
    fn install(&self, report: Report<'_>) -> Result<(), Error> {
        let lock = json(&self.folder.join("package-lock.json"));
        let missing = self.missing(&lock);
        if missing.is_empty() {
            return Ok(());
        }
        let other = OTHERS.iter().find(|it| self.folder.join(it.0).exists());
        if let Some((_, install)) = other {
            return Err(Error::Missing {
                what: format!(
                    "{} in {}/node_modules",
                    missing.join(", "),
                    self.folder.display()
                ),
                remedy: format!("run `{install}` there"),
            });
        }
        let names = missing.join(", ");
        report(Event::Step(&format!("installing {names} with npm")));
        let subcommand = if self.is_locked(&lock) {
            "ci"
        } else {
            "install"
        };
        let mut npm = npm_command(self.folder, subcommand)?;
        // What is looked for is not to depend on `NODE_ENV`.
        npm.arg("--include=dev");
        let status = command::run(npm, None, report)?;
        if status.success() {
            return Ok(());
        }
        Err(Error::Dependencies {
            path: self.folder.to_owned(),
            tool: "npm",
            status,
        })
    }

    fn missing(&self, lock: &Value) -> Vec<&str> {
        let there = json(&self.folder.join("node_modules/.package-lock.json"));
        let is_missing = |name: &&str| {
            let place = format!("node_modules/{name}");
            let version = |of: &Value| {
                of["packages"][&place]["version"]
                    .as_str()
                    .map(str::to_owned)
            };
            let differs = version(lock).zip(version(&there));
            !is_found(self.folder, name) || differs.is_some_and(|(lock, there)| lock != there)
        };
        let names = self.wanted.keys().map(|it| &**it);
        let mut missing: Vec<_> = names.filter(is_missing).collect();
        let sdk = self.folder.join(SDK_PLACE);
        if !missing.contains(&SDK_PACKAGE) && !self.placed().keys().all(|it| is_found(&sdk, it)) {
            missing.push(SDK_PACKAGE);
        }
        missing
    }

    /// What the SDK that was put into the application depends on.
    fn placed(&self) -> BTreeMap<String, String> {
        dependencies(&json(&self.folder.join(SDK_PLACE).join("package.json")))
    }

    /// Whether the lock file is about what is asked for now.
    fn is_locked(&self, lock: &Value) -> bool {
        let of = |place: &str| dependencies(&lock["packages"][place]);
        of("") == self.wanted && of(SDK_PLACE) == self.placed()
    }
}

/// Whether a file in `folder` may import the package `name`: it may lie in any folder above.
fn is_found(folder: &Path, name: &str) -> bool {
    let mut folders = folder.ancestors();
    folders.any(|it| {
        it.join("node_modules")
            .join(name)
            .join("package.json")
            .exists()
    })
}

/// What is in a file, and `null` for one that is not there or no JSON.
fn json(path: &Path) -> Value {
    let bytes = fs::read(path).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

fn dependencies(package: &Value) -> BTreeMap<String, String> {
    let kinds = ["dependencies", "devDependencies"].into_iter();
    let all = kinds.filter_map(|kind| package[kind].as_object()).flatten();
    let named = all.map(|(name, wanted)| {
        let wanted = wanted.as_str().unwrap_or_default();
        (name.clone(), wanted.to_owned())
    });
    named.collect()
}
