//! `edgewit port new`: the folder that a port begins with.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use edgewit_conformance::{CONTRACT, LADDER, Row, Rung, WIT};

use super::interfaces::World;
use crate::error::Error;

macro_rules! template {
    ($file:literal) => {
        include_str!(concat!("../../templates/port/", $file, ".in"))
    };
}

/// The files, where `{{lang}}` is the language, `{{ladder}}` what is to be climbed, and `{{verbs}}` the
/// contract's verbs by rung.
const FILES: [(&str, &str); 8] = [
    ("README.md", template!("README.md")),
    ("CONTRACT.md", CONTRACT),
    ("wit/edge.wit", WIT),
    ("guest-outline.txt", template!("guest-outline.txt")),
    ("expect.toml", template!("expect.toml")),
    ("ci.sh", template!("ci.sh")),
    (".gitignore", "/.edgewit/\n/conformance.xml\n"),
    (
        ".github/workflows/conformance.yml",
        template!("conformance.yml"),
    ),
];

/// Writes the folder, which is created or empty. Nothing that is there is changed.
pub fn write(lang: &str, folder: &Path) -> Result<(), Error> {
    let served = World::served();
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let mut entries = fs::read_dir(folder).map_err(Error::io("read", folder))?;
    if entries.next().is_some() {
        return Err(Error::NotEmpty(folder.to_owned()));
    }
    for (file, text) in FILES {
        let path = folder.join(file);
        let text = text
            .replace("{{lang}}", lang)
            .replace("{{ladder}}", &ladder())
            .replace("{{verbs}}", &verbs(&served));
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
        }
        File::create_new(&path)
            .and_then(|mut new| new.write_all(text.as_bytes()))
            .map_err(Error::io("write", &path))?;
    }
    let written = folder.display();
    crate::print(format!("wrote {written}\nnext: {written}/README.md\n").as_bytes())
}

/// The rungs as a Markdown list, each with the command that asks its cases.
fn ladder() -> String {
    let mut text = String::new();
    for (at, rung) in LADDER.iter().enumerate() {
        let filters: String = rung
            .areas
            .iter()
            .map(|area| format!(" --filter {area}/"))
            .collect();
        let _ = writeln!(
            text,
            "{}. **{}**: the verbs below \"{}\". `edgewit conform explain {}` shows the first case; if it \
             fails: {}.\n\n       edgewit conform run guest.wasm --expect expect.toml{filters}\n",
            at + 2,
            rung.name,
            rung.headings.join("\", \""),
            rung.first,
            rung.hint,
        );
    }
    text.trim_end().to_owned()
}

/// The verbs by rung, below the functions of the interfaces that they call.
fn verbs(served: &World) -> String {
    let mut text = String::new();
    for rung in &LADDER {
        let _ = writeln!(text, "  # {}", rung.name);
        for name in rung.interfaces {
            let _ = writeln!(text, "  #   {}", calls(served, name));
        }
        text += &table(rung);
        text.push('\n');
    }
    text.trim_end().to_owned()
}

fn calls(served: &World, name: &str) -> String {
    let whole = format!("edge:sdk/{name}");
    let sides = [&served.imports, &served.exports];
    let found = sides.iter().find_map(|side| side.get(&whole));
    let functions = found.into_iter().flatten().flat_map(|it| &it.functions);
    let functions: Vec<&str> = functions.map(String::as_str).collect();
    format!("{whole}: {}", functions.join(", "))
}

/// One line a row: a step, what it does, what it reports.
fn table(rung: &Rung) -> String {
    let line = |row: Row| {
        let cells = [row.step, row.does, row.reports].map(|cell| cell.replace('`', ""));
        let [step, does, reports] = &cells;
        let reports = match &**reports {
            "" => String::new(),
            reports => format!(" -> {reports}"),
        };
        let does = match &**does {
            "" => String::new(),
            does => format!(" {does}"),
        };
        format!("  {step:<32}{does}{reports}\n")
    };
    rung.rows().into_iter().map(line).collect()
}
