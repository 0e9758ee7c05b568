//! Field values as text.

use std::borrow::Cow;

use http::HeaderMap;

/// Text from header fields, whose values are bytes.
pub trait HeadersExt {
    /// The value of the first field `name` as text, in any case of the name; bytes that are not UTF-8 are replaced by
    /// U+FFFD. `None` if there is no such field.
    fn text(&self, name: &str) -> Option<Cow<'_, str>>;
}

impl HeadersExt for HeaderMap {
    fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
    }
}
