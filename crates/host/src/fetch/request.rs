//! A guest's request, checked: what it asks for must be one, and be granted.

use http::Method;
use http::header::{self, HeaderMap, HeaderValue};
use url::Url;

use super::{Outbound, OutboundBody};
use crate::app::Shared;
use crate::bindings::{FetchError, Field, Options};
use crate::fields;
use crate::inbound;
use crate::state::State;

/// This host's name in `cdn-loop` (RFC 8586).
const CDN_ID: &str = "edgewit";

/// The longest URI that hyper carries.
const URI_BYTES_MAX: usize = u16::MAX as usize - 1;

/// An absolute http or https URI, without user information or fragment.
pub(super) fn target(uri: &str) -> Result<Url, FetchError> {
    let invalid = |reason: &str| FetchError::InvalidRequest(format!("uri {uri:?}: {reason}"));
    let url = Url::parse(uri).map_err(|error| invalid(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid("the scheme is neither http nor https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("user information"));
    }
    if url.fragment().is_some() {
        return Err(invalid("a fragment"));
    }
    let length = url.as_str().len();
    if length > URI_BYTES_MAX {
        let reason = format!("uri: {length} bytes, at most {URI_BYTES_MAX}");
        return Err(FetchError::InvalidRequest(reason));
    }
    Ok(url)
}

pub(super) fn method(method: &str) -> Result<Method, FetchError> {
    let invalid = |reason: &str| FetchError::InvalidRequest(format!("method {method:?}: {reason}"));
    if inbound::is_not_offered(method) {
        return Err(invalid("not offered"));
    }
    if let Some(meant) = inbound::meant(method) {
        return Err(invalid(&format!("{meant} is the method")));
    }
    Method::from_bytes(method.as_bytes()).map_err(|error| invalid(&error.to_string()))
}

/// The fields that leave: the guest's, framing and `cdn-loop`.
pub(super) fn head(
    state: &State,
    guest: Vec<Field>,
    method: &Method,
    body: &OutboundBody,
) -> Result<HeaderMap, FetchError> {
    let id = state.request_id();
    let mut headers = fields::to_send(guest, |name| {
        tracing::debug!(target: "edgewit::host", request = &*id, app = &*state.app.name, "fetch: {name} is the host's and left out");
    })
    .map_err(FetchError::InvalidRequest)?;
    let limits = &state.app.limits;
    if fields::size(&headers) > limits.request_head_bytes {
        let (limit, met) = (limits.request_head_bytes, fields::size(&headers));
        let reason = format!("request-head-bytes: limit {limit}, met {met}");
        return Err(FetchError::InvalidRequest(reason));
    }
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    headers.remove(header::CONTENT_LENGTH);
    if matches!(body, OutboundBody::None) && matches!(*method, Method::POST | Method::PUT) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    let before = state.cdn_loop.as_deref().unwrap_or_default();
    let (limit, met) = (limits.hops, hops(before) as u64 + 1);
    if met > limit {
        let reason = format!("hops: limit {limit}, met {met} through this host");
        return Err(FetchError::Limit(reason));
    }
    let cdn_loop = if before.is_empty() {
        CDN_ID.to_owned()
    } else {
        format!("{before}, {CDN_ID}")
    };
    if let Ok(value) = HeaderValue::from_str(&cdn_loop) {
        headers.insert("cdn-loop", value);
    }
    Ok(headers)
}

/// How often this host stands in a `cdn-loop`. A comma within quotes is part of a parameter; quotes that are never
/// closed are none, so that nobody can hide the hops that follow behind them.
fn hops(cdn_loop: &str) -> usize {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let is_between = |c: char| {
        let was_escaped = std::mem::replace(&mut is_escaped, false);
        match c {
            '\\' if is_quoted => is_escaped = !was_escaped,
            '"' if !was_escaped => is_quoted = !is_quoted,
            _ => return c == ',' && !is_quoted,
        }
        false
    };
    let is_own = |info: &str| {
        let id = info.split(';').next().unwrap_or_default();
        id.trim_matches([' ', '\t']) == CDN_ID
    };
    let count = cdn_loop.split(is_between).filter(|it| is_own(it)).count();
    if is_quoted {
        return cdn_loop.split(',').filter(|it| is_own(it)).count();
    }
    count
}

/// The peer that the hint `connect-to` names, as a URL of the request's scheme. A hint that must be known
/// and is not is an error.
pub(super) fn hinted(options: &Options, url: &Url) -> Result<Option<Url>, FetchError> {
    let mut connect_to = None;
    for (name, value) in &options.hints {
        match name.strip_prefix('!').unwrap_or(name) {
            "connect-to" => connect_to = Some(peer(value, url)?),
            _ if name.starts_with('!') => {
                let reason = format!("hint {name:?} is not known to this host");
                return Err(FetchError::InvalidRequest(reason));
            }
            _ => {}
        }
    }
    Ok(connect_to)
}

fn peer(value: &str, url: &Url) -> Result<Url, FetchError> {
    let invalid = || {
        let reason = format!("hint connect-to {value:?}: host:port is due");
        FetchError::InvalidRequest(reason)
    };
    let (host, port) = value.rsplit_once(':').ok_or_else(invalid)?;
    let is_plain = !host.contains(['/', '\\', '?', '#', '@']) && !port.starts_with('+');
    let port: u16 = port.parse().map_err(|_| invalid())?;
    let peer = Url::parse(&format!("{}://{host}:{port}/", url.scheme())).map_err(|_| invalid())?;
    is_plain.then_some(peer).ok_or_else(invalid)
}

/// The length that a guest promises for what it writes.
pub(super) fn promise(guest: &[Field]) -> Result<Option<u64>, FetchError> {
    let lengths = guest
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .cloned()
        .collect();
    let headers = fields::to_send(lengths, |_| ()).map_err(FetchError::InvalidRequest)?;
    fields::promised_length(&headers).map_err(FetchError::InvalidRequest)
}

/// A scheme, a name of 253 bytes, and a port.
const ORIGIN_BYTES_MAX: usize = 300;

/// Grants are checked on every hop.
pub(super) fn check_grant(app: &Shared, request_id: &str, url: &Url) -> Result<(), FetchError> {
    if app.grants.fetch.iter().any(|origin| origin.allows(url)) {
        return Ok(());
    }
    Err(deny(app, request_id, url, ""))
}

/// The address that a granted name has is not granted.
pub(super) fn denied(outbound: &Outbound, address: &Url, name: &str) -> FetchError {
    let of = format!(", where {name} leads,");
    deny(&outbound.app, &outbound.request_id, address, &of)
}

fn deny(app: &Shared, request_id: &str, url: &Url, what: &str) -> FetchError {
    let origin = url.origin().ascii_serialization();
    // No name is as long: a guest that makes one up gets no line of its length.
    let (origin, line) = match origin.len() {
        ..=ORIGIN_BYTES_MAX => (origin, edgewit_manifest::Origin::line(url)),
        length => (format!("an origin of {length} bytes"), None),
    };
    let how = match line {
        Some(line) => format!("to grant it, add {line} to fetch in {}", app.grants_file),
        None => "none such can be: an origin is http or https, a host and a port from 1".to_owned(),
    };
    tracing::warn!(
        target: "edgewit::host", request = request_id, app = &*app.name,
        "denied: {origin}{what} is not granted; {how}"
    );
    FetchError::Denied
}

#[cfg(test)]
mod tests {
    use super::hops;

    #[test]
    fn hops_are_counted_as_the_list_is_written() {
        for (cdn_loop, count) in [
            ("", 0),
            ("other", 0),
            ("edgewit", 1),
            ("edgewit;a=b, edgewit ;a=b,\tedgewit\t; a", 3),
            ("edgewitness, my edgewit", 0),
            ("other; a=\"edgewit, edgewit, edgewit\", edgewit", 1),
            (
                "other; a=\"x\\\", edgewit\\\\\", edgewit; b=\", edgewit\"",
                1,
            ),
            // A backslash outside of quotes is one of a bad list, and escapes nothing.
            ("other; a=\\\"x, edgewit\", edgewit", 1),
            // Quotes that are not closed hide nothing.
            ("other; a=\"x, edgewit, edgewit", 2),
        ] {
            assert_eq!(hops(cdn_loop), count, "{cdn_loop}");
        }
    }
}
