//! What a guest holds by a handle and may wait for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};

use crate::meter::Meter;

/// Something that a guest may wait for.
pub(crate) trait Ready: Send + 'static {
    /// Ready once its user could go on without blocking.
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()>;

    /// The clock of the request whose client it is that is waited for, if it is one.
    fn client(&self) -> Option<&Arc<Meter>> {
        None
    }
}

/// An entry of a guest's table that pollables look at as well. It belongs to the table alone: a
/// pollable sees at once that it is gone, and is ready for ever after.
pub struct Handle<T>(Arc<Mutex<T>>);

impl<T: Ready> Handle<T> {
    pub(crate) fn new(entry: T) -> Self {
        Self(Arc::new(Mutex::new(entry)))
    }

    /// Only the guest's own task asks, so nobody is ever waited for.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entry itself.
    pub(crate) fn into_inner(self) -> T {
        // Pollables hold it only while they are polled, which the guest's own task does, and it is here.
        let entry = Arc::into_inner(self.0).expect("nobody else holds an entry");
        entry.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn pollable(&self) -> Pollable {
        let weak = Arc::downgrade(&self.0);
        Pollable(weak)
    }
}

/// The resource `pollable`.
#[derive(Clone)]
pub struct Pollable(Weak<Mutex<dyn Ready>>);

impl Pollable {
    pub(crate) fn poll_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        let Some(maker) = self.0.upgrade() else {
            return Poll::Ready(());
        };
        let mut maker = maker.lock().unwrap_or_else(PoisonError::into_inner);
        maker.poll_ready(context)
    }

    /// See [`Ready::client`].
    pub(crate) fn client(&self) -> Option<Arc<Meter>> {
        let maker = self.0.upgrade()?;
        let maker = maker.lock().unwrap_or_else(PoisonError::into_inner);
        maker.client().cloned()
    }
}
