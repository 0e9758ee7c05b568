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

/// A run in a form.
pub fn write(run: &Run, format: Format) -> String {
    match format {
        Format::Human => human::write(run),
        Format::Json => json::write(run),
        Format::Junit => junit::write(run),
        Format::Tap => tap::write(run),
    }
}
