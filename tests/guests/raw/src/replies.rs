use crate::exports::edge::sdk::handler::{Reply, ReplyBody};
use crate::query::Query;

/// A reply of any `status`, with each `field`, and as its body the `bytes` if there are any, or `size` of them.
pub fn run(query: &Query) -> Reply {
    let filler = query.number("filler").unwrap_or(0);
    let mut headers = query.fields("field");
    headers.extend((0..filler).map(|n| (format!("x-{n}"), b"0123456789".to_vec())));
    Reply {
        status: query.number("status").map_or(200, |status| status as u16),
        headers,
        body: match (query.bytes("bytes"), query.number("size")) {
            (Some(bytes), _) => ReplyBody::Bytes(bytes.to_vec()),
            (None, Some(size)) => ReplyBody::Bytes(vec![b'r'; size as usize]),
            (None, None) => ReplyBody::None,
        },
        hints: query
            .fields("hint")
            .into_iter()
            .map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()))
            .collect(),
    }
}
