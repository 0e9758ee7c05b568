use std::fmt::{self, Display};

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, Expected, IntoDeserializer, Unexpected};
use serde::forward_to_deserialize_any;
use toml::Spanned;
use toml::de::{DeInteger, DeString, DeValue};

/// What is wrong with a document, by serde's distinctions, and where.
/// The `toml` crate's own deserializer hands out finished sentences instead.
#[derive(Debug)]
pub(crate) struct Mistake {
    /// The byte at which it begins; 0 if it concerns the whole document.
    at: Option<usize>,
    /// The keys of the tables around it, the innermost first.
    path: Vec<String>,
    found: String,
    right: String,
}

impl Mistake {
    fn new(found: impl Into<String>, right: impl Into<String>) -> Self {
        Self {
            at: None,
            path: Vec::new(),
            found: found.into(),
            right: right.into(),
        }
    }

    pub(crate) fn at(&self) -> usize {
        self.at.unwrap_or(0)
    }

    /// Sets the position unless something further inside has set it.
    fn or_at(mut self, at: usize) -> Self {
        self.at.get_or_insert(at);
        self
    }

    fn unknown(what: &str, found: &str, known: &[&str]) -> Self {
        let mut right = format!("known here: {}", known.join(", "));
        // The one that is meant comes before a list of many.
        if let Some((_, advice)) = ELSEWHERE.iter().find(|(names, _)| names.contains(&found)) {
            right.insert_str(0, &format!("{advice}; "));
        } else if let Some(name) = nearest(found, known) {
            right.insert_str(0, &format!("did you mean `{name}`? "));
        }
        Self::new(format!("unknown {what} `{}`", one_line(found)), right)
    }
}

fn nearest<'a>(found: &str, known: &[&'a str]) -> Option<&'a str> {
    let all = known
        .iter()
        .map(|name| (strsim::osa_distance(name, found), *name));
    let near = all.filter(|(distance, name)| {
        *distance <= name.len().div_ceil(3) || (found.len() > 2 && name.starts_with(found))
    });
    near.min().map(|(_, name)| name)
}

/// Keys that other platforms have, and what there is here.
const ELSEWHERE: [(&[&str], &str); 4] = [
    (
        &["vars", "variables", "env", "environment", "secrets"],
        "what an application is told is a store that it reads, `[kv.settings]`, with `values = { NAME = \"text\" }`, \
         or with `env = [\"NAME\"]` for what the environment has",
    ),
    (
        &["kv_namespaces", "kv_stores", "key_value_stores", "stores"],
        "a store is a table by its name, such as `[kv.visits]`",
    ),
    (
        &["main", "entry", "entrypoint"],
        "the entry is found by its name, `src/main` or `src/index` with its extension, and `src/lib.rs` in Rust, in the \
         folder that is the `source`",
    ),
    (
        &["compatibility_date", "compatibility_flags"],
        "the platform has no versions to choose from, so leave it out",
    ),
];

impl Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.found)?;
        let mut lead = " in `";
        for key in self.path.iter().rev() {
            write!(f, "{lead}{}", one_line(key))?;
            lead = ".";
        }
        f.write_str(if self.path.is_empty() { "; " } else { "`; " })?;
        f.write_str(&self.right)
    }
}

impl std::error::Error for Mistake {}

impl de::Error for Mistake {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(one_line(&message.to_string()), "expected something else")
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Bool(_) => "a boolean",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) => "an integer",
            Unexpected::Float(_) => "a float",
            Unexpected::Str(_) => "a string",
            Unexpected::Seq => "an array",
            Unexpected::Map => "a table",
            Unexpected::Other(what) => what,
            _ => "something else",
        };
        // TOML has a word of its own for what serde calls a map.
        let expected = expected.to_string().replace("a map", "a table");
        Self::new(found, format!("expected {expected}"))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Unsigned(number) => number.to_string(),
            Unexpected::Signed(number) => number.to_string(),
            Unexpected::Str(text) => format!("\"{}\"", one_line(text)),
            Unexpected::Other(what) => what.to_owned(),
            found => found.to_string(),
        };
        Self::new(found, format!("expected {expected}"))
    }

    fn unknown_variant(found: &str, known: &'static [&'static str]) -> Self {
        Self::unknown("value", found, known)
    }

    fn unknown_field(found: &str, known: &'static [&'static str]) -> Self {
        Self::unknown("key", found, known)
    }

    fn missing_field(key: &'static str) -> Self {
        Self::new(
            format!("missing key `{key}`"),
            format!("`{key}` is required"),
        )
    }
}

/// `text` as it may stand in a message of one line: escaped, and cut where it is long.
pub(crate) fn one_line(text: &str) -> String {
    const CHARS_MAX: usize = 100;
    let mut line: String = text
        .chars()
        .take(CHARS_MAX)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(CHARS_MAX).is_some() {
        line.push('…');
    }
    line
}

/// A value of a document, to deserialize from.
#[derive(Clone, Copy)]
pub(crate) struct Node<'de>(pub(crate) &'de Spanned<DeValue<'de>>);

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Mistake;

    fn deserialize_any<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let start = self.0.span().start;
        let result = match self.0.get_ref() {
            DeValue::String(text) => visitor.visit_borrowed_str(text),
            DeValue::Integer(number) => visit_integer(number, visitor),
            DeValue::Float(_) => Err(de::Error::invalid_type(Unexpected::Float(0.0), &visitor)),
            DeValue::Boolean(value) => visitor.visit_bool(*value),
            DeValue::Datetime(_) => Err(de::Error::invalid_type(
                Unexpected::Other("a date or time"),
                &visitor,
            )),
            DeValue::Array(array) => {
                let mut elements = Elements {
                    rest: array.iter(),
                    last: start,
                };
                let result = visitor.visit_seq(&mut elements);
                result.map_err(|mistake| mistake.or_at(elements.last))
            }
            DeValue::Table(table) => {
                let mut entries: Vec<_> = table.iter().collect();
                // The mistake that is reported is the first one in the file.
                entries.sort_by_key(|(key, _)| key.span().start);
                visitor.visit_map(Entries {
                    rest: entries.into_iter(),
                    current: None,
                })
            }
        };
        result.map_err(|mistake| mistake.or_at(start))
    }

    fn deserialize_option<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: de::Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        let result = match self.0.get_ref() {
            DeValue::String(text) => {
                let variant: StrDeserializer<'_, Mistake> = (**text).into_deserializer();
                visitor.visit_enum(variant)
            }
            _ => self.deserialize_any(visitor),
        };
        result.map_err(|mistake| mistake.or_at(self.0.span().start))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

fn visit_integer<'de, V: de::Visitor<'de>>(
    number: &DeInteger<'_>,
    visitor: V,
) -> Result<V::Value, Mistake> {
    match i64::from_str_radix(number.as_str(), number.radix()) {
        Ok(number) => visitor.visit_i64(number),
        Err(_) => Err(de::Error::invalid_value(
            Unexpected::Other("a number beyond 64 bits"),
            &visitor,
        )),
    }
}

struct Elements<'de> {
    rest: std::slice::Iter<'de, Spanned<DeValue<'de>>>,
    /// Where the element begins that was read last: what the reader of the array then finds wrong
    /// is wrong with that one.
    last: usize,
}

impl<'de> de::SeqAccess<'de> for Elements<'de> {
    type Error = Mistake;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Mistake> {
        let Some(element) = self.rest.next() else {
            return Ok(None);
        };
        self.last = element.span().start;
        seed.deserialize(Node(element)).map(Some)
    }
}

type Entry<'de> = (&'de Spanned<DeString<'de>>, &'de Spanned<DeValue<'de>>);

struct Entries<'de> {
    rest: std::vec::IntoIter<Entry<'de>>,
    current: Option<Entry<'de>>,
}

impl<'de> de::MapAccess<'de> for Entries<'de> {
    type Error = Mistake;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Mistake> {
        self.current = self.rest.next();
        let Some((key, _)) = self.current else {
            return Ok(None);
        };
        let name: StrDeserializer<'_, Mistake> = (**key.get_ref()).into_deserializer();
        seed.deserialize(name)
            .map(Some)
            .map_err(|mistake| mistake.or_at(key.span().start))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mistake> {
        let Some((key, value)) = self.current.take() else {
            return Err(de::Error::custom("a value was read before its key"));
        };
        seed.deserialize(Node(value)).map_err(|mut mistake| {
            mistake.path.push(key.get_ref().to_string());
            mistake.or_at(value.span().start)
        })
    }
}
