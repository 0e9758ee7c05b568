//! What `edgewit conform` is told on the command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use edgewit_conformance::report::Format;
use url::Url;

const EXIT_CODES: &str = "\
Exit codes:
  0  all is as expected
  1  something is not
  2  the run could not be done: the command line, a file of cases or an expect.toml is wrong, or what is
     asked is no guest of the suite
  3  a component could not be loaded";

#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub struct Conform {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Run the cases on components, and compare how they call the host
    #[command(after_help = EXIT_CODES)]
    Run(RunArgs),
    /// Ask any server that has the guest behind it the cases that need no more than requests and replies
    ///
    /// A server that leaves a case without an end for 20 s is asked no more: exit code 1.
    #[command(after_help = EXIT_CODES)]
    Http(Http),
    /// Show side by side how two components call the host in one case; `<` is the first's, `>` the second's
    ///
    /// Behind the calls stands, for each component that fails the case, what differs from what is due.
    #[command(after_help = EXIT_CODES)]
    Diff(Diff),
    /// Show one case: the rule it pins, the script, and what is due
    Explain {
        /// Its name
        case: String,
        #[command(flatten)]
        from: From,
    },
    /// List the names of the cases, one a line
    List {
        #[command(flatten)]
        chosen: Chosen,
    },
}

#[derive(Args)]
pub struct RunArgs {
    /// Component files
    #[arg(required = true, value_name = "FILE.wasm")]
    pub components: Vec<PathBuf>,
    #[command(flatten)]
    pub chosen: Chosen,
    /// What a port owes and is known to fail, one for each component in their order
    /// [default: it owes everything]
    #[arg(long, value_name = "FILE")]
    pub expect: Vec<PathBuf>,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Args)]
pub struct Http {
    /// The server, as `http://127.0.0.1:3000`
    pub url: Url,
    /// What the port owes and is known to fail [default: it owes everything]
    #[arg(long, value_name = "FILE")]
    pub expect: Option<PathBuf>,
    #[command(flatten)]
    pub chosen: Chosen,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Args)]
pub struct Diff {
    /// The first component
    #[arg(value_name = "FILE.wasm")]
    pub one: PathBuf,
    /// The second component
    #[arg(value_name = "FILE.wasm")]
    pub other: PathBuf,
    /// The case's name
    pub case: String,
    /// What the ports owe and are known to fail, one for each component in their order
    /// [default: they owe everything]
    #[arg(long, value_name = "FILE")]
    pub expect: Vec<PathBuf>,
    #[command(flatten)]
    pub from: From,
}

/// Where cases come from.
#[derive(Args)]
pub struct From {
    /// A file of cases to take in place of the suite's own; may be repeated
    #[arg(long = "case", value_name = "FILE.toml")]
    pub files: Vec<PathBuf>,
}

/// Which cases.
#[derive(Args)]
pub struct Chosen {
    /// Only cases with this in their names; may be repeated
    #[arg(long, value_name = "TEXT")]
    pub filter: Vec<String>,
    /// No case with this in its name; may be repeated
    #[arg(long, value_name = "TEXT")]
    pub skip: Vec<String>,
    /// The least that cases mean: `required` leaves out those that are `recommended`
    #[arg(long, value_enum, default_value = "recommended")]
    pub level: LevelArg,
    #[command(flatten)]
    pub from: From,
    /// The Ith of N parts of the cases
    #[arg(long, value_name = "I/N", default_value = "1/1", value_parser = shard)]
    pub shard: (usize, usize),
}

#[derive(Args)]
pub struct Output {
    /// Cases under way at once
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64), value_name = "N")]
    pub jobs: u16,
    /// What to write: human, json, junit or tap, and `=FILE` for one that does not go to standard output;
    /// separated by commas
    #[arg(long = "report", value_name = "FORMAT[=FILE]", default_value = "human", value_delimiter = ',', value_parser = output)]
    pub reports: Vec<Wanted>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
pub enum LevelArg {
    Required,
    Recommended,
}

/// A form, and the file it goes to.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub format: Format,
    pub file: Option<PathBuf>,
}

fn output(text: &str) -> Result<Wanted, String> {
    let (format, file) = match text.split_once('=') {
        Some((_, "")) => return Err("a file is due after `=`".to_owned()),
        Some((format, file)) => (format, Some(PathBuf::from(file))),
        None => (text, None),
    };
    Ok(Wanted {
        format: format.parse()?,
        file,
    })
}

fn shard(text: &str) -> Result<(usize, usize), String> {
    let parsed = text
        .split_once('/')
        .and_then(|(part, parts)| Some((part.parse().ok()?, parts.parse().ok()?)));
    match parsed {
        Some((part, parts)) if 1 <= part && part <= parts => Ok((part, parts)),
        _ => Err("I/N with 1 <= I <= N is due".to_owned()),
    }
}
