//! `edge:sdk/fetch`.

use http::request::Parts;
use http::{HeaderMap, Uri};

use super::{Pollable, body_error, body_in, wit};
use crate::body::Outgoing;
use crate::fetch::{Error as FetchError, Options, Origin, Redirect, Timeouts};
use crate::kv::milliseconds;
use crate::wire::{self, Head, fields};
use crate::{BodyError, Error, Response};

/// A request on its way.
pub(crate) struct Pending(wit::fetch::Pending);

/// The far end of a body being written.
pub(crate) struct Upload(wit::fetch::OutgoingBody);

pub(crate) fn send(head: Parts, body: Outgoing, options: &Options) -> Result<Pending, FetchError> {
    let body = match body {
        // A body that is made meanwhile is written by who makes it.
        Outgoing::None | Outgoing::Stream(_) => wit::http::Body::None,
        Outgoing::Bytes(bytes) => wit::http::Body::Bytes(bytes.into()),
        Outgoing::Incoming(incoming) => wit::http::Body::Incoming(incoming.0),
    };
    let sent = wit::fetch::send(request_out(head, body), &options_out(options));
    sent.map(Pending).map_err(lift)
}

pub(crate) fn send_streaming(
    head: Parts,
    options: &Options,
) -> Result<(Pending, Upload), FetchError> {
    let request = request_out(head, wit::http::Body::None);
    let sent = wit::fetch::send_streaming(request, &options_out(options));
    let (pending, upload) = sent.map_err(lift)?;
    Ok((Pending(pending), Upload(upload)))
}

impl Pending {
    pub(crate) fn pollable(&self) -> Pollable {
        Pollable(self.0.subscribe())
    }

    pub(crate) fn wait(self) -> Result<Response, Error> {
        response_in(wit::fetch::wait(self.0).map_err(lift)?)
    }
}

impl Upload {
    pub(crate) fn pollable(&self) -> Pollable {
        Pollable(self.0.subscribe())
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<usize, BodyError> {
        // More is not taken at once, and would be copied for nothing.
        let piece = &bytes[..bytes.len().min(64 * 1024)];
        let written = self.0.write(piece).map_err(body_error::lift)?;
        Ok(written as usize)
    }

    pub(crate) fn finish(self, trailers: HeaderMap) -> Result<(), BodyError> {
        wit::fetch::finish(self.0, &fields(&trailers)).map_err(body_error::lift)
    }
}

fn request_out(head: Parts, body: wit::http::Body) -> wit::http::Request {
    let Head {
        method,
        uri,
        fields,
    } = Head::from(&head);
    wit::http::Request {
        method,
        uri,
        headers: fields,
        body,
    }
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
    let origin = Origin {
        uri: Uri::from_maybe_shared(response.uri.into_bytes()).map_err(Error::app)?,
        redirects: response.redirects,
        attributes: response.attributes,
    };
    let body = body_in(response.body);
    wire::response(response.status, response.headers, body, origin)
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
