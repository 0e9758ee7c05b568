//! Requests to the server of a test, which answers each as a whole.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderMap, Uri};

use super::fields::{received, sent};
use super::{Pollable, SERVER, later, monotonic, skip_to};
use crate::body::Outgoing;
use crate::fetch::{Error as FetchError, Options, Origin};
use crate::wire::{self, Head};
use crate::{Body, BodyError, Error, Request, Response};

/// In the extensions of a response: how long it takes to come.
#[derive(Clone, Copy)]
pub(crate) struct Late(pub(crate) Duration);

struct Answer {
    /// When it is there; `None`: never.
    at: Option<u64>,
    result: Result<Response, FetchError>,
}

type Place = Rc<RefCell<Option<Answer>>>;

/// A request on its way.
pub(crate) struct Pending(Place);

/// The far end of a body being written: kept until it is whole.
pub(crate) struct Upload {
    head: Option<Parts>,
    chunks: Vec<Bytes>,
    options: Options,
    place: Place,
}

pub(crate) fn send(head: Parts, body: Outgoing, options: &Options) -> Result<Pending, FetchError> {
    has_server()?;
    let answer = answer(&head, body.into(), options);
    Ok(Pending(Rc::new(RefCell::new(Some(answer)))))
}

pub(crate) fn send_streaming(
    head: Parts,
    options: &Options,
) -> Result<(Pending, Upload), FetchError> {
    has_server()?;
    let upload = Upload {
        head: Some(head),
        chunks: Vec::new(),
        options: options.clone(),
        place: Place::default(),
    };
    Ok((Pending(upload.place.clone()), upload))
}

fn has_server() -> Result<(), FetchError> {
    match SERVER.with_borrow(Option::is_some) {
        true => Ok(()),
        false => Err(FetchError::Denied),
    }
}

/// A request as a server gets it.
fn arrived(head: &Parts, body: Body) -> Result<Request, FetchError> {
    let mut lowered = Head::from(head);
    lowered.fields = sent(lowered.fields);
    wire::request(lowered, body).map_err(|error| FetchError::InvalidRequest(error.chain()))
}

/// A response as the application gets it.
fn returned(response: Response, uri: Uri) -> Result<Response, FetchError> {
    let (head, body) = response.into_parts();
    let fields = received(wire::fields(&head.headers));
    let origin = Origin {
        uri,
        redirects: 0,
        attributes: Vec::new(),
    };
    wire::response(head.status.as_u16(), fields, body, origin)
        .map_err(|error| FetchError::Protocol(error.chain()))
}

fn answer(head: &Parts, body: Body, options: &Options) -> Answer {
    // The server is put back afterwards, and may fetch from another in the meantime.
    let Some(mut server) = SERVER.take() else {
        let result = Err(FetchError::Denied);
        return Answer {
            at: later(Duration::ZERO),
            result,
        };
    };
    let result = arrived(head, body).and_then(&mut server);
    SERVER.with_borrow_mut(|place| {
        place.get_or_insert(server);
    });
    let late = result
        .as_ref()
        .ok()
        .and_then(|response| response.extensions().get());
    let late = late.map_or(Duration::ZERO, |Late(late)| *late);
    let result = result.and_then(|response| returned(response, head.uri.clone()));
    let timeouts = [
        (options.timeouts.first_byte, FetchError::FirstByteTimeout),
        (options.timeouts.total, FetchError::Deadline),
    ];
    let first = timeouts
        .into_iter()
        .filter_map(|(limit, error)| Some((limit?, error)));
    match first.min_by_key(|(limit, _)| *limit) {
        Some((limit, error)) if limit < late => Answer {
            at: later(limit),
            result: Err(error),
        },
        _ => Answer {
            at: later(late),
            result,
        },
    }
}

impl Pending {
    pub(crate) fn pollable(&self) -> Pollable {
        Pollable(self.0.borrow().as_ref().and_then(|answer| answer.at))
    }

    pub(crate) fn wait(self) -> Result<Response, Error> {
        let Some(Answer { at, result }) = self.0.take() else {
            panic!("a test's server answers whole requests: finish the upload before waiting");
        };
        match at {
            Some(at) => skip_to(at),
            None => panic!("the answer of the test's server never comes"),
        }
        Ok(result?)
    }
}

impl Upload {
    pub(crate) fn pollable(&self) -> Pollable {
        Pollable(Some(monotonic()))
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<usize, BodyError> {
        if Rc::strong_count(&self.place) == 1 {
            return Err(BodyError::Closed);
        }
        let piece = &bytes[..bytes.len().min(64 * 1024)];
        self.chunks.push(Bytes::copy_from_slice(piece));
        Ok(piece.len())
    }

    pub(crate) fn finish(mut self, trailers: HeaderMap) -> Result<(), BodyError> {
        let Some(head) = self.head.take() else {
            return Ok(());
        };
        let promised = head.headers.get(CONTENT_LENGTH);
        let promised = promised.and_then(|length| length.to_str().ok()?.parse().ok());
        let length: usize = self.chunks.iter().map(Bytes::len).sum();
        if promised.is_some_and(|promised: usize| promised != length) {
            self.fail(BodyError::Incomplete);
            return Err(BodyError::Incomplete);
        }
        let body = Body::stream(std::mem::take(&mut self.chunks).into_iter().map(Ok));
        let body = match trailers.is_empty() {
            true => body,
            false => body.with_trailers(|| Ok(trailers)),
        };
        let answer = answer(&head, body, &self.options);
        self.place.replace(Some(answer));
        Ok(())
    }

    fn fail(&self, error: BodyError) {
        let result = Err(FetchError::RequestBody(error));
        self.place.replace(Some(Answer {
            at: later(Duration::ZERO),
            result,
        }));
    }
}

/// What is not finished is aborted.
impl Drop for Upload {
    fn drop(&mut self) {
        if self.head.is_some() {
            self.fail(BodyError::Closed);
        }
    }
}
