//! What builds JavaScript: Node, which has to be there, and the packages and scripts that this library
//! carries and installs into the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{self, clean, which};
use crate::fnv::Fnv;
use crate::pins::NODE_OLDEST;
use crate::{Cache, Error, Event, Found, Report, files, sdk};

/// Which packages there are.
const PACKAGES: [(&str, &str); 2] = [
    ("package.json", include_str!("../../js/package.json")),
    (
        "package-lock.json",
        include_str!("../../js/package-lock.json"),
    ),
];

/// What runs on them.
const SCRIPTS: [(&str, &str); 21] = [
    (
        "absent.ts",
        include_str!("../../../../sdk-js-shim/src/engine/starlingmonkey/absent.ts"),
    ),
    ("build.mjs", include_str!("../../js/build.mjs")),
    ("bundle.mjs", include_str!("../../js/bundle.mjs")),
    ("eager.mjs", include_str!("../../js/eager.mjs")),
    ("edge.wit", include_str!("../../../../wit/edge.wit")),
    ("engine.mjs", include_str!("../../js/engine.mjs")),
    ("failure.mjs", include_str!("../../js/failure.mjs")),
    ("glue.mjs", include_str!("../../js/glue.mjs")),
    ("imports.mjs", include_str!("../../js/imports.mjs")),
    ("lines.mjs", include_str!("../../js/lines.mjs")),
    ("marks.mjs", include_str!("../../js/marks.mjs")),
    ("names.mjs", include_str!("../../js/names.mjs")),
    ("node.mjs", include_str!("../../js/node.mjs")),
    ("ran.mjs", include_str!("../../js/ran.mjs")),
    ("rehearse.mjs", include_str!("../../js/rehearse.mjs")),
    ("require.mjs", include_str!("../../js/require.mjs")),
    ("start.mjs", include_str!("../../js/start.mjs")),
    ("test.mjs", include_str!("../../js/test.mjs")),
    ("thread.mjs", include_str!("../../js/thread.mjs")),
    ("types.mjs", include_str!("../../js/types.mjs")),
    ("unicode.mjs", include_str!("../../js/unicode.mjs")),
];

/// Node with the packages, the scripts and the engine.
#[derive(Debug, Clone)]
pub(crate) struct Toolset {
    node: PathBuf,
    /// Where `node_modules` is.
    packages: PathBuf,
    /// Below it: the scripts, and the engine in `engine/`.
    scripts: PathBuf,
}

impl Toolset {
    pub(super) fn found(self) -> Found {
        Found {
            version: pinned("@bytecodealliance/componentize-js"),
            path: self.scripts,
        }
    }

    /// The folder of the engine as it is started and built on.
    pub(super) fn engine(&self) -> PathBuf {
        self.scripts.join("engine")
    }

    /// A command that runs one of the scripts.
    pub(super) fn script(&self, name: &str) -> Command {
        let mut node = clean(&self.node);
        // `node:wasi` is experimental, which is no news to an application's developer.
        node.arg("--no-warnings").arg(self.scripts.join(name));
        node
    }

    /// A command that is Node itself.
    pub(super) fn node(&self) -> Command {
        clean(&self.node)
    }

    /// A command that is TypeScript's compiler.
    pub(super) fn tsc(&self) -> Command {
        let mut node = clean(&self.node);
        node.arg(self.packages.join("node_modules/typescript/bin/tsc"));
        node
    }
}

/// Node, if it is there and new enough, else what to do.
pub(crate) fn node() -> Result<Found, String> {
    let install = format!(
        "install Node {NODE_OLDEST} or newer from https://nodejs.org, or with your package manager where \
         it has that"
    );
    let path = which("node").ok_or_else(|| install.clone())?;
    let version = version(&path).ok_or_else(|| install.clone())?;
    let major = version
        .split('.')
        .next()
        .and_then(|it| it.parse::<u32>().ok());
    if major.is_none_or(|major| major < NODE_OLDEST) {
        return Err(format!("{} is Node {version}; {install}", path.display()));
    }
    Ok(Found { version, path })
}

/// npm, if it is there, else what to do.
pub(crate) fn npm() -> Result<Found, String> {
    let remedy = "it comes with Node from https://nodejs.org; Debian has it as the package `npm`";
    let path = which("npm").ok_or(remedy)?;
    let version = version(&path).ok_or(remedy)?;
    Ok(Found { version, path })
}

fn version(program: &Path) -> Option<String> {
    let mut ask = clean(program);
    ask.arg("--version");
    let said = String::from_utf8(command::output(ask, &|_| {}).ok()?).ok()?;
    Some(said.trim().trim_start_matches('v').to_owned())
}

/// The packages and scripts, if they are installed, with the version of the engine.
pub(crate) fn find(cache: &Cache) -> Option<Found> {
    let scripts = folders(cache).1;
    scripts.is_dir().then_some(Found {
        version: pinned("@bytecodealliance/componentize-js"),
        path: scripts,
    })
}

/// What to do where the toolset is missing.
pub(crate) fn by_hand() -> String {
    "the first build of an application in JavaScript or TypeScript installs it, with npm".to_owned()
}

/// The version of a package that the toolset has.
fn pinned(package: &str) -> String {
    let packages: serde_json::Value = serde_json::from_str(PACKAGES[0].1).unwrap_or_default();
    let version = packages["dependencies"][package].as_str();
    version.unwrap_or_default().to_owned()
}

/// Finds the toolset, and installs it where it is missing.
/// Errors: `Missing` if there is no Node, or no npm where it takes that; `Failed` if npm fails.
pub(crate) fn ensure(cache: &Cache, report: Report<'_>) -> Result<Toolset, Error> {
    let node = node().map_err(|remedy| missing("Node", remedy))?.path;
    let (packages, scripts) = folders(cache);
    let toolset = Toolset {
        node,
        packages,
        scripts,
    };
    if toolset.scripts.is_dir() {
        return Ok(toolset);
    }
    let _lock = cache.lock(report)?;
    if !toolset.packages.is_dir() {
        files::publish(&toolset.packages, |folder| install(folder, report))?;
    }
    if !toolset.scripts.is_dir() {
        report(Event::Step("preparing the JavaScript engine, once"));
        files::publish(&toolset.scripts, |folder| prepare(folder, &toolset, report))?;
    }
    Ok(toolset)
}

/// Where the packages are, and within it the scripts: other scripts may come with the same packages.
fn folders(cache: &Cache) -> (PathBuf, PathBuf) {
    let hash = |files: &[(&str, &str)]| {
        let mut hash = Fnv::new();
        for (name, text) in files {
            hash.add(name.as_bytes());
            hash.add(text.as_bytes());
        }
        format!("{:016x}", hash.0)
    };
    let packages = cache.root().join("js").join(hash(&PACKAGES));
    let scripts = packages.join(hash(&SCRIPTS));
    (packages, scripts)
}

fn install(folder: &Path, report: Report<'_>) -> Result<(), Error> {
    report(Event::Step(&format!(
        "installing what builds JavaScript (componentize-js {}, esbuild, TypeScript) with npm, once",
        pinned("@bytecodealliance/componentize-js")
    )));
    for (name, text) in PACKAGES {
        files::write(&folder.join(name), text.as_bytes())?;
    }
    let mut npm = npm_command(folder, "ci")?;
    // esbuild's script only makes its start quicker, and no other package has one.
    npm.arg("--ignore-scripts");
    command::succeed(npm, None, report)
}

fn prepare(folder: &Path, toolset: &Toolset, report: Report<'_>) -> Result<(), Error> {
    for (name, text) in SCRIPTS {
        files::write(&folder.join(name), text.as_bytes())?;
    }
    let engine = folder.join("engine");
    files::create_folder(&engine)?;
    let mut node = toolset.node();
    node.args(["--no-warnings", "engine.mjs", "engine"])
        .current_dir(folder);
    command::succeed(node, None, report)
}

/// A command of npm's for the package in `folder`, which says only what goes wrong.
pub(super) fn npm_command(folder: &Path, subcommand: &str) -> Result<Command, Error> {
    let npm = npm().map_err(|remedy| missing("npm", remedy))?;
    let mut command = clean(npm.path);
    command.current_dir(folder).args([
        subcommand,
        "--no-audit",
        "--no-fund",
        "--no-update-notifier",
        "--prefer-offline",
    ]);
    Ok(command)
}

fn missing(what: &str, remedy: String) -> Error {
    Error::Missing {
        what: what.to_owned(),
        remedy,
    }
}

/// The folder of the JavaScript SDK (the package `@edgewit/sdk`) in the cache, compiled, with what it
/// depends on; it appears whole, named after version and content, and those of other versions stay.
/// Errors: `Failed` if it does not compile; `Io` if the cache can't be written.
pub(super) fn unpack_sdk(
    cache: &Cache,
    toolset: &Toolset,
    report: Report<'_>,
) -> Result<PathBuf, Error> {
    sdk::unpack(cache, &sdk::JS, report, |folder| {
        report(Event::Step("compiling the JavaScript SDK, once"));
        let mut npm = npm_command(folder, "ci")?;
        npm.args(["--ignore-scripts", "--omit=dev"]);
        command::succeed(npm, None, report)?;
        let mut tsc = toolset.tsc();
        tsc.current_dir(folder);
        command::succeed(tsc, None, report)?;
        let source = folder.join("src");
        fs::remove_dir_all(&source).map_err(Error::io("delete", &source))?;
        let path = folder.join("package.json");
        let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        files::write(&path, published(&text).as_bytes())
    })
}

/// The SDK's `package.json` without what is only for whoever works on it: npm would install that for an
/// application, too.
fn published(package: &str) -> String {
    let mut package: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(package).unwrap_or_default();
    package.shift_remove("scripts");
    package.shift_remove("devDependencies");
    format!("{:#}\n", serde_json::Value::from(package))
}
