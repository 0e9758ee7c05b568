//! Steps that look at the request.

use crate::edge::sdk::http::Field;
use crate::script::words::{self, Report, Values, Words};
use crate::script::{FIELD, Verb};

pub const VERBS: &[(&str, Verb)] = &[
    ("req.method", |run, _| words::value(&run.head.method)),
    ("req.uri", |run, _| words::value(&run.head.uri)),
    ("req.fields", |run, _| Ok(all_of(&run.head.fields))),
    ("req.field", |run, words| named(&run.head.fields, words)),
    ("req.id", |run, _| {
        words::value(&run.head.context.request_id)
    }),
    ("req.client", |run, _| {
        words::optional(run.head.context.client.as_ref())
    }),
    ("req.attribute", |run, words| {
        attribute(&run.head.context.attributes, words)
    }),
];

/// All fields but those that hold the script.
pub fn all_of(fields: &[Field]) -> Values {
    let shown = fields.iter().filter(|(name, _)| name != FIELD);
    Values::default().fields(shown.cloned().collect())
}

/// The values of the field that the next word names.
pub fn named(fields: &[Field], words: &mut Words) -> Report {
    let name = words.text()?;
    let named = fields
        .iter()
        .filter(|(found, _)| found.eq_ignore_ascii_case(&name));
    let values: Vec<&Vec<u8>> = named.map(|(_, value)| value).collect();
    Ok(Values::default().list(&values))
}

/// The value of the attribute that the next word names.
pub fn attribute(attributes: &[(String, String)], words: &mut Words) -> Report {
    let name = words.text()?;
    let found = attributes.iter().find(|(found, _)| *found == name);
    words::optional(found.map(|(_, value)| value))
}
