//! What a run says: for people, and for the machines that read it.

mod human;
mod json;
mod junit;
mod tap;

use std::str::FromStr;

use crate::suite::Run;

/// A form of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A line for each case that is not passed, and what they come to.
    Human,
    /// One object, with one a case.
    Json,
    /// JUnit's XML, as continuous integration reads it.
    Junit,
    /// The Test Anything Protocol, version 14.
    Tap,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "human" => Ok(Self::Human),
            "json" => Ok(Self::Json),
            "junit" => Ok(Self::Junit),
            "tap" => Ok(Self::Tap),
            other => Err(format!("{other:?}; human, json, junit or tap is due")),
        }
    }
}

/// A text on one line for people: what a server or guest sent is to move no cursor and to set no colour.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_control() => shown.extend(c.escape_debug()),
            c => shown.push(c),
        }
    }
    shown
}

/// A run in a form.
pub fn write(run: &Run, format: Format) -> String {
    match format {
        Format::Human => human::write(run),
        Format::Json => json::write(run),
        Format::Junit => junit::write(run),
        Format::Tap => tap::write(run),
    }
}
