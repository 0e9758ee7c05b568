//! The command `edgewit`.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "both panic where nobody reads"
)]

mod args;
mod conform;
mod control;
mod demo;
mod doctor;
mod error;
mod kv;
mod load;
mod logs;
mod output;
mod port;
mod progress;
mod serve;
mod sink;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory;
use edgewit_build::Cache;

use args::{Args, Bindgen, Build, Command, New};
use error::Error;
use output::{print, say, tell};
use progress::Progress;

fn main() -> ExitCode {
    match run(Args::read().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(format_args!("edgewit: {error}"));
            ExitCode::from(error.code())
        }
    }
}

fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::New(new) => self::new(&new),
        Command::Build(build) => self::build(&build),
        Command::Test { folder, arguments } => test(&folder, &arguments),
        Command::Types { folder } => types(&folder),
        Command::Serve(serve) => serve::run(&serve),
        Command::Kv(kv) => kv::run(kv),
        Command::Demo(demo) => demo::run(&demo),
        Command::Doctor(doctor) => doctor::run(&doctor),
        Command::Conform(conform) => conform::run(&conform),
        Command::Port(port) => port::run(&port),
        Command::Bindgen(bindgen) => self::bindgen(&bindgen),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "edgewit", &mut script);
            print(&script)
        }
    }
}

fn new(new: &New) -> Result<(), Error> {
    // `.` has a name where it lies.
    let there = std::fs::canonicalize(&new.folder).unwrap_or_else(|_| new.folder.clone());
    let name = there.file_name().unwrap_or_default().to_string_lossy();
    let progress = Progress::new();
    let cache = Cache::from_env()?;
    let language = new.lang.into();
    let manifest =
        edgewit_build::new_app(&cache, &new.folder, &name, language, &progress.report())?;
    progress.finish();
    say(format_args!("wrote {}", manifest.display()))?;
    say(format_args!(
        "next, in {}: `edgewit test` and `edgewit serve`",
        new.folder.display()
    ))
}

fn build(build: &Build) -> Result<(), Error> {
    let manifest = load::manifest(&build.folder)?;
    let options = edgewit_build::Options {
        debug: build.debug,
        output: build.output.clone(),
    };
    let progress = Progress::new();
    let built = edgewit_build::build(&Cache::from_env()?, &manifest, &options, &progress.report());
    let built = progress.end(built)?;
    say(format_args!(
        "{} ({} bytes)",
        built.path.display(),
        built.bytes
    ))
}

fn test(folder: &Path, arguments: &[OsString]) -> Result<(), Error> {
    let manifest = load::manifest(folder)?;
    let progress = Progress::showing_output();
    let tested = edgewit_build::test(
        &Cache::from_env()?,
        &manifest,
        arguments,
        &progress.report(),
    );
    Ok(progress.end(tested)?)
}

fn types(folder: &Path) -> Result<(), Error> {
    let manifest = load::manifest(folder)?;
    let progress = Progress::new();
    let checked = edgewit_build::types(&Cache::from_env()?, &manifest, &progress.report());
    Ok(progress.end(checked)?)
}

fn bindgen(bindgen: &Bindgen) -> Result<(), Error> {
    let here = std::env::current_dir().map_err(Error::io("find", Path::new(".")))?;
    let root = here
        .ancestors()
        .find(|folder| folder.join(edgewit_bindgen::WIT).is_file())
        .ok_or(Error::NoCheckout {
            what: "bindgen writes the bindings of a checkout of Edgewit",
        })?;
    let languages = match bindgen.lang {
        Some(args::BindingsLanguage::Rust) => &[edgewit_bindgen::Language::Rust][..],
        Some(args::BindingsLanguage::C) => &[edgewit_bindgen::Language::C][..],
        Some(args::BindingsLanguage::Ts) => &[edgewit_bindgen::Language::TypeScript][..],
        None => &edgewit_bindgen::Language::ALL[..],
    };
    for language in languages {
        if bindgen.check {
            edgewit_bindgen::check(*language, root)?;
            say(format_args!("up to date: {}", language.folder().display()))?;
        } else {
            edgewit_bindgen::write(*language, root)?;
            say(format_args!("wrote {}", language.folder().display()))?;
        }
    }
    Ok(())
}
