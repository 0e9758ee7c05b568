use super::{Error, Page};

impl Error {
    /// The error as a sentence for people: its `Display` is Rust's debug form, which the generator of
    /// bindings writes.
    pub fn text(&self) -> String {
        let known = match self {
            Self::NoSuchStore => "the host has no store by that name",
            Self::Denied => "the store is read-only, or not granted",
            Self::Conflict => "the key has another version by now",
            Self::NotANumber => "the value is no decimal integer of 64 bits",
            Self::Overflow => "the sum is beyond 64 bits",
            Self::ValueTooLarge(most) => return format!("more than {most} bytes"),
            Self::InvalidKey(reason) => return format!("the key: {reason}"),
            Self::InvalidArgument(reason) | Self::Unavailable(reason) | Self::Other(reason) => {
                return reason.clone();
            }
        };
        known.to_owned()
    }

    /// The name of its case.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::NoSuchStore => "no-such-store",
            Self::Denied => "denied",
            Self::InvalidKey(_) => "invalid-key",
            Self::InvalidArgument(_) => "invalid-argument",
            Self::ValueTooLarge(_) => "value-too-large",
            Self::Conflict => "conflict",
            Self::NotANumber => "not-a-number",
            Self::Overflow => "overflow",
            Self::Unavailable(_) => "unavailable",
            Self::Other(_) => "other",
        }
    }
}

/// No keys, and no more of them.
impl Default for Page {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            cursor: None,
        }
    }
}
