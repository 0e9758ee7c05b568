//! `edgewit doctor`: which tools are there, for one language or for all.

use std::fmt::Write as _;
use std::path::Path;

use edgewit_build::{Cache, ToolStatus};
use edgewit_manifest::{FILE_NAME, Language};

use crate::args::Doctor;
use crate::error::Error;
use crate::load;
use crate::output::print;

/// Languages that take different tools.
const LANGUAGES: [(&str, Language); 2] = [
    ("Rust", Language::Rust),
    ("JavaScript and TypeScript", Language::TypeScript),
];

pub fn run(doctor: &Doctor) -> Result<(), Error> {
    let language = language(doctor)?;
    let cache = Cache::from_env()?;
    let all = edgewit_build::doctor(&cache);
    let (name, text) = match language {
        Some(language) => {
            let tools = all.iter().filter(|it| it.languages.contains(&language));
            (language.to_string(), lines(tools))
        }
        None => ("any language".to_owned(), lines(&all) + &table(&all)),
    };
    let cache = cache.root().display();
    print(format!("cache: {cache} (EDGEWIT_CACHE moves it)\n{text}").as_bytes())?;
    let mut languages = LANGUAGES.iter().map(|(_, it)| language.unwrap_or(*it));
    match languages.any(|it| missing(&all, it).is_empty()) {
        true => Ok(()),
        false => Err(Error::Missing(name)),
    }
}

/// The language that is asked about; `None` for all.
fn language(doctor: &Doctor) -> Result<Option<Language>, Error> {
    let here = Path::new(".");
    let folder = match (&doctor.folder, doctor.lang) {
        (_, Some(language)) => return Ok(Some(language.into())),
        (Some(folder), None) => folder,
        (None, None) if here.join(FILE_NAME).is_file() => here,
        (None, None) => return Ok(None),
    };
    Ok(Some(load::manifest(folder)?.language))
}

/// A line for each tool.
fn lines<'a>(tools: impl IntoIterator<Item = &'a ToolStatus>) -> String {
    let mut text = String::new();
    for status in tools {
        let ToolStatus {
            tool, needed_for, ..
        } = status;
        let _ = match &status.found {
            Ok(found) => {
                let blank = if found.version.is_empty() { "" } else { " " };
                let (version, path) = (&found.version, found.path.display());
                writeln!(text, "found    {tool}{blank}{version}: {path}")
            }
            Err(remedy) => writeln!(text, "missing  {tool}, for {needed_for}: {remedy}"),
        };
    }
    text
}

/// What of that a language lacks.
fn table(all: &[ToolStatus]) -> String {
    let mut text = String::new();
    for (name, language) in LANGUAGES {
        let missing = missing(all, language);
        let _ = match missing.is_empty() {
            true => writeln!(text, "{name}: ready"),
            false => writeln!(text, "{name}: not without {}", missing.join(", ")),
        };
    }
    text
}

/// The tools that applications in a language can't do without and nothing installs by itself.
fn missing(all: &[ToolStatus], language: Language) -> Vec<&'static str> {
    let missing = all.iter().filter(|it| it.keeps_from(language));
    missing.map(|it| it.tool).collect()
}
