//! The host of a test: stores and a log in memory, one of each for every thread, so that tests do not meet.

mod kv;

use std::cell::RefCell;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use log::{Level, LevelFilter};

use super::Chunk;
use crate::body::Outgoing;
use crate::fetch::{Error as FetchError, Options};
use crate::{BodyError, Error, Request, Response};

pub(crate) use kv::Store;

/// What answers instead of other servers.
pub(crate) type Server = Box<dyn FnMut(Request) -> Result<Response, FetchError>>;

/// One line of the log.
pub(crate) type Line = (Level, String, String);

thread_local! {
    pub(crate) static LOG: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
    pub(crate) static SERVER: RefCell<Option<Server>> = const { RefCell::new(None) };
}

pub(crate) fn min_level() -> LevelFilter {
    LevelFilter::Trace
}

pub(crate) fn log(level: Level, target: &str, message: &str) {
    // The test harness shows it beside a test that fails.
    eprintln!("{level} {target}: {message}");
    LOG.with_borrow_mut(|lines| lines.push((level, target.to_owned(), message.to_owned())));
}

pub(crate) fn now() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    elapsed.map_or(0, |elapsed| elapsed.as_nanos() as u64)
}

pub(crate) fn monotonic() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// Random enough for a test, and no crate for it: the standard library seeds every hasher anew.
pub(crate) fn random(len: u32) -> Vec<u8> {
    let word = || RandomState::new().build_hasher().finish().to_le_bytes();
    std::iter::repeat_with(word)
        .flatten()
        .take(len as usize)
        .collect()
}

pub(crate) fn fetch(request: Request, _options: &Options) -> Result<Response, Error> {
    let (head, body) = request.into_parts();
    let body = match body.into_outgoing()? {
        Outgoing::Stream(_) => return Err(FetchError::streamed().into()),
        body => body.into(),
    };
    // The server is put back afterwards, and may fetch in the meantime.
    let Some(mut server) = SERVER.take() else {
        return Err(FetchError::Denied.into());
    };
    let response = server(Request::from_parts(head, body));
    SERVER.with_borrow_mut(|place| {
        place.get_or_insert(server);
    });
    Ok(response?)
}

/// A body that is still arriving: none is in a test.
pub(crate) enum Incoming {}

impl Incoming {
    pub(crate) fn read(&mut self) -> Result<Chunk, BodyError> {
        match *self {}
    }

    pub(crate) fn length(&self) -> Option<u64> {
        match *self {}
    }
}
