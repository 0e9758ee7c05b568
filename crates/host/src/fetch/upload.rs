//! The body of a request on its way to another server.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{Either, Full};
use tokio::sync::oneshot;

use crate::bindings::BodyError;
use crate::body::{BoxError, Incoming};

/// A body that tells by being dropped that it was sent, or will not be.
pub(super) struct Upload {
    body: Either<Full<Bytes>, Incoming>,
    _ended: oneshot::Sender<()>,
}

impl Upload {
    pub(super) fn new(body: Either<Full<Bytes>, Incoming>) -> (Self, oneshot::Receiver<()>) {
        let (ended, told) = oneshot::channel();
        let upload = Self {
            body,
            _ended: ended,
        };
        (upload, told)
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The end of the body that a failure to send came from, if it did: it is not the server's.
pub(super) fn body_error(error: &hyper::Error) -> Option<BodyError> {
    let source = std::error::Error::source(error)?;
    source.downcast_ref::<BodyError>().cloned()
}
