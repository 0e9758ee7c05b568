//! What a blocking call waits for, gathered from everything that takes part, as the standard library's futures would do it.

use std::time::Duration;

use crate::host;

/// What may be waited for.
pub trait Source {
    /// Whether it is ready; if not, `waiting` holds afterwards what it waits for. May do a part of what is to be done
    /// meanwhile.
    fn poll(&self, waiting: &mut Waiting) -> bool;
}

/// What is waited for, until [`block`](Waiting::block).
#[derive(Default)]
pub struct Waiting {
    pollables: Vec<host::Pollable>,
    /// At most so long.
    limit: Option<Duration>,
}

impl Waiting {
    /// Whether `pollable` is ready; if not, it is waited for.
    pub(crate) fn on(&mut self, pollable: host::Pollable) -> bool {
        let ready = pollable.ready();
        if !ready {
            self.pollables.push(pollable);
        }
        ready
    }

    /// Waits for `limit` at most.
    pub(crate) fn at_most(&mut self, limit: Duration) {
        self.limit = Some(self.limit.map_or(limit, |other| other.min(limit)));
    }

    /// Blocks until something that is waited for is ready.
    pub(crate) fn block(self) {
        host::block(&self.pollables, self.limit);
    }
}

/// Blocks until `source` is ready.
pub(crate) fn wait(source: &dyn Source) {
    loop {
        let mut waiting = Waiting::default();
        if source.poll(&mut waiting) {
            return;
        }
        waiting.block();
    }
}
