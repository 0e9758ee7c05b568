//! One application's folder, and how cargo is called for it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use edgewit_manifest::Manifest;

use super::metadata::Metadata;
use super::toolchain::{Compiler, Toolchain};
use crate::command::{self, clean};
use crate::pins::RUST_TARGET;
use crate::{Cache, Error, Event, Report, files, output, sdk};

/// The profile that every component is built in, with names and lines, which are left out afterwards
/// where they are not wanted: what `serve` has compiled, `build` only packs.
const PROFILE: &str = "release";
const PROFILE_SETTINGS: [&str; 2] = ["debug='line-tables-only'", "strip=false"];

/// The first words of the file that this library keeps in an application.
const CONFIGURATION_MARK: &str = "# Written by `edgewit build`";

/// An application's folder.
pub(crate) struct App {
    /// The one with its `Cargo.toml`, absolute, without symbolic links.
    pub(crate) source: PathBuf,
    /// Where cargo and this library build.
    pub(crate) target: PathBuf,
    /// The SDK to use where the application asks for the one of the registry.
    pub(crate) sdk: Option<PathBuf>,
}

impl App {
    /// Finds the folders, and unpacks the SDK if the application does not bring its own.
    pub(crate) fn open(
        cache: &Cache,
        manifest: &Manifest,
        report: Report<'_>,
    ) -> Result<Self, Error> {
        let source = output::source_folder(manifest)?;
        let target = output::target_folder(cache, &source)?;
        let sdk = if wants_sdk(&source)? {
            let sdk = sdk::unpack_rust(cache, report)?;
            keep_configuration(&source, &sdk);
            Some(link(&target, sdk))
        } else {
            None
        };
        Ok(Self {
            source,
            target,
            sdk,
        })
    }

    /// A cargo command for the application.
    pub(super) fn cargo(&self, compiler: &Compiler, subcommand: &str) -> Command {
        let mut cargo = clean(&compiler.cargo);
        if let Some(rustc) = &compiler.rustc {
            cargo.env("RUSTC", rustc);
        }
        cargo.current_dir(&self.source).arg(subcommand);
        if let Some(sdk) = &self.sdk {
            let path = quote(sdk.to_string_lossy());
            cargo
                .arg("--config")
                .arg(format!("patch.crates-io.edgewit.path={path}"));
        }
        cargo
    }

    /// What the application consists of on `target`, all of it on this machine afterwards: cargo goes
    /// to the network only for what it does not have.
    pub(super) fn resolve(
        &self,
        compiler: &Compiler,
        target: &str,
        report: Report<'_>,
    ) -> Result<Metadata, Error> {
        let metadata = |report| {
            let mut cargo = self.cargo(compiler, "metadata");
            cargo.args([
                "--format-version=1",
                "--offline",
                "--filter-platform",
                target,
            ]);
            command::output(cargo, report)
        };
        let json = match metadata(&|_| {}) {
            Ok(json) => json,
            Err(Error::Failed { .. }) => {
                self.check_package(compiler, report)?;
                report(Event::Step("downloading dependencies"));
                let mut cargo = self.cargo(compiler, "fetch");
                cargo.args(["--target", target, "--target", &compiler.host]);
                let status = command::run(cargo, None, report)?;
                if !status.success() {
                    return Err(Error::Dependencies {
                        path: self.source.clone(),
                        tool: "cargo",
                        status,
                    });
                }
                metadata(report)?
            }
            Err(other) => return Err(other),
        };
        Metadata::parse(&json, &self.source)
    }

    /// Whether cargo takes the package itself, which no download would mend.
    fn check_package(&self, compiler: &Compiler, report: Report<'_>) -> Result<(), Error> {
        let mut cargo = self.cargo(compiler, "metadata");
        cargo.args(["--format-version=1", "--offline", "--no-deps"]);
        match command::output(cargo, report) {
            Err(Error::Failed { .. }) => Err(Error::Source {
                path: self.source.join("Cargo.toml"),
                problem: "cargo refuses this package".to_owned(),
            }),
            checked => checked.map(drop),
        }
    }

    /// Compiles the application's library and returns the core module, with names and lines.
    pub(super) fn compile(
        &self,
        toolchain: &Toolchain,
        metadata: &Metadata,
        stack_bytes: u32,
        report: Report<'_>,
    ) -> Result<Vec<u8>, Error> {
        let file = format!("{}.wasm", metadata.library(&self.source)?);
        let mut cargo = self.cargo(&toolchain.compiler, "rustc");
        // With an `rlib` beside it, which tests need, cargo would not optimise across crates.
        cargo.args([
            "--lib",
            "--crate-type",
            "cdylib",
            "--offline",
            "--target",
            RUST_TARGET,
        ]);
        cargo
            .args(["--profile", PROFILE, "--target-dir"])
            .arg(&self.target);
        for setting in PROFILE_SETTINGS {
            cargo
                .arg("--config")
                .arg(format!("profile.{PROFILE}.{setting}"));
        }
        let key = format!("target.{RUST_TARGET}");
        if let Some(linker) = &toolchain.linker {
            let linker = quote(linker.to_string_lossy());
            cargo.arg("--config").arg(format!("{key}.linker={linker}"));
        }
        let flags = self.flags(toolchain, metadata);
        let flags: Vec<_> = flags.iter().map(quote).collect();
        cargo
            .arg("--config")
            .arg(format!("{key}.rustflags=[{}]", flags.join(", ")));
        cargo.args(["--", &format!("-Clink-arg=-zstack-size={stack_bytes}")]);
        let status = command::run(cargo, None, report)?;
        if !status.success() {
            return Err(Error::Compile {
                path: self.source.clone(),
                tool: "cargo",
                status,
            });
        }
        let core = self.target.join(RUST_TARGET).join(PROFILE).join(file);
        fs::read(&core).map_err(Error::io("read", &core))
    }

    /// The compiler's flags for everything in the guest.
    fn flags(&self, toolchain: &Toolchain, metadata: &Metadata) -> Vec<String> {
        let mut flags = Vec::new();
        // `getrandom` asks the SDK for bytes, and not a browser. Without it the SDK's answer would be
        // an import that nobody uses.
        if !metadata.dependents(&["getrandom"]).is_empty() {
            flags.push("--cfg".to_owned());
            flags.push("getrandom_backend=\"custom\"".to_owned());
        }
        if let Some(sysroot) = &toolchain.sysroot {
            flags.push(format!("--sysroot={}", sysroot.display()));
        }
        let mut remaps = metadata.path_packages();
        remaps.push((self.source.clone(), ".".to_owned()));
        remaps.push((self.target.clone(), "/target".to_owned()));
        remaps.push(toolchain.compiler.source_remap());
        remaps.extend(cargo_home().map(|home| (home, "/cargo".to_owned())));
        let inside = self
            .sdk
            .as_ref()
            .and_then(|sdk| sdk.strip_prefix(&self.source).ok());
        remaps.extend(inside.map(|sdk| (sdk.to_owned(), "/edgewit".to_owned())));
        // The last that fits is taken: the longest.
        remaps.sort_by_key(|(from, _)| from.as_os_str().len());
        let remaps = remaps.iter();
        flags.extend(
            remaps.map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display())),
        );
        flags
    }
}

/// The `.cargo/config.toml` of an application: with it, plain cargo and editors find the SDK.
pub(crate) fn configuration(sdk: &Path) -> String {
    let path = quote(sdk.to_string_lossy());
    format!(
        "{CONFIGURATION_MARK}, which replaces it; it is of this machine alone, so git ignores it.\n\
         # With it plain cargo and editors find the SDK.\n\
         [patch.crates-io]\n\
         edgewit = {{ path = {path} }}\n"
    )
}

/// Writes the configuration where it is missing or out of date. Building goes on without it.
fn keep_configuration(source: &Path, sdk: &Path) {
    let path = source.join(".cargo/config.toml");
    let wanted = configuration(sdk);
    let ours = match fs::read_to_string(&path) {
        Ok(text) => text.starts_with(CONFIGURATION_MARK) && text != wanted,
        Err(_) => !path.exists(),
    };
    if ours {
        let _ = files::replace(&path, wanted.as_bytes());
    }
}

/// Whether the application's `edgewit` is the registry's, and not one at a path it names itself: a
/// patch that is not used would end up in its lock file.
fn wants_sdk(source: &Path) -> Result<bool, Error> {
    let path = source.join("Cargo.toml");
    let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
    let manifest: toml::Table = match text.parse() {
        Ok(manifest) => manifest,
        // cargo says what is wrong, and where.
        Err(_) => return Ok(false),
    };
    let dependencies = manifest.get("dependencies").and_then(|it| it.as_table());
    Ok(dependencies.into_iter().flatten().any(|(name, it)| {
        // Under a name of the application's own, the package is named inside.
        let package = it.get("package").and_then(|package| package.as_str());
        let elsewhere = ["path", "git", "registry"]
            .iter()
            .any(|key| it.get(key).is_some());
        package.unwrap_or(name) == "edgewit" && !elsewhere
    }))
}

fn cargo_home() -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from);
    home.or_else(|| Some(env::home_dir()?.join(".cargo")))
}

/// The SDK by a path inside of the application, if the target folder is: cargo names packages at a
/// path by where they lie relative to the application, and those names get into the component.
fn link(target: &Path, sdk: PathBuf) -> PathBuf {
    let link = target.join("sdk").join(sdk.file_name().unwrap_or_default());
    let made = || {
        files::create_folder(&target.join("sdk"))?;
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(&sdk, &link).map_err(Error::io("write", &link))
    };
    if fs::read_link(&link).is_ok_and(|to| to == sdk) || made().is_ok() {
        link
    } else {
        sdk
    }
}

/// A TOML string.
fn quote(text: impl AsRef<str>) -> String {
    toml::Value::from(text.as_ref()).to_string()
}
