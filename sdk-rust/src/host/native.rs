//! The host of a test: stores and a log in memory, a server and a clock, one of each for every thread, so that tests do
//! not meet.

mod fetch;
pub(crate) mod fields;
mod kv;

use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use log::{Level, LevelFilter};

use super::Chunk;
use crate::fetch::Error as FetchError;
use crate::test::LogLine;
use crate::{BodyError, Request, Response};

pub(crate) use fetch::{Late, Pending, Upload, send, send_streaming};
pub(crate) use kv::Store;

/// What answers instead of other servers.
pub(crate) type Server = Box<dyn FnMut(Request) -> Result<Response, FetchError>>;

thread_local! {
    pub(crate) static LOG: RefCell<Vec<LogLine>> = const { RefCell::new(Vec::new()) };
    pub(crate) static SERVER: RefCell<Option<Server>> = const { RefCell::new(None) };
    /// By how much waiting has turned the clock on, in nanoseconds.
    static SKIPPED: Cell<u64> = const { Cell::new(0) };
    /// When the client of the request being handled goes.
    static CLIENT_GOES: Cell<Option<u64>> = const { Cell::new(None) };
}

pub(crate) fn min_level() -> LevelFilter {
    LevelFilter::Trace
}

pub(crate) fn log(level: Level, target: &str, message: &str, fields: &[(String, String)]) {
    // The test harness shows it beside a test that fails.
    eprintln!("{level} {target}: {message} {fields:?}");
    let line = LogLine {
        level,
        target: target.to_owned(),
        message: message.to_owned(),
        fields: fields.to_owned(),
    };
    LOG.with_borrow_mut(|lines| lines.push(line));
}

pub(crate) fn abort(reason: &str) -> ! {
    panic!("{reason}")
}

pub(crate) fn now() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    elapsed.map_or(0, |elapsed| elapsed.as_nanos() as u64) + SKIPPED.get()
}

pub(crate) fn monotonic() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64 + SKIPPED.get()
}

/// Random enough for a test, and no crate for it: the standard library seeds every hasher anew.
pub(crate) fn random(len: u32) -> Vec<u8> {
    let word = || RandomState::new().build_hasher().finish().to_le_bytes();
    std::iter::repeat_with(word)
        .flatten()
        .take(len as usize)
        .collect()
}

/// Something that can be waited for: when it is ready, if ever. One thread is all there is, so nothing but time can
/// make it so.
pub(crate) struct Pollable(Option<u64>);

impl Pollable {
    pub(crate) fn ready(&self) -> bool {
        self.0.is_some_and(|at| at <= monotonic())
    }
}

/// The point in time that much later; `None` if there is none.
fn later(duration: Duration) -> Option<u64> {
    monotonic().checked_add(u64::try_from(duration.as_nanos()).ok()?)
}

/// Turns the clock on to a point in time, unless it is past.
fn skip_to(at: u64) {
    let left = at.saturating_sub(monotonic());
    SKIPPED.set(SKIPPED.get() + left);
}

/// Waits by turning the clock on.
pub(crate) fn block(pollables: &[Pollable], limit: Option<Duration>) {
    let first = pollables.iter().filter_map(|pollable| pollable.0);
    match first.chain(limit.and_then(later)).min() {
        Some(at) => skip_to(at),
        None => panic!("what is waited for never comes in this test"),
    }
}

/// The client of a request: when it goes, if it does.
#[derive(Debug)]
pub(crate) struct ClientGone(Option<u64>);

impl ClientGone {
    /// That of the request being handled.
    pub(crate) fn current() -> ClientGone {
        ClientGone(CLIENT_GOES.get())
    }

    pub(crate) fn pollable(&self) -> Pollable {
        Pollable(self.0)
    }
}

/// The client of the request that follows goes after that time, if at all. Gives what was set before.
pub(crate) fn client_goes(after: Option<Duration>) -> impl FnOnce() {
    let before = CLIENT_GOES.replace(after.and_then(later));
    move || CLIENT_GOES.set(before)
}

/// A body that is still arriving: none is in a test.
pub(crate) enum Incoming {}

impl Incoming {
    pub(crate) fn read(&mut self, _: Option<usize>) -> Result<Chunk, BodyError> {
        match *self {}
    }

    pub(crate) fn length(&self) -> Option<u64> {
        match *self {}
    }

    pub(crate) fn pollable(&self) -> Pollable {
        match *self {}
    }
}
