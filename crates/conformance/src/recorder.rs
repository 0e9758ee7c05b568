//! A hook that keeps what crosses the boundary between host and guest.

use std::collections::HashMap;
use std::sync::Mutex;

use edgewit_host::{Call, Hook, Value};
use tokio::sync::watch;

use crate::inject::Injections;
use crate::record::{Record, Request, name};

/// Keeps one record for each request, in the order in which they began, and answers calls as cases say.
#[derive(Default)]
pub struct Recorder {
    inner: Mutex<Inner>,
    /// What calls return in the host's place.
    pub injections: Injections,
    /// Requests that began, and how many of them have ended.
    counts: watch::Sender<(usize, usize)>,
}

#[derive(Default)]
struct Inner {
    by_id: HashMap<String, usize>,
    requests: Vec<Request>,
}

impl Recorder {
    /// Waits until every request that began has ended, and gives the record of the one at `index`.
    pub async fn record(&self, index: usize) -> Record {
        let mut counts = self.counts.subscribe();
        // The sender is this.
        let _ = counts.wait_for(|(began, ended)| began == ended).await;
        self.so_far(index)
    }

    /// The same at once, whatever is under way.
    pub fn so_far(&self, index: usize) -> Record {
        let inner = self.inner.lock().expect("no panic under the lock");
        inner
            .requests
            .get(index)
            .map(|request| request.record.clone())
            .unwrap_or_default()
    }

    /// How many requests have begun.
    pub fn began(&self) -> usize {
        self.counts.borrow().0
    }

    fn with<T>(&self, id: &str, change: impl FnOnce(&mut Request) -> T) -> Option<T> {
        let mut inner = self.inner.lock().expect("no panic under the lock");
        let at = *inner.by_id.get(id)?;
        Some(change(&mut inner.requests[at]))
    }
}

impl Hook for Recorder {
    fn began(&self, request_id: &str) {
        {
            let mut inner = self.inner.lock().expect("no panic under the lock");
            let at = inner.requests.len();
            let mut request = Request::default();
            request.record.id = request_id.to_owned();
            if inner.by_id.insert(request_id.to_owned(), at).is_some() {
                let errors = &mut request.record.errors;
                errors.push("another request had its id".to_owned());
            }
            inner.requests.push(request);
        }
        self.counts.send_modify(|(began, _)| *began += 1);
    }

    fn failed(&self, request_id: &str, reason: &str) {
        self.with(request_id, |request| request.failed(reason));
    }

    fn replied(&self, request_id: &str, hints: &[(String, String)], handed_on: Option<u32>) {
        self.with(request_id, |request| request.replied(hints, handed_on));
    }

    fn trapped(&self, request_id: &str) {
        self.with(request_id, |request| request.record.trapped = true);
    }

    fn returned(&self, request_id: &str) {
        self.with(request_id, Request::returned);
    }

    fn ended(&self, _: &str) {
        self.counts.send_modify(|(_, ended)| *ended += 1);
    }

    fn before(&self, call: &Call<'_>) -> Option<Value> {
        let injected = self.injections.result(&name(call));
        if call.function == "min-level" {
            // Whatever the process around this one does with lines, none is to be saved.
            let least = Value::Case("trace".into(), None);
            return injected.or(Some(Value::Option(Some(Box::new(least)))));
        }
        if is_free(call) {
            return injected;
        }
        if call.function == "log" {
            self.with(call.request_id, |request| request.logged(call.arguments));
        } else {
            // One that does not return, and the numbers of handles that a call takes.
            self.with(call.request_id, |request| request.begin(call));
        }
        injected
    }

    fn after(&self, call: &Call<'_>, result: Result<&Value, &str>) {
        if !is_free(call) && call.function != "log" {
            self.with(call.request_id, |request| request.end(call, result));
        }
    }

    fn dropped(&self, request_id: &str, resource: &str, handle: u32) {
        let resource = resource.rsplit_once('#').map_or(resource, |(_, name)| name);
        self.with(request_id, |request| request.dropped(resource, handle));
    }
}

/// What an SDK calls, or how often, is its own affair here: waiting, time, and what is asked to save work.
fn is_free(call: &Call<'_>) -> bool {
    let interface = call.interface;
    let free = |name: &str| interface.starts_with(&format!("edge:sdk/{name}@"));
    let asked = |name: &str| call.function.ends_with(name);
    !interface.starts_with("edge:sdk/")
        || free("poll")
        || free("system")
        || asked("subscribe")
        || asked("length")
        || asked("min-level")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FETCH: &str = "edge:sdk/fetch@0.1.0";
    const HTTP: &str = "edge:sdk/http@0.1.0";

    fn call(recorder: &Recorder, interface: &str, function: &str, with: &[Value], gives: Value) {
        let call = Call {
            request_id: "r",
            interface,
            function,
            arguments: with,
        };
        recorder.before(&call);
        recorder.after(&call, Ok(&gives));
    }

    fn end_of(recorder: &Recorder, body: u32) {
        let end = Value::Case("end".into(), Some(Box::new(Value::List(Vec::new()))));
        let read = "[method]incoming-body.read";
        let given = Value::Result(Ok(Some(Box::new(end))));
        call(recorder, HTTP, read, &[Value::Handle(body)], given);
    }

    fn log(recorder: &Recorder, level: &'static str, text: &str, fields: &[(&str, &str)]) {
        let texts = |(name, value): &(&str, &str)| {
            Value::Tuple([*name, *value].map(|it| Value::Text(it.to_owned())).into())
        };
        let arguments = [
            Value::Case(level.into(), None),
            Value::Text("conformance".to_owned()),
            Value::Text(text.to_owned()),
            Value::List(fields.iter().map(texts).collect()),
        ];
        let logging = "edge:sdk/logging@0.1.0";
        call(
            recorder,
            logging,
            "log",
            &arguments,
            Value::Tuple(Vec::new()),
        );
    }

    #[test]
    fn a_report_is_an_event_of_info_without_fields() {
        let recorder = Recorder::default();
        Hook::began(&recorder, "r");
        log(&recorder, "info", "ok a", &[]);
        log(&recorder, "warn", "ok b", &[]);
        log(&recorder, "info", "ok", &[("x", "y")]);
        let lines = ["ok a", "warn conformance ok%20b", "info conformance ok x y"];
        assert_eq!(recorder.so_far(0).reports, lines);
    }

    #[test]
    fn what_is_before_and_behind_the_end_of_the_handler_is_told_apart() {
        let recorder = Recorder::default();
        let moves = || {
            let bytes = Value::Case("bytes".into(), Some(Box::new(Value::Bytes(b"a".to_vec()))));
            let given = Value::Result(Ok(Some(Box::new(bytes))));
            let read = "[method]incoming-body.read";
            call(&recorder, HTTP, read, &[Value::Handle(7)], given);
        };
        Hook::began(&recorder, "r");
        // What is dropped in between does not part them, and the end does.
        let store = Value::Result(Ok(Some(Box::new(Value::Handle(8)))));
        let name = [Value::Text("s".to_owned())];
        call(&recorder, "edge:sdk/kv@0.1.0", "open", &name, store);
        moves();
        recorder.dropped("r", "edge:sdk/kv@0.1.0#store", 8);
        moves();
        recorder.failed("r", "handler failed: no");
        recorder.failed("r", "after-reply: no");
        moves();
        recorder.returned("r");
        let record = recorder.so_far(0);
        let lines = [
            "kv.open(\"s\") -> ok(#1)",
            "incoming-body.read(#2) moves b\"aa\"",
            "drop(store #1)",
            "reply",
            "incoming-body.read(#2) moves b\"a\"",
        ];
        assert_eq!(
            (&record.trace[..], &record.log[..]),
            (&lines.map(str::to_owned)[..], &["reply".to_owned()][..])
        );
        // The first line that shows it.
        assert_eq!(
            record.kept,
            ["#2 of `incoming-body.read(#2) moves b\"aa\"`"]
        );
    }

    #[test]
    fn an_id_that_comes_again_is_told() {
        let recorder = Recorder::default();
        for id in ["a", "b", "a"] {
            Hook::began(&recorder, id);
        }
        let told = |index| recorder.so_far(index).errors.len();
        assert_eq!([0, 1, 2].map(told), [0, 0, 1]);
        assert_eq!(recorder.so_far(1).id, "b");
    }

    /// The host uses the number of a body that was handed on again.
    #[test]
    fn a_handle_that_was_handed_on_is_another_when_its_number_comes_again() {
        let recorder = Recorder::default();
        Hook::began(&recorder, "r");
        end_of(&recorder, 7);
        let body = Value::Case("incoming".into(), Some(Box::new(Value::Handle(7))));
        let request = Value::Record(vec![("body".into(), body)]);
        let pending = Value::Result(Ok(Some(Box::new(Value::Handle(8)))));
        call(&recorder, FETCH, "send", &[request], pending);
        end_of(&recorder, 7);
        recorder.replied("r", &[("a".to_owned(), "b c".to_owned())], Some(7));
        end_of(&recorder, 7);
        let record = recorder.so_far(0);
        let lines = [
            "incoming-body.read(#1) -> ok(end([]))",
            "fetch.send({body: incoming(#1)}) -> ok(#2)",
            "incoming-body.read(#3) -> ok(end([]))",
            "reply",
            "incoming-body.read(#4) -> ok(end([]))",
        ];
        assert_eq!(record.trace, lines);
        assert_eq!(record.hints, ["a b%20c"]);
    }
}
