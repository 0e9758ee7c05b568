//! The words that scripts and reports are made of, as `CONTRACT.md` gives them.

/// A value of more bytes than this is reported by its length and hash.
const REPORTED_BYTES_MAX: usize = 64;

/// What one word or text of a case may stand for, in bytes or texts.
const EXPANDED_MAX: usize = 64 * 1024 * 1024;

/// What byte `i` of the pattern that `*N` stands for is.
const PATTERN_PERIOD: usize = 251;

/// `length` bytes of the pattern: a prime period shows bytes that are out of place.
pub fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % PATTERN_PERIOD) as u8).collect()
}

/// The bytes that a word of a script or a case stands for. Errors: what is wrong with it.
pub fn decode(word: &str) -> Result<Vec<u8>, String> {
    if word == "-" {
        return Ok(Vec::new());
    }
    if let Some(length) = word.strip_prefix('*') {
        let length = length.parse().ok().filter(|length| *length <= EXPANDED_MAX);
        return length.map(pattern).ok_or_else(|| {
            format!("{word:?}: `*` and a number of at most {EXPANDED_MAX} bytes are due")
        });
    }
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word.bytes();
    while let Some(byte) = rest.next() {
        let decoded = match byte {
            b'%' => {
                let digit = |byte: Option<u8>| byte.and_then(|byte| (byte as char).to_digit(16));
                let (high, low) = (digit(rest.next()), digit(rest.next()));
                let (Some(high), Some(low)) = (high, low) else {
                    return Err(format!(
                        "{word:?}: two hexadecimal digits are due after `%`"
                    ));
                };
                (high * 16 + low) as u8
            }
            other => other,
        };
        bytes.push(decoded);
    }
    Ok(bytes)
}

/// The texts that one of a case stands for: `a{3}` is `a0`, `a1` and `a2`, numbered with as many digits as the
/// last needs, and `{v*3}` is `vvv`.
pub fn expand(text: &str) -> Vec<String> {
    let Some((before, inner, after)) = text.split_once('{').and_then(|(before, rest)| {
        rest.split_once('}')
            .map(|(inner, after)| (before, inner, after))
    }) else {
        return vec![text.to_owned()];
    };
    if let Some((letter, Ok(times))) = inner
        .split_once('*')
        .map(|(letter, times)| (letter, times.parse::<usize>()))
    {
        return vec![format!(
            "{before}{}{after}",
            letter.repeat(times.min(EXPANDED_MAX))
        )];
    }
    let Ok(count) = inner.parse::<usize>() else {
        return vec![text.to_owned()];
    };
    let count = count.min(EXPANDED_MAX);
    let digits = count.saturating_sub(1).to_string().len();
    (0..count)
        .map(|number| format!("{before}{number:0digits$}{after}"))
        .collect()
}

/// A word that stands for bytes, whatever their number.
pub fn encode(bytes: &[u8]) -> String {
    match bytes {
        [] => "-".to_owned(),
        b"-" => "%2D".to_owned(),
        bytes => bytes.iter().map(|byte| escape(*byte)).collect(),
    }
}

/// The values of the fields of one name, as words, joined as a platform's type may have them. Those of `set-cookie`
/// stay apart.
pub fn joined(name: &str, values: &[String]) -> Vec<String> {
    let decoded: Result<Vec<_>, _> = values.iter().map(|word| decode(word)).collect();
    match decoded {
        Ok(values) if values.len() > 1 && name != "set-cookie" => {
            vec![report(&values.join(&b", "[..]))]
        }
        _ => values.to_owned(),
    }
}

/// How a guest reports a value.
pub fn report(value: &[u8]) -> String {
    if value.len() > REPORTED_BYTES_MAX {
        return format!("*{}:{:016x}", value.len(), hash(value));
    }
    encode(value)
}

fn escape(byte: u8) -> String {
    match byte {
        byte if byte.is_ascii_alphanumeric() || b"-._/:+=".contains(&byte) => {
            (byte as char).to_string()
        }
        byte => format!("%{byte:02X}"),
    }
}

/// FNV-1a of 64 bits: short enough to be written anew for each guest.
pub struct Hash(u64);

impl Default for Hash {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash {
    pub fn add(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
    }

    pub fn value(&self) -> u64 {
        self.0
    }
}

/// The hash of one piece.
pub fn hash(bytes: &[u8]) -> u64 {
    let mut hash = Hash::default();
    hash.add(bytes);
    hash.value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_for_bytes() {
        for (word, bytes) in [
            ("-", &b""[..]),
            ("%2D", b"-"),
            ("a%20b", b"a b"),
            ("%ff~", b"\xff~"),
            ("*3", &[0, 1, 2]),
        ] {
            assert_eq!(decode(word).as_deref(), Ok(bytes), "{word}");
        }
        for bad in ["%", "%4", "%zz", "*", "*x"] {
            assert!(decode(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn one_text_stands_for_many() {
        assert_eq!(expand("a: b"), ["a: b"]);
        assert_eq!(expand("k{11}: v")[..2], ["k00: v", "k01: v"]);
        assert_eq!(expand("k{11}: v").len(), 11);
        assert_eq!(expand("x: {v*3}"), ["x: vvv"]);
        assert_eq!(expand("{not}"), ["{not}"]);
    }

    #[test]
    fn fields_of_one_name_are_joined_but_for_set_cookie() {
        let joined = |name: &str, values: &[&str]| {
            let values: Vec<_> = values.iter().map(|it| (*it).to_owned()).collect();
            super::joined(name, &values).join(" ")
        };
        assert_eq!(joined("a", &["1", "-", "%FF"]), "1%2C%20%2C%20%FF");
        assert_eq!(joined("a", &["-"]), "-");
        assert_eq!(joined("a", &[]), "");
        assert_eq!(joined("set-cookie", &["1", "2"]), "1 2");
        assert!(joined("a", &["*60", "*60"]).starts_with("*122:"));
    }

    #[test]
    fn reports_have_one_form() {
        assert_eq!(report(b""), "-");
        assert_eq!(report(b"-"), "%2D");
        assert_eq!(report("é ~".as_bytes()), "%C3%A9%20%7E");
        assert_eq!(report(&[b'a'; 64]).len(), 64);
        // The published test vector of FNV-1a for "foobar".
        assert_eq!(hash(b"foobar"), 0x8594_4171_f739_67e8);
        assert_eq!(
            report(&pattern(65)),
            format!("*65:{:016x}", hash(&pattern(65)))
        );
    }
}
