//! Words: the operands of a step, and the values of its report.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use edgewit::http::HeaderMap;
use edgewit::http::header::{HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// What comes of a step.
pub type Outcome = Result<Report, Failure>;

pub enum Failure {
    /// An error that an application can catch.
    Error(Report),
    /// This can't be written in Rust: a value that was moved is used, or text is not UTF-8.
    Prevented,
    /// The script is not as the contract says; a person has to read it.
    Script(String),
}

/// For a mistake of the script.
pub fn mistake<T>(text: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Script(text.into()))
}

/// The operands of one step, by their place.
pub struct Operands(pub Vec<String>);

impl Operands {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// As it stands, for names and what the contract lists.
    pub fn word(&self, place: usize) -> Result<&str, Failure> {
        match self.0.get(place) {
            Some(word) => Ok(word),
            None => mistake(format!("no operand {place}")),
        }
    }

    pub fn bytes(&self, place: usize) -> Result<Vec<u8>, Failure> {
        let word = self.word(place)?;
        match word.strip_prefix('*') {
            Some(length) => Ok((0..number(length)?).map(|i: u64| (i % 251) as u8).collect()),
            None if word == "-" => Ok(Vec::new()),
            None if word == "~" => mistake("`~` where a value has to be"),
            None => Ok(percent_decode_str(word).collect()),
        }
    }

    /// Bytes that are not UTF-8 are no text of Rust's.
    pub fn text(&self, place: usize) -> Result<String, Failure> {
        String::from_utf8(self.bytes(place)?).map_err(|_| Failure::Prevented)
    }

    /// All from a place on.
    pub fn texts(&self, from: usize) -> Result<Vec<String>, Failure> {
        (from..self.len()).map(|place| self.text(place)).collect()
    }

    pub fn number<T: FromStr>(&self, place: usize) -> Result<T, Failure> {
        number(self.word(place)?)
    }

    /// Milliseconds; `None` for `~`.
    pub fn time(&self, place: usize) -> Result<Option<Duration>, Failure> {
        match self.word(place)? {
            "~" => Ok(None),
            word => Ok(Some(Duration::from_millis(number(word)?))),
        }
    }

    /// Names and values in turn, from a place on.
    pub fn pairs(&self, from: usize) -> Result<Vec<(String, String)>, Failure> {
        let pair = |place| Ok((self.text(place)?, self.text(place + 1)?));
        (from..self.len()).step_by(2).map(pair).collect()
    }

    /// As a field: a name and a value.
    pub fn field(&self, place: usize) -> Result<(HeaderName, HeaderValue), Failure> {
        let name = HeaderName::from_bytes(&self.bytes(place)?)?;
        let value = HeaderValue::from_bytes(&self.bytes(place + 1)?)?;
        Ok((name, value))
    }

    /// Fields, from a place on.
    pub fn fields(&self, from: usize) -> Result<HeaderMap, Failure> {
        let mut fields = HeaderMap::new();
        for place in (from..self.len()).step_by(2) {
            let (name, value) = self.field(place)?;
            fields.append(name, value);
        }
        Ok(fields)
    }
}

fn number<T: FromStr>(word: &str) -> Result<T, Failure> {
    match word.parse() {
        Ok(number) => Ok(number),
        Err(_) => mistake(format!("`{word}` is not a number that fits")),
    }
}

/// What a step reports.
pub struct Report(String);

/// What a report leaves as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'/')
    .remove(b':')
    .remove(b'+')
    .remove(b'=');

/// What is longer is reported by its length and hash.
const VALUE_BYTES_MAX: usize = 64;

impl Report {
    pub fn ok() -> Report {
        Report("ok".into())
    }

    pub fn err() -> Report {
        Report("err".into())
    }

    /// What the language makes impossible to write.
    pub fn prevented() -> Report {
        Report("prevented".into())
    }

    pub fn into_line(self) -> String {
        self.0
    }

    /// A number, or a word that the contract has.
    pub fn word(mut self, word: impl Display) -> Report {
        self.0 += &format!(" {word}");
        self
    }

    pub fn value(self, value: impl AsRef<[u8]>) -> Report {
        match value.as_ref() {
            b"" => self.word('-'),
            b"-" => self.word("%2D"),
            long if long.len() > VALUE_BYTES_MAX => {
                self.word(format!("*{}:{:016x}", long.len(), hash(long)))
            }
            bytes => self.word(percent_encode(bytes, PLAIN)),
        }
    }

    pub fn maybe(self, value: Option<impl AsRef<[u8]>>) -> Report {
        match value {
            Some(value) => self.value(value),
            None => self.none(),
        }
    }

    pub fn none(self) -> Report {
        self.word('~')
    }

    /// A list: its length, and its elements.
    pub fn list<T: AsRef<[u8]>>(self, values: impl ExactSizeIterator<Item = T>) -> Report {
        let report = self.word(values.len());
        values.fold(report, |report, value| report.value(value))
    }

    /// All fields but the script, sorted by name, those of one name in their order.
    pub fn fields(self, fields: &HeaderMap) -> Report {
        let mut fields: Vec<_> = fields
            .iter()
            .filter(|(name, _)| *name != "conformance")
            .collect();
        fields.sort_by_key(|(name, _)| name.as_str());
        let report = self.word(fields.len());
        fields.iter().fold(report, |report, (name, value)| {
            report.value(name.as_str()).value(value)
        })
    }

    /// The values of the fields of one name.
    pub fn field(self, fields: &HeaderMap, name: &str) -> Report {
        let values: Vec<_> = fields.get_all(name).iter().collect();
        self.list(values.iter())
    }
}

/// FNV-1a of 64 bits.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
