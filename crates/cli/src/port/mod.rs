//! `edgewit port`: what somebody needs who brings `edge:sdk` to a new language.

mod doctor;
pub mod interfaces;
mod skeleton;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::error::Error;

const EXIT_CODES: &str = "\
Exit codes:
  0  done; for doctor: nothing is missing, and the first cases pass
  1  a file can't be written; for doctor: a case fails
  2  the command line is wrong, or the folder is not empty
  3  the component could not be loaded";

#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub struct Port {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Write what a guest in another language begins with: the ladder, the contract, an outline, and lines
    /// for CI
    #[command(after_help = EXIT_CODES)]
    New {
        /// The language, as `zig`: lower-case letters, digits and hyphens, a letter first
        #[arg(value_parser = language)]
        lang: String,
        /// The folder to write it into [default: conformance-LANG]
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
    /// Say in words what a component lacks: interfaces, functions, versions, and the first cases
    #[command(after_help = EXIT_CODES)]
    Doctor {
        /// The component
        #[arg(value_name = "FILE.wasm")]
        file: PathBuf,
    },
}

fn language(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_name = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(allowed)
        && text.len() <= 64;
    is_name.then(|| text.to_owned()).ok_or_else(|| {
        "at most 64 lower-case letters, digits and hyphens, a letter first, are due, as `zig` or `cpp`"
            .to_owned()
    })
}

pub fn run(port: &Port) -> Result<(), Error> {
    match &port.command {
        Command::New { lang, folder } => {
            let default = || PathBuf::from(format!("conformance-{lang}"));
            skeleton::write(lang, &folder.clone().unwrap_or_else(default))
        }
        Command::Doctor { file } => doctor::run(file),
    }
}
