//! The imports.

mod fetch;
mod kv;

use std::time::Duration;

use log::{Level, LevelFilter};

use super::Chunk;
use crate::body::Outgoing;
use crate::generated::edge::sdk as wit;
use crate::kv::milliseconds;
use crate::wire::headers;
use crate::{Body, BodyError};

pub(crate) use fetch::{Pending, Upload, send, send_streaming};
pub(crate) use kv::Store;
pub(crate) use wit::logging::abort;
pub(crate) use wit::system::{monotonic, now, random};

pub(crate) fn min_level() -> LevelFilter {
    match wit::logging::min_level() {
        None => LevelFilter::Off,
        Some(wit::logging::Level::Trace) => LevelFilter::Trace,
        Some(wit::logging::Level::Debug) => LevelFilter::Debug,
        Some(wit::logging::Level::Info) => LevelFilter::Info,
        Some(wit::logging::Level::Warn) => LevelFilter::Warn,
        Some(wit::logging::Level::Error) => LevelFilter::Error,
    }
}

pub(crate) fn log(level: Level, target: &str, message: &str, fields: &[(String, String)]) {
    let level = match level {
        Level::Trace => wit::logging::Level::Trace,
        Level::Debug => wit::logging::Level::Debug,
        Level::Info => wit::logging::Level::Info,
        Level::Warn => wit::logging::Level::Warn,
        Level::Error => wit::logging::Level::Error,
    };
    wit::logging::log(level, target, message, fields);
}

/// Something that can be waited for.
pub(crate) struct Pollable(wit::poll::Pollable);

impl Pollable {
    pub(crate) fn ready(&self) -> bool {
        self.0.ready()
    }
}

/// Blocks until one is ready, or for `limit`; with neither, for as long as the host can.
pub(crate) fn block(pollables: &[Pollable], limit: Option<Duration>) {
    let milliseconds = |limit| u32::try_from(milliseconds(limit)).unwrap_or(u32::MAX);
    let limit = match limit {
        None if pollables.is_empty() => Some(u32::MAX),
        limit => limit.map(milliseconds),
    };
    let pollables: Vec<_> = pollables.iter().map(|pollable| &pollable.0).collect();
    wit::poll::poll(&pollables, limit);
}

/// The client of the one request that this instance has.
#[derive(Debug)]
pub(crate) struct ClientGone;

impl ClientGone {
    pub(crate) fn current() -> ClientGone {
        ClientGone
    }

    pub(crate) fn pollable(&self) -> Pollable {
        Pollable(wit::poll::client_gone())
    }
}

pub(crate) fn body_in(body: wit::http::Body) -> Body {
    match body {
        wit::http::Body::None => Body::empty(),
        wit::http::Body::Bytes(bytes) => bytes.into(),
        wit::http::Body::Incoming(incoming) => Outgoing::Incoming(Incoming(incoming)).into(),
    }
}

pub(crate) struct Incoming(pub(crate) wit::http::IncomingBody);

impl Incoming {
    /// The next bytes, `most` at most.
    pub(crate) fn read(&mut self, most: Option<usize>) -> Result<Chunk, BodyError> {
        // What does not fit is as good as no limit, which 0 stands for.
        let most = most.map_or(0, |most| u32::try_from(most).unwrap_or(0));
        match self.0.read(most).map_err(body_error::lift)? {
            wit::http::Chunk::Bytes(bytes) => Ok(Chunk::Bytes(bytes.into())),
            wit::http::Chunk::End(trailers) => headers(trailers)
                .map(Chunk::End)
                .map_err(|error| BodyError::Other(error.chain())),
        }
    }

    pub(crate) fn length(&self) -> Option<u64> {
        self.0.length()
    }

    pub(crate) fn pollable(&self) -> Pollable {
        Pollable(self.0.subscribe())
    }
}

/// Body errors in both directions.
pub(crate) mod body_error {
    use super::{BodyError, wit::http::BodyError as Wit};

    pub(crate) fn lift(error: Wit) -> BodyError {
        match error {
            Wit::Closed => BodyError::Closed,
            Wit::Incomplete => BodyError::Incomplete,
            Wit::Unwanted => BodyError::Unwanted,
            Wit::Timeout => BodyError::Timeout,
            Wit::TooLarge(limit) => BodyError::TooLarge(limit),
            Wit::Other(text) => BodyError::Other(text),
        }
    }

    pub(crate) fn lower(error: BodyError) -> Wit {
        match error {
            BodyError::Closed => Wit::Closed,
            BodyError::Incomplete => Wit::Incomplete,
            BodyError::Unwanted => Wit::Unwanted,
            BodyError::Timeout => Wit::Timeout,
            BodyError::TooLarge(limit) => Wit::TooLarge(limit),
            BodyError::Other(text) => Wit::Other(text),
        }
    }
}
