use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, Unexpected, Visitor};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::spanned::{Node, one_line};
use crate::text::{EnvName, Folder, Key, Name, StoreName, distinct};
use crate::{BuildSettings, Error, Grants, Language, Limits, Manifest, Origin, Store};

/// The manifest of an edge application: what it is called and built from, what it is granted, and
/// the limits of each request.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
#[schemars(title = "edge.toml")]
struct File {
    /// The application's name: lower-case letters, digits and hyphens, a letter first, at most 64.
    name: Name,
    /// What the source is written in.
    language: Language,
    /// The folder of the source, relative to this file.
    #[serde(default = "this_folder")]
    source: Folder,
    /// The origins that `fetch` may reach, such as `https://api.example.com`. A name may begin with
    /// `*.`, which stands for one label or more, and the port may be `*`. Nothing else is reached.
    #[serde(default, deserialize_with = "distinct")]
    #[schemars(with = "BTreeSet<Origin>")]
    fetch: Vec<Origin>,
    /// The stores that `kv` may open, each a table by the store's name. No other is opened.
    #[serde(default, deserialize_with = "stores")]
    #[schemars(with = "BTreeMap<StoreName, StoreTable>")]
    kv: BTreeMap<StoreName, Store>,
    /// How the component is built.
    #[serde(default)]
    build: BuildSettings,
    /// What each request may use.
    #[serde(default)]
    limits: Limits,
}

fn this_folder() -> Folder {
    Folder(".".to_owned())
}

fn stores<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<StoreName, Store>, D::Error> {
    deserializer.deserialize_map(Stores)
}

struct Stores;

impl<'de> Visitor<'de> for Stores {
    type Value = BTreeMap<StoreName, Store>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table for each store, such as `[kv.visits]`")
    }

    fn visit_map<A: MapAccess<'de>>(self, tables: A) -> Result<Self::Value, A::Error> {
        BTreeMap::deserialize(MapAccessDeserializer::new(tables))
    }
}

/// A store that the application may open. With neither key it reads and writes the host's store of
/// that name; with either it only reads, and finds what these keys give.
#[derive(Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a table, such as `[kv.visits]`, or `{}`"
)]
#[schemars(rename = "Store")]
struct StoreTable {
    /// Keys with their values.
    #[serde(default)]
    #[schemars(with = "BTreeMap<Key, String>")]
    values: Option<BTreeMap<Key, String>>,
    /// Keys whose values are those of the environment variables of the same names when serving
    /// starts.
    #[serde(default, deserialize_with = "some_distinct")]
    #[schemars(with = "BTreeSet<EnvName>")]
    env: Option<Vec<EnvName>>,
}

fn some_distinct<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<EnvName>>, D::Error> {
    distinct(deserializer).map(Some)
}

impl<'de> Deserialize<'de> for Store {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table = StoreTable::deserialize(deserializer)?;
        if table.values.is_none() && table.env.is_none() {
            return Ok(Self::ReadWrite);
        }
        let values = table.values.unwrap_or_default().into_iter();
        let values: BTreeMap<_, _> = values.map(|(key, value)| (key.0, value)).collect();
        let env: Vec<_> = table
            .env
            .unwrap_or_default()
            .into_iter()
            .map(|name| name.0)
            .collect();
        match env.iter().find(|name| values.contains_key(*name)) {
            None => Ok(Self::ReadOnly { values, env }),
            Some(name) => Err(D::Error::invalid_value(
                Unexpected::Other(&format!("`{name}` both under `values` and under `env`")),
                &"each key once",
            )),
        }
    }
}

/// Reads the manifest in `bytes`, which are from `path`.
pub(crate) fn parse(bytes: &[u8], path: &Path) -> Result<Manifest, Error> {
    let error = |at: usize, message: String| {
        let (line, column) = position(bytes, at);
        Error::Invalid {
            path: path.to_owned(),
            line,
            column,
            message,
        }
    };
    let text = str::from_utf8(bytes).map_err(|invalid| {
        let message = "a byte that is not UTF-8; expected TOML, which is UTF-8".to_owned();
        error(invalid.valid_up_to(), message)
    })?;
    let table = DeTable::parse(text).map_err(|invalid| {
        error(
            invalid.span().map_or(text.len(), |span| span.start),
            syntax_message(&invalid, text),
        )
    })?;
    let root = Spanned::new(0..0, DeValue::Table(table.into_inner()));
    let file = File::deserialize(Node(&root))
        .map_err(|mistake| error(mistake.at(), mistake.to_string()))?;
    Ok(Manifest {
        path: path.to_owned(),
        name: file.name.0,
        language: file.language,
        source: file.source.0.into(),
        grants: Grants {
            file: Some(path.to_owned()),
            fetch: file.fetch,
            kv: file
                .kv
                .into_iter()
                .map(|(name, store)| (name.0, store))
                .collect(),
        },
        build: file.build,
        limits: file.limits,
    })
}

/// What the TOML parser says, in the form of the other messages.
fn syntax_message(invalid: &toml::de::Error, text: &str) -> String {
    let span = invalid.span().unwrap_or(text.len()..text.len());
    match invalid.message().split_once(", expected ") {
        None if invalid.message() == "duplicate key" => {
            let key = text.get(span).unwrap_or_default().trim_matches(['"', '\'']);
            format!(
                "`{}` a second time; expected each key and table once",
                one_line(key)
            )
        }
        // The parser says this of whatever begins no value, nothing at all included.
        Some(("string values must be quoted", _)) => {
            let none = text
                .get(span.start..)
                .is_none_or(|rest| rest.trim_start() != rest);
            let found = if none {
                "no value"
            } else {
                "a value without quotes"
            };
            format!("{found}; expected a string in quotes, a number, an array or a table")
        }
        Some((found, right)) => format!("{found}; expected {right}"),
        None => format!("{}; expected TOML", invalid.message()),
    }
}

/// The line of the byte `at` and the character in it, both counted from 1.
fn position(bytes: &[u8], at: usize) -> (usize, usize) {
    let before = String::from_utf8_lossy(bytes.get(..at).unwrap_or(bytes));
    let line = before.rsplit('\n').next().unwrap_or_default();
    let column = line.trim_start_matches('\u{feff}').chars().count() + 1;
    (before.matches('\n').count() + 1, column)
}

/// The JSON schema of `edge.toml` (draft 7, which editors know), indented, with a line break at the
/// end. Some rules are the parser's alone: that grants differ, say, and how hosts are written.
pub fn schema() -> String {
    let schema = SchemaSettings::draft07()
        .into_generator()
        .into_root_schema_for::<File>();
    format!("{:#}\n", schema.to_value())
}
