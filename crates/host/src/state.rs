//! What the host keeps for one request, beside its instance.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, Result};

use crate::app::Shared;
use crate::bindings::KvError;
use crate::connection::{ClientGone, Connection};
use crate::delivery::ReplyClient;
use crate::end::End;
use crate::fetch::Slots;
use crate::handle::{Handle, Pollable};
use crate::inbound::Inbound;
use crate::meter::Meter;

/// The data of a store.
pub(crate) struct State {
    pub(crate) app: Arc<Shared>,
    pub(crate) table: ResourceTable,
    pub(crate) meter: Arc<Meter>,
    pub(crate) usage: Usage,
    /// The last call of `kv` that failed, for the line of a handler that fails.
    pub(crate) kv_failed: Option<KvFailed>,
    /// Made by the first fetch.
    pub(crate) slots: Option<Slots>,
    /// The `cdn-loop` of the request being handled, which its fetches carry on.
    pub(crate) cdn_loop: Option<String>,
    /// What WASI's stdout and stderr have not ended with a line feed yet.
    pub(crate) part_lines: [Vec<u8>; 2],
    /// Made by the first `client-gone`.
    client_gone: Option<Handle<ClientGone>>,
    /// The client's connection, where it carries this request alone.
    connection: Option<Arc<Connection>>,
    /// Cancelled once the client is known to be gone.
    gone: CancellationToken,
    request_id: Arc<str>,
}

/// A call of `kv` that failed.
pub(crate) struct KvFailed {
    pub(crate) call: &'static str,
    pub(crate) key: Option<String>,
    pub(crate) store: String,
    pub(crate) error: KvError,
}

impl KvFailed {
    /// Tells of it behind `text`, which a handler failed with: where that names this failure, only the key.
    pub(crate) fn add_to(&self, text: &mut String) {
        let store = format!("store {:?}", self.store);
        let key = self.key.as_ref().map(|key| format!("{key:?}"));
        if self.is_named(text, &store) {
            if let Some(key) = key {
                *text += &format!("; its key was {key}");
            }
            return;
        }
        let of = key.map_or_else(String::new, |key| format!(" of {key}"));
        let (call, reason) = (self.call, self.error.text());
        *text += &format!("; the last call of kv to fail was {call}{of}, {store} ({reason})");
    }

    /// Whether `text` names the error's case before the store, and the call if that had a key: it may be an earlier
    /// failure's.
    fn is_named(&self, text: &str, store: &str) -> bool {
        let Some((before, _)) = text.split_once(store) else {
            return false;
        };
        let words: Vec<_> = before.split([' ', '(', ':']).collect();
        words.contains(&self.error.name()) && (self.key.is_none() || words.contains(&self.call))
    }
}

/// What the request has used of its limits.
#[derive(Default)]
pub(crate) struct Usage {
    pub(crate) kv_operations: u32,
    pub(crate) log_bytes: u64,
    pub(crate) log_lines_lost: u64,
    pub(crate) fetches: u32,
    /// The limits that it went past with an error for its guest, by name.
    passed: Vec<String>,
    /// What the guest's memories hold, and what the last growth brought, in bytes.
    memory: usize,
    memory_grew: usize,
    /// The most memory that was asked for and refused, in bytes.
    pub(crate) memory_refused: Option<usize>,
}

impl State {
    pub(crate) fn new(
        app: Arc<Shared>,
        request_id: Arc<str>,
        meter: Arc<Meter>,
        gone: CancellationToken,
        inbound: &mut Inbound,
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(app.limits.handles as usize);
        Self {
            app,
            table,
            slots: None,
            meter,
            usage: Usage::default(),
            kv_failed: None,
            cdn_loop: inbound.cdn_loop.take(),
            part_lines: Default::default(),
            client_gone: None,
            connection: inbound.connection.take(),
            gone,
            request_id,
        }
    }

    /// Whom the reply is for.
    pub(crate) fn client(&self) -> ReplyClient {
        ReplyClient {
            gone: self.gone.clone(),
            connection: self.connection.clone(),
            idle: Duration::from_millis(self.app.limits.idle_ms),
        }
    }

    /// Ready once the client is gone.
    pub(crate) fn client_gone(&mut self) -> Pollable {
        let (gone, connection) = (&self.gone, self.connection.as_deref());
        self.client_gone
            .get_or_insert_with(|| Handle::new(ClientGone::new(gone, connection)))
            .pollable()
    }

    pub(crate) fn request_id(&self) -> Arc<str> {
        self.request_id.clone()
    }

    /// Logs that the request went past a limit, which its guest is told as an error: once for each limit, since a
    /// guest may go on. `reason` begins with the limit's name and a colon.
    pub(crate) fn passed(&mut self, reason: &str) {
        let name = reason.split(':').next().unwrap_or_default();
        if self.usage.passed.iter().any(|passed| passed == name) {
            return;
        }
        self.usage.passed.push(name.to_owned());
        tracing::warn!(
            target: "edgewit::host", request = &*self.request_id, app = &*self.app.name, "{reason}"
        );
    }

    /// What the end of a line says of memory that was asked for in vain: nothing where none was.
    pub(crate) fn memory_refused(&self) -> String {
        let limit = self.app.limits.memory_bytes;
        let said = |bytes| format!("; memory-bytes: limit {limit}, met {bytes}");
        self.usage.memory_refused.map(said).unwrap_or_default()
    }

    /// The check that stands behind every epoch: out of guest time is a trap.
    pub(crate) fn check_time(&self) -> Result<()> {
        match self.meter.over_budget() {
            None => Ok(()),
            Some((limit, met)) => Err(End::GuestTime { limit, met }.into()),
        }
    }
}

impl ResourceLimiter for State {
    /// A component may have several memories, which count together.
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        let more = desired.saturating_sub(current);
        let all = self.usage.memory.saturating_add(more);
        let allowed = all as u64 <= self.app.limits.memory_bytes;
        if allowed {
            (self.usage.memory, self.usage.memory_grew) = (all, more);
        } else {
            self.usage.memory_refused = Some(all);
        }
        Ok(allowed)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> Result<()> {
        self.usage.memory -= std::mem::take(&mut self.usage.memory_grew);
        Ok(())
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        // The pool's own bound for a table; no toolchain needs more, and none asks twice.
        Ok(desired <= crate::engine::TABLE_ELEMENTS)
    }
}

#[cfg(test)]
mod tests {
    use super::KvFailed;
    use crate::bindings::KvError;

    #[test]
    fn only_the_failure_that_a_text_names_has_its_key_told() {
        let told = |call, key: Option<&str>, error: KvError, text: &str| {
            let failed = KvFailed {
                call,
                key: key.map(str::to_owned),
                store: "visits".to_owned(),
                error,
            };
            let mut all = text.to_owned();
            failed.add_to(&mut all);
            all.split_off(text.len())
        };
        let set = r#"KvError: conflict (set in the store "visits") (at increment (src/main.js:1))"#;
        let last = r#"; the last call of kv to fail was "#;
        let key = Some("ada");
        assert_eq!(
            told("set", key, KvError::Conflict, set),
            r#"; its key was "ada""#
        );
        // Of the same store, but another call's, or for another reason.
        for (call, error) in [
            ("increment", KvError::NotANumber),
            ("increment", KvError::Conflict),
            ("set", KvError::ValueTooLarge(1)),
        ] {
            let reason = error.text();
            let due = format!(r#"{last}{call} of "ada", store "visits" ({reason})"#);
            assert_eq!(told(call, key, error, set), due);
        }
        let denied = r#"KvError: denied: the store "visits" is not granted"#;
        assert_eq!(told("open", None, KvError::Denied, denied), "");
        let due = r#"open, store "visits" (the store is read-only, or not granted)"#;
        assert_eq!(
            told("open", None, KvError::Denied, set),
            format!("{last}{due}")
        );
    }
}
