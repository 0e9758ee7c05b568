//! `edge:sdk/fetch`.

use http::{StatusCode, Uri};

use super::{body_error, body_in, fields, headers, wit};
use crate::body::Outgoing;
use crate::fetch::{Error as FetchError, Options, Origin, Redirect, Timeouts};
use crate::kv::milliseconds;
use crate::{Error, Request, Response};

pub(crate) fn fetch(request: Request, options: &Options) -> Result<Response, Error> {
    let request = request_out(request)?;
    let pending = wit::fetch::send(request, &options_out(options)).map_err(lift)?;
    response_in(wit::fetch::wait(pending).map_err(lift)?)
}

fn request_out(request: Request) -> Result<wit::http::Request, Error> {
    let (head, body) = request.into_parts();
    Ok(wit::http::Request {
        method: head.method.as_str().to_owned(),
        uri: head.uri.to_string(),
        headers: fields(&head.headers),
        body: match body.into_outgoing()? {
            Outgoing::None => wit::http::Body::None,
            Outgoing::Bytes(bytes) => wit::http::Body::Bytes(bytes.into()),
            Outgoing::Incoming(incoming) => wit::http::Body::Incoming(incoming.0),
            Outgoing::Stream(_) => return Err(FetchError::streamed().into()),
        },
    })
}

fn options_out(options: &Options) -> wit::fetch::Options {
    wit::fetch::Options {
        redirect: match options.redirect {
            Redirect::Follow => wit::fetch::Redirect::Follow,
            Redirect::Manual => wit::fetch::Redirect::Manual,
            Redirect::Error => wit::fetch::Redirect::Error,
        },
        timeouts: timeouts_out(options.timeouts),
        hints: options.hints.clone(),
    }
}

fn timeouts_out(timeouts: Timeouts) -> wit::fetch::Timeouts {
    let ms = |timeout| u32::try_from(milliseconds(timeout)).unwrap_or(u32::MAX);
    wit::fetch::Timeouts {
        connect_ms: timeouts.connect.map(ms),
        first_byte_ms: timeouts.first_byte.map(ms),
        between_bytes_ms: timeouts.between_bytes.map(ms),
        total_ms: timeouts.total.map(ms),
    }
}

fn response_in(response: wit::http::Response) -> Result<Response, Error> {
    let mut inner = Response::new(body_in(response.body));
    *inner.status_mut() = StatusCode::from_u16(response.status)?;
    *inner.headers_mut() = headers(response.headers)?;
    inner.extensions_mut().insert(Origin {
        uri: Uri::from_maybe_shared(response.uri.into_bytes()).map_err(Error::app)?,
        redirects: response.redirects,
        attributes: response.attributes,
    });
    Ok(inner)
}

fn lift(error: wit::fetch::FetchError) -> FetchError {
    use wit::fetch::FetchError as Wit;
    match error {
        Wit::Denied => FetchError::Denied,
        Wit::InvalidRequest(text) => FetchError::InvalidRequest(text),
        Wit::Dns(text) => FetchError::Dns(text),
        Wit::ConnectionRefused(text) => FetchError::ConnectionRefused(text),
        Wit::ConnectTimeout => FetchError::ConnectTimeout,
        Wit::TlsCertificate(text) => FetchError::TlsCertificate(text),
        Wit::TlsProtocol(text) => FetchError::TlsProtocol(text),
        Wit::ConnectionClosed => FetchError::ConnectionClosed,
        Wit::FirstByteTimeout => FetchError::FirstByteTimeout,
        Wit::Deadline => FetchError::Deadline,
        Wit::RequestBody(error) => FetchError::RequestBody(body_error::lift(error)),
        Wit::Protocol(text) => FetchError::Protocol(text),
        Wit::Redirect(text) => FetchError::Redirect(text),
        Wit::TooManyRedirects => FetchError::TooManyRedirects,
        Wit::Limit(text) => FetchError::Limit(text),
        Wit::Other(text) => FetchError::Other(text),
    }
}
