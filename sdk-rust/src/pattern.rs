//! Route patterns: segments of literal text, `:name`, or a last `*name`, compared with raw paths.
//!
//! The router is built for every request, so nothing is compiled beforehand: a pattern stays the text it is.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::str::Split;

use percent_encoding::{
    AsciiSet, CONTROLS, PercentDecode, percent_decode_str, utf8_percent_encode,
};

/// The path percent-encode set of WHATWG URL.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// Matches everything and has no parameter. It passes no [`check`]: nobody but the router has it.
pub(crate) const ALL: &str = "/*";

/// In the order of preference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Literal,
    Param,
    Rest,
}

fn segments(path: &str) -> Split<'_, char> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

/// What a segment of a pattern is, with its name or its text.
fn parse(segment: &str) -> (Kind, &str) {
    match segment.as_bytes().first() {
        Some(b':') => (Kind::Param, &segment[1..]),
        Some(b'*') => (Kind::Rest, &segment[1..]),
        _ => (Kind::Literal, segment),
    }
}

/// The names of the parameters, in order.
fn names(pattern: &str) -> impl Iterator<Item = &str> {
    segments(pattern)
        .map(parse)
        .filter(|(kind, _)| *kind != Kind::Literal)
        .map(|(_, name)| name)
}

/// Says what is wrong with a pattern.
pub(crate) fn check(pattern: &str) -> Result<(), &'static str> {
    if !pattern.starts_with('/') {
        return Err("it does not begin with `/`; `/*rest` is every path");
    }
    let mut rest_seen = false;
    for (index, segment) in segments(pattern).enumerate() {
        let (kind, name) = parse(segment);
        if rest_seen {
            return Err("`*name` is not its last segment");
        }
        if kind == Kind::Literal {
            continue;
        }
        rest_seen = kind == Kind::Rest;
        if !is_name(name) {
            return Err(
                "a parameter's name is letters, digits, `_` and `-`; what may be absent is two patterns, the rest \
                 of a path is a last `*name`, and the form of a value is the handler's to check",
            );
        }
        let before = segments(pattern).take(index).map(parse);
        if before
            .into_iter()
            .any(|(kind, other)| kind != Kind::Literal && other == name)
        {
            return Err("two parameters have one name");
        }
    }
    Ok(())
}

/// What ASCII has for punctuation means to other routers that a segment is optional, repeated or of some form.
fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    !name.is_empty()
        && bytes.all(|it| it.is_ascii_alphanumeric() || b"_-".contains(&it) || !it.is_ascii())
}

/// Whether `pattern` matches the raw `path`. [`ALL`] below a prefix matches the prefix too.
pub(crate) fn matches(pattern: &str, path: &str) -> bool {
    let mut path = segments(path);
    for segment in segments(pattern) {
        let (kind, text) = parse(segment);
        let Some(raw) = path.next() else {
            return kind == Kind::Rest && text.is_empty();
        };
        let fits = match kind {
            Kind::Rest => return true,
            Kind::Param => !raw.is_empty(),
            Kind::Literal => text == raw || is_encoded(text, raw),
        };
        if !fits {
            return false;
        }
    }
    path.next().is_none()
}

fn is_encoded(text: &str, raw: &str) -> bool {
    let mut raw = raw;
    for piece in utf8_percent_encode(text, PATH) {
        match raw.strip_prefix(piece) {
            Some(rest) => raw = rest,
            None => return false,
        }
    }
    raw.is_empty()
}

/// Which of two patterns that match the same path is the better one, which is the lesser: literal before parameter before
/// rest, segment by segment. That is what backtracking through a tree would come to first.
pub(crate) fn prefer(a: &str, b: &str) -> Ordering {
    let kinds = |pattern| segments(pattern).map(|segment| parse(segment).0);
    kinds(a).cmp(kinds(b))
}

/// Equal for patterns that match the same paths, whatever their parameters are called, and seldom for others.
pub(crate) fn hash(pattern: &str) -> u64 {
    // FNV-1a.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |byte: u8| {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    };
    for segment in segments(pattern) {
        match parse(segment) {
            (Kind::Literal, text) => {
                let pieces = utf8_percent_encode(text, PATH);
                pieces.flat_map(str::bytes).for_each(&mut add);
            }
            (kind, _) => add(kind as u8),
        }
        add(b'/');
    }
    hash
}

/// Whether two patterns match the same paths, whatever their parameters are called.
pub(crate) fn same(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (segments(a), segments(b));
    loop {
        match (a.next().map(parse), b.next().map(parse)) {
            (None, None) => return true,
            (Some((Kind::Literal, a)), Some((Kind::Literal, b))) => {
                let encode = |text| utf8_percent_encode(text, PATH).flat_map(str::bytes);
                if !encode(a).eq(encode(b)) {
                    return false;
                }
            }
            (Some((a, _)), Some((b, _))) if a == b => {}
            _ => return false,
        }
    }
}

/// Whether a middleware at `pattern` stands in front of `path`: what it matches, and the path before a last `*name`.
pub(crate) fn covers(pattern: &str, path: &str) -> bool {
    let before = || match pattern.rsplit_once('/')? {
        (before, last) if last.starts_with('*') && !before.is_empty() => Some(before),
        _ => None,
    };
    matches(pattern, path) || before().is_some_and(|before| matches(before, path))
}

/// `pattern` below `prefix`; the root is the prefix itself.
pub(crate) fn join(prefix: &str, pattern: Cow<'static, str>) -> Cow<'static, str> {
    match (prefix, &*pattern) {
        ("/", _) => pattern,
        (_, "/") => Cow::Owned(prefix.to_owned()),
        _ => Cow::Owned(format!("{prefix}{pattern}")),
    }
}

/// The values of the parameters of a pattern that matches or covers `path`, in order, percent-decoded once, each by
/// `text`; `None` if it gives none.
pub(crate) fn values(
    pattern: &str,
    path: &str,
    text: impl Fn(PercentDecode<'_>) -> Option<Cow<'_, str>>,
) -> Option<Vec<String>> {
    let mut values = Vec::new();
    let mut rest = path.strip_prefix('/').unwrap_or(path);
    for segment in segments(pattern) {
        let (raw, after) = rest.split_once('/').unwrap_or((rest, ""));
        let raw = match parse(segment) {
            (Kind::Literal, _) | (Kind::Rest, "") => None,
            (Kind::Param, _) => Some(raw),
            (Kind::Rest, _) => Some(rest),
        };
        if let Some(raw) = raw {
            values.push(text(percent_decode_str(raw))?.into_owned());
        }
        rest = after;
    }
    Some(values)
}

/// Which parameter of `pattern` is called `name`.
pub(crate) fn position(pattern: &str, name: &str) -> Option<usize> {
    names(pattern).position(|other| other == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_segment_by_segment() {
        for (pattern, path, expected) in [
            ("/", "/", true),
            ("/", "/a", false),
            ("/a", "/a", true),
            ("/a", "/a/", false),
            ("/a/", "/a/", true),
            ("/a", "/A", false),
            ("/:x", "/a", true),
            ("/:x", "/", false),
            ("/a/:x", "/a/", false),
            ("/a/:x/c", "/a/b/c", true),
            ("/a/:x/c", "/a/b/d", false),
            ("/a/*rest", "/a/b/c", true),
            ("/a/*rest", "/a/", true),
            ("/a/*rest", "/a", false),
            ("/*rest", "/", true),
            ("/é", "/%C3%A9", true),
            ("/é", "/%c3%a9", false),
            ("/a b", "/a%20b", true),
            ("/a^b", "/a%5Eb", true),
            ("/a^b", "/a^b", true),
            ("/%C3%A9", "/%C3%A9", true),
            (ALL, "/", true),
            (ALL, "/a/b", true),
            ("/a/*", "/a", true),
            ("/a/*", "/ab", false),
            ("/é", "/%C3%A9x", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn a_last_rest_covers_the_path_before_it() {
        for (pattern, path, expected) in [
            ("/admin/*rest", "/admin", true),
            ("/admin/*rest", "/admin/", true),
            ("/admin/*rest", "/admin/a/b", true),
            ("/admin/*rest", "/administrator", false),
            ("/*rest", "/", true),
            ("/*rest", "/a", true),
            ("/:x/*rest", "/a", true),
            ("/:x/*rest", "/", false),
            ("/a", "/a/b", false),
        ] {
            assert_eq!(covers(pattern, path), expected, "{pattern} {path}");
        }
        let values = |pattern, path| values(pattern, path, |raw| raw.decode_utf8().ok());
        assert_eq!(values("/:x/*rest", "/a").unwrap(), ["a", ""]);
    }

    #[test]
    fn the_root_below_a_prefix_is_the_prefix() {
        for (prefix, pattern, expected) in [
            ("/api", "/", "/api"),
            ("/api", "/x/", "/api/x/"),
            ("/", "/x", "/x"),
            ("/", "/", "/"),
        ] {
            assert_eq!(join(prefix, pattern.into()), expected);
        }
    }

    #[test]
    fn prefers_literal_to_parameter_to_rest() {
        for (better, worse) in [
            ("/a/b", "/a/:x"),
            ("/a/:x", "/a/*x"),
            ("/a/:x/c", "/:y/b/c"),
            ("/a/*x", "/:y/b"),
        ] {
            assert_eq!(prefer(better, worse), Ordering::Less, "{better} {worse}");
            assert_eq!(prefer(worse, better), Ordering::Greater);
        }
        assert_eq!(prefer("/a/:x", "/b/:y"), Ordering::Equal);
    }

    #[test]
    fn the_same_patterns_are_known_as_such() {
        for (a, b, expected) in [
            ("/a/:x", "/a/:y", true),
            ("/é", "/%C3%A9", true),
            ("/a/*x", "/a/*y", true),
            ("/a/:x", "/a/*x", false),
            ("/a", "/a/", false),
            ("/ab", "/a/b", false),
        ] {
            assert_eq!(same(a, b), expected, "{a} {b}");
            assert_eq!(hash(a) == hash(b), expected, "{a} {b}");
        }
    }

    #[test]
    fn values_are_decoded_once() {
        let values = |pattern, path| values(pattern, path, |raw| raw.decode_utf8().ok());
        assert_eq!(values("/:x/b", "/a%252F/b").unwrap(), ["a%2F"]);
        assert_eq!(values("/:x/*y", "/a/b%20c/d/").unwrap(), ["a", "b c/d/"]);
        assert_eq!(values("/a/*y", "/a/").unwrap(), [""]);
        assert_eq!(values("/:x", "/%FF"), None);
    }

    /// As other routers have them: optional, repeated, of some form, and two in one segment.
    const NO_NAMES: [&str; 11] = [
        "",
        "x?",
        "x*",
        "x+",
        r"id(\d+)",
        "id{[0-9]+}",
        "x.json",
        "from-:to",
        "a b",
        "$x",
        "id<int>",
    ];

    #[test]
    fn malformed_patterns_are_told() {
        for pattern in ["", "a", "*", "/*x/b", "/:x/:x", "/:x/*x"] {
            assert!(check(pattern).is_err(), "{pattern}");
        }
        for name in NO_NAMES {
            for pattern in [format!("/a/:{name}"), format!("/*{name}")] {
                let error = check(&pattern).expect_err(&pattern);
                assert!(error.starts_with("a parameter's name is"), "{error}");
            }
        }
        for pattern in ["/", "/:x/:y/*z", "/a*b/c:d", "/:größe/:a-b_2", "/a?/(b)"] {
            assert_eq!(check(pattern), Ok(()), "{pattern}");
        }
    }
}
