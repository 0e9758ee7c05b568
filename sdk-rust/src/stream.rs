//! What makes a body while it is sent.

use bytes::Bytes;
use http::HeaderMap;

use crate::host::Chunk;
use crate::waiting::{Source as _, Waiting};
use crate::{Body, BodyError};

/// What makes a body while it is sent.
pub(crate) trait Stream {
    /// The next bytes or the end. Not called again after an end or an error.
    fn next(&mut self) -> Result<Chunk, BodyError>;

    /// As [`Source::poll`], for `next`.
    fn poll(&mut self, _: &mut Waiting) -> bool {
        true
    }

    /// The length, as far as it is known before the first `next`.
    fn length(&self) -> Option<u64> {
        None
    }
}

/// The chunks of an iterator.
pub(crate) struct Items<I>(pub(crate) I);

impl<T: Into<Bytes>, I: Iterator<Item = Result<T, BodyError>>> Stream for Items<I> {
    fn next(&mut self) -> Result<Chunk, BodyError> {
        match self.0.next() {
            Some(chunk) => Ok(Chunk::Bytes(chunk?.into())),
            None => Ok(Chunk::End(HeaderMap::new())),
        }
    }
}

/// A body whose chunks are changed.
pub(crate) struct Mapped<F> {
    pub(crate) body: Body,
    pub(crate) change: F,
}

impl<T: Into<Bytes>, F: FnMut(Bytes) -> Result<T, BodyError>> Stream for Mapped<F> {
    fn next(&mut self) -> Result<Chunk, BodyError> {
        match self.body.read()? {
            Some(bytes) => Ok(Chunk::Bytes((self.change)(bytes)?.into())),
            None => Ok(Chunk::End(self.body.trailers().unwrap_or_default())),
        }
    }

    fn poll(&mut self, waiting: &mut Waiting) -> bool {
        self.body.poll(waiting)
    }
}

/// A body with more trailers.
pub(crate) struct Trailed<F> {
    pub(crate) body: Body,
    pub(crate) trailers: Option<F>,
}

impl<F: FnOnce() -> Result<HeaderMap, BodyError>> Stream for Trailed<F> {
    fn next(&mut self) -> Result<Chunk, BodyError> {
        if let Some(bytes) = self.body.read()? {
            return Ok(Chunk::Bytes(bytes));
        }
        let mut trailers = self.body.trailers().unwrap_or_default();
        if let Some(more) = self.trailers.take() {
            trailers.extend(more()?);
        }
        Ok(Chunk::End(trailers))
    }

    fn poll(&mut self, waiting: &mut Waiting) -> bool {
        self.body.poll(waiting)
    }
}

/// A body that is made, and what was made of it and is not wanted yet.
pub(crate) struct Begun {
    pub(crate) stream: Box<dyn Stream>,
    pub(crate) left: Bytes,
}

impl Begun {
    pub(crate) fn new(stream: Box<dyn Stream>) -> Begun {
        let left = Bytes::new();
        Begun { stream, left }
    }

    pub(crate) fn next_of(&mut self, most: Option<usize>) -> Result<Chunk, BodyError> {
        if self.left.is_empty() {
            match self.stream.next()? {
                Chunk::Bytes(bytes) => self.left = bytes,
                end => return Ok(end),
            }
        }
        Ok(Chunk::Bytes(split(&mut self.left, most)))
    }
}

impl Stream for Begun {
    fn next(&mut self) -> Result<Chunk, BodyError> {
        self.next_of(None)
    }

    fn poll(&mut self, waiting: &mut Waiting) -> bool {
        !self.left.is_empty() || self.stream.poll(waiting)
    }

    fn length(&self) -> Option<u64> {
        self.stream.length()
    }
}

/// Takes the first bytes, `most` at most.
pub(crate) fn split(bytes: &mut Bytes, most: Option<usize>) -> Bytes {
    bytes.split_to(most.map_or(bytes.len(), |most| bytes.len().min(most)))
}
