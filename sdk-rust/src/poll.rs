//! Waiting for several things at once. Source: `edge:sdk/poll`.
//!
//! Everything that a call may block on is a [`Pollable`]: a request under way ([`Pending`](crate::fetch::Pending)), a body
//! that arrives, an [`Upload`](crate::fetch::Upload) with no room, a [`Timer`](crate::time::Timer), and the client, who may
//! [go](crate::Context::client_gone).
//!
//! ```
//! use std::time::Duration;
//!
//! use edgewit::poll::{Pollable, select};
//! use edgewit::time::Timer;
//! use edgewit::{Error, Request, Response, fetch};
//!
//! /// The answer of the first mirror that has one within a second.
//! fn fastest(mirrors: Vec<Request>) -> Result<Response, Error> {
//!     let mut pending = mirrors.into_iter().map(fetch::send).collect::<Result<Vec<_>, _>>()?;
//!     let deadline = Timer::after(Duration::from_secs(1));
//!     let mut sources: Vec<&dyn Pollable> = vec![&deadline];
//!     sources.extend(pending.iter().map(|it| it as &dyn Pollable));
//!     match select(&sources)[..] {
//!         // Dropping the others cancels them.
//!         [.., last] if last > 0 => pending.swap_remove(last - 1).wait(),
//!         _ => Err(Error::app("no mirror answered in time")),
//!     }
//! }
//! # let get = |uri: &str| edgewit::http::Request::get(uri).body(().into()).unwrap();
//! # edgewit::test::on_fetch(|request| {
//! #     let late = if request.uri().path() == "/slow" { 60_000 } else { 500 };
//! #     Ok(edgewit::test::late(Response::default(), Duration::from_millis(late)))
//! # });
//! # assert!(fastest(vec![get("http://a.test/slow"), get("http://a.test/quick")]).is_ok());
//! # assert!(fastest(vec![get("http://a.test/slow")]).is_err());
//! ```

use crate::host;
use crate::waiting::{Source, Waiting};

/// Something that can be waited for. The SDK's own types alone are.
pub trait Pollable: Source {
    /// Whether it is ready now. Does not block.
    fn is_ready(&self) -> bool {
        self.poll(&mut Waiting::default())
    }
}

/// Blocks until at least one is ready, and returns the indices of all that are, ascending.
///
/// A [`Timer`](crate::time::Timer) among them is a timeout. Something is ready while its call would not block, and stays so:
/// leave out what was seen. Bodies that are made while they are sent move on meanwhile.
/// Panics: if `sources` is empty, as it would block for ever.
/// Source: `edge:sdk/poll#poll`.
pub fn select(sources: &[&dyn Pollable]) -> Vec<usize> {
    assert!(!sources.is_empty(), "nothing is waited for");
    loop {
        let mut waiting = Waiting::default();
        let polled = sources.iter().enumerate();
        let ready: Vec<usize> = polled
            .filter(|(_, source)| source.poll(&mut waiting))
            .map(|(index, _)| index)
            .collect();
        if !ready.is_empty() {
            return ready;
        }
        waiting.block();
    }
}

/// Ready once the client of the request is gone, and from then on. By [`Context::client_gone`](crate::Context::client_gone).
///
/// It may outlive the context, in a body that is made while it is sent, say.
#[derive(Debug)]
pub struct ClientGone(pub(crate) host::ClientGone);

impl Pollable for ClientGone {}

impl Source for ClientGone {
    fn poll(&self, waiting: &mut Waiting) -> bool {
        waiting.on(self.0.pollable())
    }
}
