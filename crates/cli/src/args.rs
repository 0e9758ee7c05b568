//! The command line.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use url::Url;

const EXIT_CODES: &str = "\
Exit codes:
  0  done; for serve and demo: stopped by Ctrl-C
  1  failed: a build, a test, what kv was to do, bindings that differ
  2  the command line is wrong, or a file that it leads to: an edge.toml, a .env, a component
  3  a tool is missing and was not installed; the command to run is printed

EDGEWIT_CACHE moves everything that Edgewit keeps between runs (default: ~/.cache/edgewit);
what cargo and npm download is in their own folders, which CARGO_HOME and npm_config_cache move.
EDGEWIT_LOG filters log lines, as in `debug` or `warn,edgewit::guest=trace` (default: info). They go
to standard error, for people where that is a terminal, else as one object of JSON a line.";

/// Writes, builds, serves and tests edge applications.
#[derive(Parser)]
#[command(name = "edgewit", version, after_help = EXIT_CODES)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Write a new application into a new folder
    New(New),
    /// Build an application into a component and print its size
    Build(Build),
    /// Run an application's own tests
    Test {
        /// The folder of its edge.toml
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// What its test runner is told, such as a part of a test's name
        #[arg(last = true, value_name = "ARGUMENTS")]
        arguments: Vec<OsString>,
    },
    /// Write the types of an application's stores, in JavaScript or TypeScript, and check its types
    Types {
        /// The folder of its edge.toml
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Serve applications over HTTP until Ctrl-C or SIGTERM, which leave requests under way a second
    Serve(Serve),
    /// Read and write an application's stores
    Kv(Kv),
    /// Build and serve every example of this checkout, with a page that compares them
    Demo(Demo),
    /// Say which tools were found, and what to do about those that were not
    Doctor(Doctor),
    /// Write the bindings of an SDK anew from wit/
    Bindgen(Bindgen),
    /// Ask components whether they behave as edge:sdk says, and exactly like each other
    Conform(crate::conform::Conform),
    /// Begin a guest for the conformance suite in a new language, and see how far it has come
    Port(crate::port::Port),
    /// Print completions for a shell
    Completions {
        /// The shell they are for
        shell: clap_complete::Shell,
    },
}

impl Args {
    /// The command line. One that is wrong ends the process, as the help says.
    pub fn read() -> Self {
        Self::try_parse().unwrap_or_else(|error| advised(error).exit())
    }
}

/// What other tools call it, and what there is here.
const ELSEWHERE: [(&[&str], &str); 7] = [
    (
        &["dev", "start", "run", "preview"],
        "`edgewit serve` builds an application and serves it; what changes later is served after a restart",
    ),
    (
        &["deploy", "publish", "upload"],
        "`edgewit build` writes a component for any host of edge:sdk; there is no command that brings it to one",
    ),
    (&["init", "create"], "`edgewit new --lang LANGUAGE NAME`"),
    (&["check", "typecheck", "tsc"], "`edgewit types`"),
    (
        &["--port", "-p", "--host", "--ip"],
        "`--listen 127.0.0.1:3000`, an IP address and a port",
    ),
    (
        &["--watch", "-w"],
        "nothing watches files: after a change, run it again",
    ),
    (&["put"], "`edgewit kv set STORE KEY VALUE`"),
];

/// An error with what to write where a word is another tool's, instead of what is spelt alike.
fn advised(error: clap::Error) -> clap::Error {
    let kinds = [ContextKind::InvalidSubcommand, ContextKind::InvalidArg];
    let words = kinds.iter().filter_map(|kind| error.get(*kind));
    let advice = words
        .filter_map(|word| match word {
            ContextValue::String(word) => Some(word.as_str()),
            _ => None,
        })
        .find_map(|word| ELSEWHERE.iter().find(|(words, _)| words.contains(&word)));
    let Some((_, advice)) = advice else {
        return error;
    };
    let mut told = clap::Error::new(error.kind()).with_cmd(&Args::command());
    let alike = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg];
    for (kind, value) in error.context().filter(|(kind, _)| !alike.contains(kind)) {
        told.insert(kind, value.clone());
    }
    let advice = ContextValue::StyledStrs(vec![(*advice).into()]);
    told.insert(ContextKind::Suggested, advice);
    told
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Language {
    Rust,
    Js,
    Ts,
}

impl From<Language> for edgewit_manifest::Language {
    fn from(language: Language) -> Self {
        match language {
            Language::Rust => Self::Rust,
            Language::Js => Self::JavaScript,
            Language::Ts => Self::TypeScript,
        }
    }
}

#[derive(clap::Args)]
pub struct New {
    /// The language to write it in
    #[arg(long)]
    pub lang: Language,
    /// The folder to write it into, whose last part is its name
    #[arg(value_name = "NAME")]
    pub folder: PathBuf,
}

#[derive(clap::Args)]
pub struct Build {
    /// The folder of its edge.toml
    #[arg(default_value = ".")]
    pub folder: PathBuf,
    /// The file to write [default: target/edgewit/NAME.wasm in its folder, with --debug NAME.debug.wasm]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Keep the names and lines of a compiled language, so that a trap shows where it was; JavaScript has none to keep:
    /// what it throws has its line in any build, and what a limit such as guest-ms ends has none
    #[arg(long)]
    pub debug: bool,
}

#[derive(clap::Args)]
pub struct Serve {
    /// Folders with an edge.toml, which are built first, or component files, which are named after
    /// the file. One is served at /; several each under /NAME and at the host NAME.localhost. What
    /// changes later is served after a restart. Stores are kept in .edgewit/kv.redb beside the
    /// edge.toml
    #[arg(default_value = ".", value_name = "DIR|FILE.wasm")]
    pub apps: Vec<PathBuf>,
    /// Where to listen; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:3000", value_name = "ADDRESS", value_parser = address)]
    pub listen: SocketAddr,
    /// The edge.toml that grants component files what they may reach [default: the one beside each,
    /// else nothing is granted]; a folder has its own
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A file of certificates (PEM) that fetches over https trust beside the system's: of an
    /// authority, or of a server that is none (`openssl req -x509 … -addext
    /// basicConstraints=critical,CA:FALSE`); may be repeated
    #[arg(long, value_name = "FILE")]
    pub ca: Vec<PathBuf>,
    /// Send what is fetched from an origin to another server, as in
    /// `https://api.example.com=http://127.0.0.1:9000`; it takes no grant but the origin's; may be repeated
    #[arg(long = "override", value_name = "ORIGIN=ORIGIN", value_parser = overridden)]
    pub overrides: Vec<Override>,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let due = "an IP address and a port are due, as in 127.0.0.1:3000 or [::1]:3000";
    text.parse().map_err(|_| due.to_owned())
}

/// An origin, and the server that stands in for it.
#[derive(Clone)]
pub struct Override {
    pub origin: Url,
    pub peer: Url,
}

fn overridden(text: &str) -> Result<Override, String> {
    let (origin, peer) = text
        .split_once('=')
        .ok_or("two origins with a `=` between them are due")?;
    Ok(Override {
        origin: one_origin(origin)?,
        peer: one_origin(peer)?,
    })
}

/// A URL that is no more than an origin, written without wildcards.
fn one_origin(text: &str) -> Result<Url, String> {
    let parsed: edgewit_manifest::Origin = text.parse().map_err(|error| format!("{error}"))?;
    Url::parse(text)
        .ok()
        .filter(|url| edgewit_manifest::Origin::of(url) == Some(parsed))
        .ok_or_else(|| "an origin without wildcards is due".to_owned())
}

#[derive(clap::Args)]
pub struct Doctor {
    /// The folder of an edge.toml: only what applications in its language take is looked at [default: where
    /// there is no edge.toml either, the tools of all languages, of which one is enough]
    pub folder: Option<PathBuf>,
    /// The language, instead of that of an edge.toml
    #[arg(long, conflicts_with = "folder")]
    pub lang: Option<Language>,
}

#[derive(clap::Args)]
pub struct Demo {
    /// The port on 127.0.0.1; 0 picks a free one
    #[arg(long, default_value_t = 3000)]
    pub port: u16,
}

#[derive(clap::Args)]
pub struct Bindgen {
    /// The language whose bindings are written
    #[arg(long, required_unless_present = "all", conflicts_with = "all")]
    pub lang: Option<BindingsLanguage>,
    /// All languages
    #[arg(long)]
    pub all: bool,
    /// Write nothing; fail if anything differs
    #[arg(long)]
    pub check: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum BindingsLanguage {
    Rust,
    C,
    Ts,
}

#[derive(clap::Args)]
pub struct Kv {
    #[command(subcommand)]
    pub operation: KvOperation,
    /// The folder of the application's edge.toml
    #[arg(long, global = true, default_value = ".", value_name = "FOLDER")]
    pub dir: PathBuf,
    /// The file that grants the stores, where `serve` was given one with --config [default: edge.toml in
    /// the folder]
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "dir")]
    pub config: Option<PathBuf>,
}

#[derive(Subcommand)]
pub enum KvOperation {
    /// Print the bytes of a key's value, and no line feed behind them; one that edge.toml takes from the environment is
    /// never shown
    Get {
        /// The store, by its name in edge.toml
        store: String,
        /// The key, 1 to 1024 bytes
        #[arg(allow_hyphen_values = true)]
        key: String,
    },
    /// Write a key
    Set {
        /// The store, by its name in edge.toml
        store: String,
        /// The key, 1 to 1024 bytes
        #[arg(allow_hyphen_values = true)]
        key: String,
        /// The value; `-` reads it from standard input
        #[arg(allow_hyphen_values = true)]
        value: String,
        /// Milliseconds until it expires [default: never]
        #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
        ttl_ms: Option<u64>,
    },
    /// Print the keys of a store, one a line, in the order of their bytes
    List {
        /// The store, by its name in edge.toml
        store: String,
        /// Only keys that begin with this
        #[arg(long, default_value = "", allow_hyphen_values = true)]
        prefix: String,
    },
    /// Delete a key
    Delete {
        /// The store, by its name in edge.toml
        store: String,
        /// The key, 1 to 1024 bytes
        #[arg(allow_hyphen_values = true)]
        key: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        let parsed = Args::try_parse_from(line.split(' '));
        parsed.map(|args| args.command).map_err(|it| it.to_string())
    }

    #[test]
    fn what_is_not_said_is_as_documented() {
        let Ok(Command::Serve(serve)) = parse("edgewit serve") else {
            panic!("not serve");
        };
        assert_eq!(serve.listen.to_string(), "127.0.0.1:3000");
        assert_eq!(serve.apps, [PathBuf::from(".")]);
        let Ok(Command::Demo(demo)) = parse("edgewit demo") else {
            panic!("not demo");
        };
        assert_eq!(demo.port, 3000);
    }

    #[test]
    fn words_of_other_tools_are_answered_with_those_of_this_one() {
        for (line, advice) in [
            ("edgewit dev", "  tip: `edgewit serve` builds"),
            ("edgewit deploy --prod", "  tip: `edgewit build` writes"),
            (
                "edgewit serve --port 3000",
                "  tip: `--listen 127.0.0.1:3000`",
            ),
            ("edgewit serve -p 3000", "  tip: `--listen 127.0.0.1:3000`"),
            (
                "edgewit serve --port=3000",
                "  tip: `--listen 127.0.0.1:3000`",
            ),
            ("edgewit serve --watch", "  tip: nothing watches files"),
        ] {
            let error = Args::try_parse_from(line.split(' ')).err().unwrap();
            let text = advised(error).to_string();
            assert!(text.contains(advice), "{line}: {text}");
            assert_eq!(text.matches("tip: ").count(), 1, "{line}: {text}");
        }
        // What is no other tool's is told as before.
        let error = Args::try_parse_from(["edgewit", "buidl"]).err().unwrap();
        let text = advised(error).to_string();
        assert!(text.contains("'build'"), "{text}");
    }

    #[test]
    fn an_address_is_no_name() {
        let error = parse("edgewit serve --listen localhost:3000")
            .err()
            .unwrap();
        assert!(
            error.contains("an IP address and a port are due"),
            "{error}"
        );
    }
}
