//! What a connection of HTTP/2 to a server runs.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use hyper::rt::Executor;

use super::upload::Ends;

/// Runs the tasks of one connection. One that sends an upload ends with it: what waits for the server to
/// open a window asks its body for nothing.
#[derive(Clone, Default)]
pub(super) struct Tasks {
    /// The upload that was begun last, whose task is the next to be run.
    begun: Arc<Mutex<Weak<Ends>>>,
}

impl Tasks {
    /// Told by an upload that is asked for bytes a first time. A connection does so once before it makes a
    /// task of what is left.
    pub(super) fn begin(&self, ends: &Arc<Ends>) {
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(ends);
    }
}

impl<F> Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, task: F) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::take(&mut *begun).upgrade() {
            None => tokio::spawn(task),
            Some(ends) => tokio::spawn(async move {
                tokio::select! {
                    // It knows best how to end.
                    biased;
                    () = task => {}
                    _ = ends.come() => {}
                }
            }),
        };
    }
}
