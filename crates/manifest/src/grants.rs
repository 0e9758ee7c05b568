use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::Origin;
use crate::text::StoreName;

/// What an application may reach. The default is nothing.
/// It displays as one line for each grant, without a line break at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// The file that the grants are from, to name it where something is denied.
    pub file: Option<PathBuf>,
    /// The origins that `fetch` may reach, each once, in the order of the file.
    pub fetch: Vec<Origin>,
    /// The stores that `kv` may open, by name: 1 to 64 letters, digits, hyphens and underscores.
    pub kv: BTreeMap<String, Store>,
}

/// How a store is granted. It displays as one line; no value is displayed, `Debug` included.
#[derive(Clone, PartialEq, Eq)]
pub enum Store {
    /// A store of the host, which the application reads and writes.
    ReadWrite,
    /// A store with fixed keys, which the application only reads. No key is in both parts.
    ReadOnly {
        /// The keys whose values stand in the file.
        values: BTreeMap<String, String>,
        /// The keys whose values are those of the environment variables of the same names when
        /// serving starts, in the order of the file.
        env: Vec<String>,
    },
}

impl Store {
    /// What to add to `edge.toml` to grant the store `name`: `[kv.visits]`. `None` if no store can have
    /// the name.
    pub fn line(name: &str) -> Option<String> {
        StoreName::allows(name).then(|| format!("[kv.{name}]"))
    }
}

impl fmt::Display for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fetch = self.fetch.iter().map(|origin| format!("fetch {origin}"));
        let kv = self
            .kv
            .iter()
            .map(|(name, store)| format!("kv {name}: {store}"));
        let lines: Vec<_> = fetch.chain(kv).collect();
        f.write_str(if lines.is_empty() { "nothing" } else { "" })?;
        f.write_str(&lines.join("\n"))
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::ReadOnly { values, env } = self else {
            return f.write_str("read-write");
        };
        f.write_str("read-only")?;
        if values.is_empty() && env.is_empty() {
            f.write_str(", empty")?;
        }
        let mut lead = ", values ";
        for key in values.keys() {
            // A key may hold anything but control characters, a line separator of Unicode included.
            write!(f, "{lead}{}", key.escape_debug())?;
            lead = " ";
        }
        lead = ", env ";
        for name in env {
            write!(f, "{lead}{name}")?;
            lead = " ";
        }
        Ok(())
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({self})")
    }
}
