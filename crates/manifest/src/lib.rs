//! The file `edge.toml`: what an application is called and built from, what it is granted, and the
//! limits that each of its requests has.
//!
//! [`Manifest::read`] reads one; whatever is wrong in it is an [`Error`] with a line and a column.
//! [`schema`] is the same format as a JSON schema, for editors.
//!
//! ```
//! let text = r#"
//! name = "hello"
//! language = "rust"
//! fetch = ["https://api.example.com"]
//!
//! [kv.visits]
//! "#;
//! let manifest = edgewit_manifest::Manifest::parse(text, "edge.toml".as_ref())?;
//! assert_eq!(manifest.grants.to_string(), "fetch https://api.example.com\nkv visits: read-write");
//! # Ok::<(), edgewit_manifest::Error>(())
//! ```

mod error;
mod file;
mod grants;
mod limits;
mod manifest;
mod origin;
mod spanned;
mod text;

pub use error::Error;
pub use file::schema;
pub use grants::{Grants, Store};
pub use limits::Limits;
pub use manifest::{BuildSettings, FILE_NAME, Language, Manifest};
pub use origin::{Origin, OriginError};
