//! Which fields pass between an application and its clients and servers, as with any host.

use std::mem;

use crate::wire::Field;

/// Whether a field belongs to the connection, and so to the host.
fn is_host_owned(name: &str) -> bool {
    const NAMES: [&str; 8] = [
        "transfer-encoding",
        "connection",
        "keep-alive",
        "te",
        "upgrade",
        "expect",
        "cdn-loop",
        "host",
    ];
    NAMES.contains(&name) || name.starts_with("proxy-")
}

/// What an application sees of a request or a response: nothing that belongs to the connection, and one `cookie`.
pub(crate) fn received(fields: Vec<Field>) -> Vec<Field> {
    let connection = fields.iter().filter(|(name, _)| name == "connection");
    let nominated: Vec<String> = connection
        .flat_map(|(_, value)| value.split(|byte| *byte == b','))
        .map(|name| String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase())
        .collect();
    let mut seen: Vec<Field> = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        if is_host_owned(&name) || nominated.contains(&name) {
            continue;
        }
        match seen.iter_mut().find(|(other, _)| *other == name) {
            Some((_, cookies)) if name == "cookie" => {
                let all = [&mem::take(cookies)[..], &value[..]].join(&b"; "[..]);
                *cookies = all;
            }
            _ => seen.push((name, value)),
        }
    }
    seen
}

/// What leaves of the fields that an application has set: what belongs to the connection is the host's to say.
pub(crate) fn sent(mut fields: Vec<Field>) -> Vec<Field> {
    fields.retain(|(name, _)| !is_host_owned(name));
    fields
}
