//! Gates: what a client and the servers of one case open for each other, so that order is shown and not timed.

use std::collections::HashSet;
use std::sync::Mutex;

use tokio::sync::Notify;

/// The gates of one case, by name. Each starts shut, and stays open once it is.
#[derive(Default)]
pub struct Gates {
    open: Mutex<HashSet<String>>,
    changed: Notify,
}

impl Gates {
    /// Opens a gate.
    pub fn open(&self, gate: &str) {
        let mut open = self.open.lock().expect("no panic under the lock");
        open.insert(gate.to_owned());
        self.changed.notify_waiters();
    }

    /// Waits until a gate is open.
    pub async fn pass(&self, gate: &str) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before the look, so that no opening falls in between.
            changed.as_mut().enable();
            if self
                .open
                .lock()
                .expect("no panic under the lock")
                .contains(gate)
            {
                return;
            }
            changed.await;
        }
    }
}
