use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Unexpected};
use serde::{Deserialize, Serialize, Serializer};
use url::{Host, Url};

/// An origin, or a pattern of origins, that an application may fetch from.
///
/// Written `SCHEME://HOST`, `SCHEME://HOST:PORT` or `SCHEME://HOST:*`, and displayed so:
/// - The scheme is `http` or `https`.
/// - The host is a name, an IPv4 address or an IPv6 address in brackets, and is kept as the WHATWG
///   URL standard serializes it: in lower case, Punycode, and dotted decimals.
/// - A name may begin with `*.`, which stands for one label or more: `https://*.example.com` allows
///   `https://a.example.com` and `https://a.b.example.com`, never `https://example.com`.
/// - Without a port it is the scheme's own, 80 or 443, and that is not displayed; `*` is any port.
/// - One `/` may follow, and is left out.
///
/// Source: RFC 6454; URL Standard, sections 3.5 (host parsing) and 4.7 (origin).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    scheme: Scheme,
    /// What follows the `*.` if there is one, else the whole host.
    host: String,
    subdomains: bool,
    /// `None` is any port.
    port: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Scheme {
    Http,
    Https,
}

/// Why a text is not an [`Origin`]. It displays what was found, then what would be right, without
/// the text itself, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{}; expected {}", self.found(), self.right())]
#[non_exhaustive]
pub enum OriginError {
    /// There is no `://`.
    NoScheme,
    /// The scheme is neither `http` nor `https`.
    OtherScheme,
    /// There is user information, `name:password@`.
    UserInformation,
    /// There is a path other than `/`.
    Path,
    /// There is a query.
    Query,
    /// There is a fragment.
    Fragment,
    /// There is no host.
    EmptyHost,
    /// The host is no name and no address.
    BadHost,
    /// The host is a `*`, which would be all of them.
    AnyHost,
    /// There is a `*` that is neither the first label of a name nor the port.
    Wildcard,
    /// The port is no number from 1 to 65535.
    BadPort,
}

impl OriginError {
    fn found(self) -> &'static str {
        match self {
            Self::NoScheme => "an origin without a scheme",
            Self::OtherScheme => "an origin with another scheme",
            Self::UserInformation => "an origin with user information",
            Self::Path => "an origin with a path",
            Self::Query => "an origin with a query",
            Self::Fragment => "an origin with a fragment",
            Self::EmptyHost => "an origin without a host",
            Self::BadHost => "an origin with a bad host",
            Self::AnyHost => "a `*` for any host",
            Self::Wildcard => "an origin with a `*` in a wrong place",
            Self::BadPort => "an origin with a bad port",
        }
    }

    fn right(self) -> &'static str {
        match self {
            Self::NoScheme | Self::OtherScheme => "`http://` or `https://`",
            Self::UserInformation | Self::Path | Self::Query | Self::Fragment => {
                "scheme, host and port only"
            }
            Self::EmptyHost | Self::BadHost => {
                "a name, an IPv4 address, or an IPv6 address in brackets"
            }
            Self::AnyHost => {
                "each that is fetched from, `https://api.example.com` or `https://*.example.com`: nothing grants all"
            }
            Self::Wildcard => "it as a name's whole first label, `*.example.com`, or as the port",
            Self::BadPort => "a number from 1 to 65535, or `*`",
        }
    }
}

impl Origin {
    /// The origin of `url` alone, the narrowest grant that allows it. `None` if no grant is as narrow:
    /// with another scheme, port 0, an empty label or a `*` in the host.
    pub fn of(url: &Url) -> Option<Self> {
        let (host, port) = (url.host_str()?, url.port_or_known_default()?);
        let origin = format!("{}://{host}:{port}", url.scheme())
            .parse::<Self>()
            .ok()?;
        (!origin.subdomains).then_some(origin)
    }

    /// What to add to `fetch` in `edge.toml` to allow `url`, in quotes: `"https://example.com"`.
    /// `None` where [`of`](Origin::of) is.
    pub fn line(url: &Url) -> Option<String> {
        Self::of(url).map(|origin| format!("\"{origin}\""))
    }

    /// Whether a request to `url` is within this origin. Only scheme, host and port count.
    pub fn allows(&self, url: &Url) -> bool {
        Scheme::of(url.scheme()) == Some(self.scheme)
            && url.host_str().is_some_and(|host| self.has_host(host))
            && self
                .port
                .is_none_or(|port| url.port_or_known_default() == Some(port))
    }

    fn has_host(&self, host: &str) -> bool {
        if !self.subdomains {
            return host == self.host;
        }
        let labels = host
            .strip_suffix(&self.host)
            .and_then(|rest| rest.strip_suffix('.'));
        labels.is_some_and(|labels| labels.split('.').all(|label| !label.is_empty()))
    }
}

impl Scheme {
    fn of(text: &str) -> Option<Self> {
        match text {
            _ if text.eq_ignore_ascii_case("http") => Some(Self::Http),
            _ if text.eq_ignore_ascii_case("https") => Some(Self::Https),
            _ => None,
        }
    }

    fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        if text == "*" {
            return Err(OriginError::AnyHost);
        }
        let (scheme, rest) = text.split_once("://").ok_or(OriginError::NoScheme)?;
        let scheme = Scheme::of(scheme).ok_or(OriginError::OtherScheme)?;
        let (authority, tail) =
            rest.split_at(rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(OriginError::UserInformation);
        }
        match tail.chars().next() {
            _ if tail == "/" => {}
            Some('?') => return Err(OriginError::Query),
            Some('#') => return Err(OriginError::Fragment),
            Some(_) => return Err(OriginError::Path),
            None => {}
        }
        // A colon inside brackets belongs to an IPv6 address.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let (host, subdomains) = parse_host(host)?;
        let port = match port {
            None => Some(scheme.port()),
            Some("*") => None,
            Some(port) => Some(parse_port(port)?),
        };
        Ok(Self {
            scheme,
            host,
            subdomains,
            port,
        })
    }
}

fn parse_port(text: &str) -> Result<u16, OriginError> {
    // A number's own parser would take a sign.
    let digits = text.bytes().all(|c| c.is_ascii_digit());
    let port = text.parse().ok().filter(|port| digits && *port != 0);
    port.ok_or(OriginError::BadPort)
}

/// The host as the URL standard serializes it, without a leading `*.`, and whether there was one.
fn parse_host(text: &str) -> Result<(String, bool), OriginError> {
    let (name, subdomains) = match text.strip_prefix("*.") {
        Some(name) => (name, true),
        None => (text, false),
    };
    if text.is_empty() {
        return Err(OriginError::EmptyHost);
    }
    if text == "*" {
        return Err(OriginError::AnyHost);
    }
    if name.contains('*') {
        return Err(OriginError::Wildcard);
    }
    match Host::parse(name) {
        // Percent-encoding and compatibility forms can hide a `*` until here.
        Ok(Host::Domain(host)) if host.contains('*') => Err(OriginError::Wildcard),
        Ok(Host::Domain(host)) if has_empty_label(&host) => Err(OriginError::BadHost),
        Ok(Host::Domain(host)) => Ok((host, subdomains)),
        Ok(_) if subdomains => Err(OriginError::Wildcard),
        Ok(address) => Ok((address.to_string(), false)),
        Err(_) => Err(OriginError::BadHost),
    }
}

/// The empty label of the root, at the end, is none of these.
fn has_empty_label(host: &str) -> bool {
    host.strip_suffix('.')
        .unwrap_or(host)
        .split('.')
        .any(str::is_empty)
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.scheme {
            Scheme::Http => "http://",
            Scheme::Https => "https://",
        })?;
        f.write_str(if self.subdomains { "*." } else { "" })?;
        f.write_str(&self.host)?;
        match self.port {
            None => f.write_str(":*"),
            Some(port) if port == self.scheme.port() => Ok(()),
            Some(port) => write!(f, ":{port}"),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(|error: OriginError| {
                D::Error::invalid_value(Unexpected::Other(error.found()), &error.right())
            })
    }
}

impl JsonSchema for Origin {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Origin".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": r"^[Hh][Tt][Tt][Pp][Ss]?://[^/\\?#@\s]+/?$" })
    }
}

#[cfg(test)]
mod tests {
    use super::{Origin, OriginError, Url};

    fn url(text: &str) -> Url {
        text.parse().expect("a URL")
    }

    #[test]
    fn displays_in_one_form() {
        let cases = [
            ("https://example.com", "https://example.com"),
            ("https://example.com/", "https://example.com"),
            ("https://example.com:443", "https://example.com"),
            ("http://example.com:80", "http://example.com"),
            ("http://example.com:443", "http://example.com:443"),
            ("https://example.com:08443", "https://example.com:8443"),
            ("https://example.com:*", "https://example.com:*"),
            ("HTTPS://EXAMPLE.com", "https://example.com"),
            ("https://BÜCHER.example", "https://xn--bcher-kva.example"),
            (
                "https://*.Bücher.example:*",
                "https://*.xn--bcher-kva.example:*",
            ),
            ("https://%65xample.com", "https://example.com"),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("http://0x7f.1", "http://127.0.0.1"),
            ("http://[0:0::1]:8080", "http://[::1]:8080"),
            ("http://[::1]", "http://[::1]"),
            ("http://[::1]:*", "http://[::1]:*"),
            ("http://localhost", "http://localhost"),
            ("http://*.localhost", "http://*.localhost"),
            ("https://example.com.", "https://example.com."),
        ];
        for (text, displayed) in cases {
            let origin: Origin = text.parse().expect(text);
            assert_eq!(origin.to_string(), displayed);
            assert_eq!(displayed.parse(), Ok(origin));
        }
    }

    #[test]
    fn refuses_what_is_no_origin() {
        use OriginError::*;
        let cases = [
            ("", NoScheme),
            ("*", AnyHost),
            ("example.com", NoScheme),
            ("example.com:443", NoScheme),
            ("//example.com", NoScheme),
            ("https:example.com", NoScheme),
            ("ftp://example.com", OtherScheme),
            ("*://example.com", OtherScheme),
            (" https://example.com", OtherScheme),
            ("https://ada@example.com", UserInformation),
            ("https://ada:secret@example.com/", UserInformation),
            ("https://example.com/a", Path),
            ("https://example.com//", Path),
            ("https://example.com/?a", Path),
            ("https://example.com\\", Path),
            ("https://example.com?a", Query),
            ("https://example.com#a", Fragment),
            ("https://", EmptyHost),
            ("https:///", EmptyHost),
            ("https://:443", EmptyHost),
            ("https://exa mple.com", BadHost),
            ("https://exa\tmple.com", BadHost),
            ("https://example.com ", BadHost),
            ("https://a..example.com", BadHost),
            ("https://.example.com", BadHost),
            ("https://*.", BadHost),
            ("https://*..example.com", BadHost),
            ("https://1.2.3.256", BadHost),
            ("https://[::1", BadHost),
            ("https://::1", BadHost),
            ("https://[::g]", BadHost),
            ("https://*", AnyHost),
            ("https://*:*", AnyHost),
            ("https://*.*.example.com", Wildcard),
            ("https://a.*.example.com", Wildcard),
            ("https://a*.example.com", Wildcard),
            ("https://*example.com", Wildcard),
            ("https://%2A.example.com", Wildcard),
            ("https://＊.example.com", Wildcard),
            ("https://*.127.0.0.1", Wildcard),
            ("https://*.[::1]", Wildcard),
            ("https://example.com:", BadPort),
            ("https://example.com:0", BadPort),
            ("https://example.com:+1", BadPort),
            ("https://example.com:65536", BadPort),
            ("https://example.com:http", BadPort),
            ("https://example.com:4*", BadPort),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<Origin>(), Err(error), "{text}");
        }
    }

    #[test]
    fn allows_its_own_urls_only() {
        let cases = [
            ("https://example.com", "https://example.com/a?b#c", true),
            ("https://example.com", "https://example.com:443/", true),
            ("https://example.com", "https://EXAMPLE.com/", true),
            ("https://example.com", "http://example.com/", false),
            ("https://example.com", "http://example.com:443/", false),
            ("https://example.com", "https://example.com:8443/", false),
            ("https://example.com", "https://a.example.com/", false),
            ("https://example.com", "https://example.com./", false),
            (
                "https://example.com",
                "https://example.com.evil.example/",
                false,
            ),
            ("https://example.com", "ftp://example.com/", false),
            (
                "https://example.com:8443",
                "https://example.com:8443/",
                true,
            ),
            ("https://example.com:8443", "https://example.com/", false),
            ("https://example.com:*", "https://example.com:8443/", true),
            ("https://example.com:*", "https://example.com/", true),
            ("https://example.com:*", "http://example.com/", false),
            ("https://*.example.com", "https://a.example.com/", true),
            ("https://*.example.com", "https://a.b.example.com/", true),
            ("https://*.example.com", "https://example.com/", false),
            ("https://*.example.com", "https://.example.com/", false),
            ("https://*.example.com", "https://a..example.com/", false),
            ("https://*.example.com", "https://aexample.com/", false),
            (
                "https://*.example.com",
                "https://a.example.com:8443/",
                false,
            ),
            (
                "https://*.example.com:*",
                "https://a.example.com:8443/",
                true,
            ),
            (
                "https://bücher.example",
                "https://xn--bcher-kva.example/",
                true,
            ),
            ("http://127.0.0.1:9000", "http://2130706433:9000/", true),
            ("http://[::1]", "http://[0::1]/", true),
            ("http://localhost", "data:text/plain,a", false),
        ];
        for (origin, other, allowed) in cases {
            let origin: Origin = origin.parse().expect(origin);
            assert_eq!(origin.allows(&url(other)), allowed, "{origin} {other}");
        }
    }

    #[test]
    fn line_allows_one_origin() {
        let cases = [
            (
                "https://api.example.com/v1?key=secret",
                Some("\"https://api.example.com\""),
            ),
            (
                "http://ada:secret@example.com:443/",
                Some("\"http://example.com:443\""),
            ),
            ("http://[::1]:9000/", Some("\"http://[::1]:9000\"")),
            ("https://*.example.com/", None),
            ("https://a.*.example.com/", None),
            ("http://a..example.com/", None),
            ("http://example.com:0/", None),
            ("ftp://example.com/", None),
            ("data:text/plain,a", None),
        ];
        for (text, line) in cases {
            assert_eq!(Origin::line(&url(text)).as_deref(), line);
            if let Some(origin) = Origin::of(&url(text)) {
                assert!(origin.allows(&url(text)), "{text}");
            }
        }
    }

    #[test]
    fn serde_uses_the_text() {
        let origin: Origin = serde_json::from_str("\"https://A.example\"").expect("an origin");
        assert_eq!(
            serde_json::to_string(&origin).expect("JSON"),
            "\"https://a.example\""
        );
    }
}
