//! Replies: the ones the router makes, and what every reply must be.

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response as HttpResponse, StatusCode};

use crate::{Body, Error, Response};

/// For whoever delivers a reply, by name and value: an extension of a [`Response`](crate::Response). As
/// [those of a fetch](crate::FetchOptions::hints), for what one platform alone offers.
/// Source: `edge:sdk/handler#reply`.
///
/// ```
/// use edgewit::{App, Hints};
///
/// let app = App::new().get("/", |c| {
///     let mut reply = c.text("hello");
///     reply.extensions_mut().insert(Hints(vec![("cache-ttl".into(), "60".into())]));
///     Ok(reply)
/// });
/// # assert_eq!(app.request("/").extensions().get::<Hints>().unwrap().0.len(), 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints(pub Vec<(String, String)>);

/// A reply without body and fields.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = HttpResponse::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// A 200 of a media type.
pub(crate) fn of_type(media_type: &'static str, body: Body) -> Response {
    let mut response = HttpResponse::new(body);
    let value = HeaderValue::from_static(media_type);
    response.headers_mut().insert(CONTENT_TYPE, value);
    response
}

/// Checks what the platform's own type accepts although a reply can't be so, and that its body can be sent.
pub(crate) fn check(response: Response) -> Result<Response, Error> {
    let status = response.status().as_u16();
    if !(200..=599).contains(&status) {
        let text = format!("{status} is not 200 to 599");
        return Err(Error::InvalidStatus(text));
    }
    if matches!(status, 204 | 205 | 304) && response.body().length() != Some(0) {
        let text = format!("{status} has no body");
        return Err(Error::InvalidStatus(text));
    }
    response.body().check()?;
    Ok(response)
}
