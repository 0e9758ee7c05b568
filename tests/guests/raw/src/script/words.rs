//! What a step says and what it reports, as the contract writes them down.

use std::fmt::Display;
use std::str::{FromStr, Split};

use crate::edge::sdk::fetch::FetchError;
use crate::edge::sdk::http::{BodyError, Field};
use crate::edge::sdk::kv::KvError;

/// What came of a step.
pub type Report = Result<Values, Failure>;

/// Why a step reports something else than `ok`.
pub enum Failure {
    /// An error, by its case.
    Case(String),
    /// The script is wrong, as the text says.
    Script(String),
    /// What the script asks for can't be written in Rust.
    Prevented,
    /// No verb of this guest.
    Unsupported,
}

/// That the script is wrong, and how.
pub fn wrong<T>(text: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Script(text.into()))
}

/// The operands of a step that are still to be taken.
pub struct Words<'a>(Split<'a, char>);

impl<'a> Words<'a> {
    /// The verb of a step, and its operands.
    pub fn of(step: &'a str) -> (&'a str, Self) {
        let mut words = step.split(' ');
        (words.next().unwrap_or_default(), Self(words))
    }

    /// The next operand as it stands: a name, or a word of the contract.
    pub fn word(&mut self) -> Result<&'a str, Failure> {
        match self.0.next() {
            None => wrong("an operand is missing"),
            Some("") => wrong("two blanks in a row"),
            Some(word) => Ok(word),
        }
    }

    pub fn bytes(&mut self) -> Result<Vec<u8>, Failure> {
        decode(self.word()?)
    }

    /// Text is UTF-8 in Rust, and can't be anything else.
    pub fn text(&mut self) -> Result<String, Failure> {
        text_of(self.bytes()?)
    }

    pub fn number<T: FromStr>(&mut self) -> Result<T, Failure> {
        number_of(self.word()?)
    }

    /// A number, or `~`.
    pub fn optional_number<T: FromStr>(&mut self) -> Result<Option<T>, Failure> {
        match self.word()? {
            "~" => Ok(None),
            word => number_of(word).map(Some),
        }
    }

    /// All operands that are left, each taken by `take`.
    pub fn all<T>(
        &mut self,
        take: impl Fn(&mut Self) -> Result<T, Failure>,
    ) -> Result<Vec<T>, Failure> {
        let mut taken = Vec::new();
        while self.are_left() {
            taken.push(take(self)?);
        }
        Ok(taken)
    }

    /// Pairs of a name and a value, to the end.
    pub fn fields(&mut self) -> Result<Vec<Field>, Failure> {
        self.all(|words| Ok((words.text()?, words.bytes()?)))
    }

    /// A step that has more operands than its verb takes is wrong.
    pub fn end(&self) -> Result<(), Failure> {
        if self.are_left() {
            return wrong("an operand too many");
        }
        Ok(())
    }

    fn are_left(&self) -> bool {
        self.0.clone().next().is_some()
    }
}

pub fn number_of<T: FromStr>(word: &str) -> Result<T, Failure> {
    word.parse()
        .or_else(|_| wrong(format!("{word} is no number that fits")))
}

fn text_of(bytes: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|_| Failure::Prevented)
}

/// The text of one operand.
pub fn decode_text(word: &str) -> Result<String, Failure> {
    text_of(decode(word)?)
}

fn decode(word: &str) -> Result<Vec<u8>, Failure> {
    match word {
        "-" => return Ok(Vec::new()),
        "~" => return wrong("~ stands where a value must be"),
        _ => {}
    }
    if let Some(Ok(length)) = word.strip_prefix('*').map(str::parse::<usize>) {
        return Ok((0..length).map(|at| (at % 251) as u8).collect());
    }
    percent_decode(word).map_or_else(|| wrong(format!("a bad percent-encoding in {word}")), Ok)
}

/// None where a `%` has no two hexadecimal digits behind it.
pub fn percent_decode(word: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            let [high, low, tail @ ..] = rest else {
                return None;
            };
            bytes.push((digit(*high)? << 4) | digit(*low)?);
            rest = tail;
        } else {
            bytes.push(*first);
        }
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

/// The values behind an `ok`.
#[derive(Default)]
pub struct Values(String);

/// No value.
pub fn nothing() -> Report {
    Ok(Values::default())
}

/// One value.
pub fn value(bytes: impl AsRef<[u8]>) -> Report {
    Ok(Values::default().value(bytes))
}

/// One value that may be absent.
pub fn optional(bytes: Option<impl AsRef<[u8]>>) -> Report {
    Ok(Values::default().optional(bytes))
}

/// One value that is a number, or one of the contract's words.
pub fn word(word: impl Display) -> Report {
    Ok(Values::default().word(word))
}

impl Values {
    /// How it is written behind the `ok`.
    pub fn line(&self) -> &str {
        &self.0
    }

    pub fn word(mut self, word: impl Display) -> Self {
        self.0 += &format!(" {word}");
        self
    }

    pub fn value(self, bytes: impl AsRef<[u8]>) -> Self {
        self.word(encode(bytes.as_ref()))
    }

    pub fn optional(self, bytes: Option<impl AsRef<[u8]>>) -> Self {
        match bytes {
            Some(bytes) => self.value(bytes),
            None => self.word('~'),
        }
    }

    pub fn optional_word(self, word: Option<impl Display>) -> Self {
        match word {
            Some(word) => self.word(word),
            None => self.word('~'),
        }
    }

    /// How many, and each.
    pub fn list(self, values: &[impl AsRef<[u8]>]) -> Self {
        let counted = self.word(values.len());
        values.iter().fold(counted, Self::value)
    }

    /// How many fields, and the name and value of each, sorted by name.
    pub fn fields(self, mut fields: Vec<Field>) -> Self {
        fields.sort_by(|(one, _), (other, _)| one.cmp(other));
        let counted = self.word(fields.len());
        let add = |values: Self, (name, value): &Field| values.value(name).value(value);
        fields.iter().fold(counted, add)
    }
}

fn encode(bytes: &[u8]) -> String {
    match bytes {
        b"" => return "-".to_owned(),
        b"-" => return "%2D".to_owned(),
        long if long.len() > 64 => return format!("*{}:{:016x}", long.len(), hash(long)),
        _ => {}
    }
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._/:+=".contains(&byte) {
            text.push(byte.into());
        } else {
            text += &format!("%{byte:02X}");
        }
    }
    text
}

/// FNV-1a of 64 bits.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    })
}

impl From<BodyError> for Failure {
    fn from(error: BodyError) -> Self {
        Self::Case(body_case(&error))
    }
}

pub fn body_case(error: &BodyError) -> String {
    match error {
        BodyError::Closed => "closed".to_owned(),
        BodyError::Incomplete => "incomplete".to_owned(),
        BodyError::Unwanted => "unwanted".to_owned(),
        BodyError::Timeout => "timeout".to_owned(),
        BodyError::TooLarge(limit) => format!("too-large {limit}"),
        BodyError::Other(_) => "other".to_owned(),
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        let case = match error {
            FetchError::Denied => "denied",
            FetchError::InvalidRequest(_) => "invalid-request",
            FetchError::Dns(_) => "dns",
            FetchError::ConnectionRefused(_) => "connection-refused",
            FetchError::ConnectTimeout => "connect-timeout",
            FetchError::TlsCertificate(_) => "tls-certificate",
            FetchError::TlsProtocol(_) => "tls-protocol",
            FetchError::ConnectionClosed => "connection-closed",
            FetchError::FirstByteTimeout => "first-byte-timeout",
            FetchError::Deadline => "deadline",
            FetchError::RequestBody(inner) => {
                return Self::Case(format!("request-body {}", body_case(&inner)));
            }
            FetchError::Protocol(_) => "protocol",
            FetchError::Redirect(_) => "redirect",
            FetchError::TooManyRedirects => "too-many-redirects",
            FetchError::Limit(_) => "limit",
            FetchError::Other(_) => "other",
        };
        Self::Case(case.to_owned())
    }
}

impl From<KvError> for Failure {
    fn from(error: KvError) -> Self {
        let case = match error {
            KvError::NoSuchStore => "no-such-store",
            KvError::Denied => "denied",
            KvError::InvalidKey(_) => "invalid-key",
            KvError::InvalidArgument(_) => "invalid-argument",
            KvError::ValueTooLarge(limit) => return Self::Case(format!("value-too-large {limit}")),
            KvError::Conflict => "conflict",
            KvError::NotANumber => "not-a-number",
            KvError::Overflow => "overflow",
            KvError::Unavailable(_) => "unavailable",
            KvError::Other(_) => "other",
        };
        Self::Case(case.to_owned())
    }
}
