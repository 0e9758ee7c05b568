//! Messages in the plain form in which they cross to the host and back: what the bindings of a component and the host of
//! a test have in common.

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode, Uri};

use crate::body::Outgoing;
use crate::context::Info;
use crate::fetch::Origin;
use crate::{Body, Context, Error, Hints, Request, Response, Router};

/// A field line.
pub(crate) type Field = (String, Vec<u8>);

/// The head of a request.
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) fields: Vec<Field>,
}

/// A reply.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) fields: Vec<Field>,
    pub(crate) body: Outgoing,
    pub(crate) hints: Vec<(String, String)>,
}

/// One request through an application.
pub(crate) fn handle(app: &Router, head: Head, body: Body, info: Info) -> Result<Reply, Error> {
    let request = request(head, body)?;
    app.dispatch(&mut Context::new(request, info))
        .map(Reply::from)
}

impl From<&Parts> for Head {
    fn from(head: &Parts) -> Head {
        Head {
            method: head.method.as_str().to_owned(),
            uri: head.uri.to_string(),
            fields: fields(&head.headers),
        }
    }
}

pub(crate) fn request(head: Head, body: Body) -> Result<Request, Error> {
    let mut inner = Request::new(body);
    *inner.method_mut() = Method::from_bytes(head.method.as_bytes()).map_err(Error::app)?;
    *inner.uri_mut() = Uri::from_maybe_shared(head.uri.into_bytes()).map_err(Error::app)?;
    *inner.headers_mut() = headers(head.fields)?;
    Ok(inner)
}

/// What was fetched.
pub(crate) fn response(
    status: u16,
    fields: Vec<Field>,
    body: Body,
    origin: Origin,
) -> Result<Response, Error> {
    let mut inner = Response::new(body);
    *inner.status_mut() = StatusCode::from_u16(status)?;
    *inner.headers_mut() = headers(fields)?;
    inner.extensions_mut().insert(origin);
    Ok(inner)
}

impl From<Response> for Reply {
    fn from(response: Response) -> Reply {
        let (mut head, body) = response.into_parts();
        let hints = head.extensions.remove();
        Reply {
            status: head.status.as_u16(),
            fields: fields(&head.headers),
            body: match body.into_outgoing() {
                Outgoing::Bytes(bytes) if bytes.is_empty() => Outgoing::None,
                body => body,
            },
            hints: hints.map_or(Vec::new(), |Hints(hints)| hints),
        }
    }
}

/// The fields of a head or of trailers, in order.
pub(crate) fn headers(fields: Vec<Field>) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes())?;
        let value = HeaderValue::from_maybe_shared(Bytes::from(value))?;
        headers.append(name, value);
    }
    Ok(headers)
}

pub(crate) fn fields(headers: &HeaderMap) -> Vec<Field> {
    let field = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.as_str().to_owned(), value.as_bytes().to_owned())
    };
    headers.iter().map(field).collect()
}
