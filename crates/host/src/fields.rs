//! Field lines: between what the wire carries and what a guest sees.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::bindings::Field;

/// Whether a field belongs to the connection, and so to the host.
fn is_host_owned(name: &str) -> bool {
    matches!(
        name,
        "transfer-encoding"
            | "connection"
            | "keep-alive"
            | "te"
            | "upgrade"
            | "expect"
            | "cdn-loop"
            | "host"
    ) || name.starts_with("proxy-")
}

/// The names that `connection` nominates, in lower case.
fn nominated(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect()
}

/// What a guest sees of a received head: names in lower case, several `cookie` fields joined, nothing
/// that belongs to the connection.
pub(crate) fn received(headers: &HeaderMap) -> Vec<Field> {
    let nominated = if headers.contains_key(header::CONNECTION) {
        nominated(headers)
    } else {
        Vec::new()
    };
    let mut fields: Vec<Field> = Vec::with_capacity(headers.len());
    let mut cookie: Option<usize> = None;
    for (name, value) in headers {
        let name = name.as_str();
        if is_host_owned(name) || nominated.iter().any(|n| n == name) {
            continue;
        }
        if name == "cookie" {
            if let Some(at) = cookie {
                let joined: &mut Vec<u8> = &mut fields[at].1;
                joined.extend_from_slice(b"; ");
                joined.extend_from_slice(value.as_bytes());
                continue;
            }
            cookie = Some(fields.len());
        }
        fields.push((name.to_owned(), value.as_bytes().to_vec()));
    }
    fields
}

/// Size of a head as the limits count it: names, values and four bytes a line.
pub(crate) fn size(headers: &HeaderMap) -> u64 {
    headers
        .iter()
        .map(|(name, value)| (name.as_str().len() + value.len() + 4) as u64)
        .sum()
}

/// What leaves of the fields that a guest set. The error says which field is wrong, and how.
pub(crate) fn to_send(
    fields: Vec<Field>,
    mut left_out: impl FnMut(&str),
) -> Result<HeaderMap, String> {
    let count = fields.len();
    let too_many = |_| format!("{count} fields are more than a head can hold");
    let mut headers = HeaderMap::try_with_capacity(count).map_err(too_many)?;
    for (name, value) in fields {
        let Ok(header_name) = HeaderName::from_bytes(name.as_bytes()) else {
            return Err(format!("field name {name:?} is not a token"));
        };
        if is_host_owned(header_name.as_str()) {
            left_out(header_name.as_str());
            continue;
        }
        let Ok(value) = HeaderValue::from_bytes(trim_blanks(&value)) else {
            return Err(format!(
                "the value of field {header_name} holds a control character"
            ));
        };
        headers.try_append(header_name, value).map_err(too_many)?;
    }
    Ok(headers)
}

/// Without blanks and tabs at the ends. Nothing else is trimmed: a line feed there is an error.
fn trim_blanks(value: &[u8]) -> &[u8] {
    let kept = |b: &u8| !matches!(b, b' ' | b'\t');
    let start = value.iter().position(kept).unwrap_or(value.len());
    let end = value.iter().rposition(kept).map_or(start, |last| last + 1);
    &value[start..end]
}

/// What only a head may say (RFC 9110, 6.5.1), beside what belongs to the connection.
fn is_of_head(name: &str) -> bool {
    matches!(
        name,
        "authorization"
            | "cache-control"
            | "content-encoding"
            | "content-length"
            | "content-range"
            | "content-type"
            | "max-forwards"
            | "set-cookie"
            | "trailer"
    )
}

/// What a reader sees of received trailers.
pub(crate) fn trailers(headers: &HeaderMap) -> Vec<Field> {
    let mut fields = received(headers);
    fields.retain(|(name, _)| !is_of_head(name));
    fields
}

/// What leaves of the trailers that a guest set.
pub(crate) fn trailers_to_send(fields: Vec<Field>) -> Result<HeaderMap, String> {
    let sent = to_send(fields, |_| ())?;
    Ok(trailers_to_forward(sent))
}

/// What goes on of trailers that are handed on.
pub(crate) fn trailers_to_forward(trailers: HeaderMap) -> HeaderMap {
    let mut last = None;
    let named = trailers.into_iter().filter_map(|(name, value)| {
        // A further value of a name comes without it.
        last = name.or_else(|| last.take());
        Some((last.clone()?, value))
    });
    named
        .filter(|(name, _)| !is_of_head(name.as_str()) && !is_host_owned(name.as_str()))
        .collect()
}

/// A `content-length` that a guest promised for a stream: one decimal number.
pub(crate) fn promised_length(headers: &HeaderMap) -> Result<Option<u64>, String> {
    let mut values = headers.get_all(header::CONTENT_LENGTH).iter();
    let (Some(value), more) = (values.next(), values.next()) else {
        return Ok(None);
    };
    let digits = value.to_str().unwrap_or_default();
    let decimal = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    match (decimal.then(|| digits.parse().ok()).flatten(), more) {
        (Some(length), None) => Ok(Some(length)),
        _ => Err(format!(
            "content-length {digits:?} is not one decimal number"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static [u8])]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(*name, HeaderValue::from_bytes(value).unwrap());
        }
        map
    }

    #[test]
    fn the_connection_keeps_its_own() {
        let seen = received(&headers(&[
            ("connection", b"x-hop"),
            ("x-hop", b"1"),
            ("proxy-thing", b"1"),
            ("host", b"a.test"),
            ("expect", b"100-continue"),
            ("accept", b"a\x80"),
        ]));
        assert_eq!(seen, [("accept".to_owned(), b"a\x80".to_vec())]);
    }

    #[test]
    fn cookies_are_joined_and_set_cookies_never() {
        let seen = received(&headers(&[
            ("cookie", b"a=1"),
            ("cookie", b"b=2"),
            ("set-cookie", b"x"),
            ("set-cookie", b"y"),
        ]));
        assert_eq!(seen[0], ("cookie".to_owned(), b"a=1; b=2".to_vec()));
        assert_eq!(seen.len(), 3);
    }

    #[test]
    fn what_a_guest_sets_is_checked_and_trimmed() {
        let field = |name: &str, value: &[u8]| vec![(name.to_owned(), value.to_vec())];
        for bad in ["", "a b", "a:b", "é", "a\n", ":path"] {
            assert!(to_send(field(bad, b"v"), |_| ()).is_err(), "{bad:?}");
        }
        for bad in [&b"a\r\nb: c"[..], b"a\n", b"\ra", b"a\0b", b"\x01", b"\x7f"] {
            assert!(to_send(field("x", bad), |_| ()).is_err(), "{bad:?}");
        }
        let sent = to_send(field("X-Mixed", b" \tv\t "), |_| ()).unwrap();
        assert_eq!(sent.get("x-mixed").unwrap(), "v");
        let mut out = Vec::new();
        let sent = to_send(field("Transfer-Encoding", b"chunked"), |name| {
            out.push(name.to_owned())
        })
        .unwrap();
        assert!(sent.is_empty());
        assert_eq!(out, ["transfer-encoding"]);
    }

    #[test]
    fn a_promise_is_one_number() {
        for (values, expected) in [
            (&[&b"10"[..]][..], Ok(Some(10))),
            (&[], Ok(None)),
            (&[b"x"], Err(())),
            (&[b"+1"], Err(())),
            (&[b"1", b"1"], Err(())),
        ] {
            let mut map = HeaderMap::new();
            for value in values {
                map.append("content-length", HeaderValue::from_bytes(value).unwrap());
            }
            assert_eq!(promised_length(&map).map_err(drop), expected);
        }
    }

    #[test]
    fn more_fields_than_a_map_holds_are_an_error() {
        let fields = |count| vec![("x".to_owned(), b"1".to_vec()); count];
        assert_eq!(to_send(fields(1000), |_| ()).unwrap().len(), 1000);
        let error = to_send(fields(30_000), |_| ()).unwrap_err();
        assert_eq!(error, "30000 fields are more than a head can hold");
    }
}
