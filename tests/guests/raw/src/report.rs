use crate::edge::sdk::http::{Body, Request};
use crate::exports::edge::sdk::handler::{Context, Reply};
use crate::{lines_of, text};

/// What arrived, a line each: method, URI, fields, kind of body, context.
pub fn run(request: Request, context: &Context) -> Reply {
    let body = match &request.body {
        Body::None => "none".to_owned(),
        Body::Bytes(bytes) => format!("bytes {} {}", bytes.len(), bytes.escape_ascii()),
        Body::Incoming(body) => format!("incoming {:?}", body.length()),
    };
    let attributes = context.attributes.iter();
    let attributes: String = attributes
        .map(|(name, value)| format!("attribute {name}={value}\n"))
        .collect();
    text(format!(
        "method {}\nuri {}\n{}body {body}\nid {}\nclient {:?}\n{attributes}",
        request.method,
        request.uri,
        lines_of(&request.headers),
        context.request_id,
        context.client,
    ))
}
