use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::path::Path;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Unexpected, Visitor};

/// Defines a string with a rule, which is read only from text that keeps it.
macro_rules! text {
    ($name:ident, $what:literal, $pattern:literal, $valid:expr) => {
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) struct $name(pub(crate) String);

        impl $name {
            pub(crate) fn allows(text: &str) -> bool {
                let valid: fn(&str) -> bool = $valid;
                valid(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                if !Self::allows(&text) {
                    return Err(D::Error::invalid_value(Unexpected::Str(&text), &$what));
                }
                Ok(Self(text))
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    };
}

text!(
    Name,
    "a name of lower-case letters, digits and hyphens, a letter first, 64 at most",
    "^[a-z][a-z0-9-]{0,63}$",
    |name| {
        name.len() <= 64
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && name
                .bytes()
                .all(|c| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    }
);

text!(
    Folder,
    "a folder relative to this file, such as `.`",
    "^[^/\\u0000][^\\u0000]*$",
    |folder| !folder.is_empty() && !folder.contains('\0') && !Path::new(folder).has_root()
);

text!(
    StoreName,
    "a store's name: 1 to 64 letters, digits, hyphens and underscores",
    "^[A-Za-z0-9_-]{1,64}$",
    |name| {
        (1..=64).contains(&name.len())
            && name
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
    }
);

text!(
    Key,
    "a key: 1 to 1024 bytes without control characters",
    "^[^\\u0000-\\u001f\\u007f-\\u009f]{1,1024}$",
    |key| (1..=1024).contains(&key.len()) && !key.contains(char::is_control)
);

/// The name of an environment variable.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(inline, extend("pattern" = "^[A-Za-z_][A-Za-z0-9_]*$"))]
pub(crate) struct EnvName(pub(crate) String);

impl<'de> Deserialize<'de> for EnvName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let valid = !name.starts_with(|first: char| first.is_ascii_digit())
            && !name.is_empty()
            && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
        if !valid {
            // The text is not shown: it may be the secret itself, set down in the wrong place.
            let found = Unexpected::Other("a bad name of an environment variable");
            let right = &"letters, digits and underscores, no digit first";
            return Err(D::Error::invalid_value(found, right));
        }
        Ok(Self(name))
    }
}

impl fmt::Display for EnvName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads an array whose elements differ.
pub(crate) fn distinct<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + PartialEq + fmt::Display,
{
    deserializer.deserialize_seq(Distinct(PhantomData))
}

struct Distinct<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + PartialEq + fmt::Display> Visitor<'de> for Distinct<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of strings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(element) = elements.next_element()? {
            if all.contains(&element) {
                let found = format!("`{element}` a second time");
                return Err(A::Error::invalid_value(
                    Unexpected::Other(&found),
                    &"each once",
                ));
            }
            all.push(element);
        }
        Ok(all)
    }
}
