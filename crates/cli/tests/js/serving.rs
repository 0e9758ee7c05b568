//! Applications of `sdk-js-shim/test/guests`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use edgewit_host::{Call, Hook, Value};
use edgewit_manifest::Limits;
use serde_json::Value as Json;

use crate::applications::{self, Address, Served};
pub use crate::applications::{END, chunk, q};
use crate::events;
use crate::wire::Message;

const APP: &str = "sdk-js-shim/test/guests/app";
pub const ENGINE: &str = "sdk-js-shim/test/guests/engine";
pub const HONO: &str = "sdk-js-shim/test/guests/hono";
pub const LISTENER: &str = "sdk-js-shim/test/guests/listener";
pub const PACKAGES: &str = "sdk-js-shim/test/guests/packages";

pub fn run(test: impl Future<Output = ()>) {
    applications::run(&[APP], test);
}

/// As `run`, for a test of one of the others.
pub fn run_guest(folder: &'static str, test: impl Future<Output = ()>) {
    applications::run(&[folder], test);
}

/// Serves the application whose path says what it does, as `name`, which no other test may use.
pub async fn app(name: &'static str) -> Address {
    limited(name, Limits::default()).await
}

pub async fn limited(name: &'static str, limits: Limits) -> Address {
    serve(APP, name, limits, None).await
}

/// Serves one of the others.
pub async fn guest(folder: &'static str, name: &'static str) -> Address {
    serve(folder, name, Limits::default(), None).await
}

/// As `app`, with a hook that sees its calls.
pub async fn watched(name: &'static str) -> (Address, Arc<Calls>) {
    let calls = Arc::new(Calls::default());
    let served = serve(APP, name, Limits::default(), Some(calls.clone())).await;
    (served, calls)
}

async fn serve(
    folder: &'static str,
    name: &'static str,
    limits: Limits,
    hook: Option<Arc<dyn Hook>>,
) -> Address {
    let served = Served {
        folder,
        name,
        limits,
        hook,
    };
    served.start().await
}

/// The calls of `edge:sdk` that an application made, as text: the function's name, and its arguments.
#[derive(Default)]
pub struct Calls(Mutex<Vec<(String, String)>>);

impl Hook for Calls {
    fn before(&self, call: &Call<'_>) -> Option<Value> {
        if !call.interface.starts_with("edge:sdk/") {
            return None;
        }
        let arguments = format!("{:?}", call.arguments);
        let mut calls = self.0.lock().unwrap();
        calls.push((call.function.to_owned(), arguments));
        None
    }
}

impl Calls {
    /// The arguments of each call of one function since the last time, and forgets all others.
    pub fn take(&self, function: &str) -> Vec<String> {
        let all = std::mem::take(&mut *self.0.lock().unwrap());
        let of = all.into_iter().filter(|(name, _)| name == function);
        of.map(|(_, arguments)| arguments).collect()
    }

    /// How often a function was called since then.
    pub fn count(&self, function: &str) -> usize {
        let all = self.0.lock().unwrap();
        all.iter().filter(|(name, _)| name == function).count()
    }
}

/// A reply of 200 as JSON.
pub fn json(reply: &Message) -> Json {
    assert_eq!(reply.status(), 200, "{}", reply.text());
    serde_json::from_slice(&reply.body).unwrap_or_else(|error| panic!("{error}: {}", reply.text()))
}

/// Waits until an application that has logged something logs nothing more for a second; how many events it has then.
pub async fn settled(app: &str) -> usize {
    let mut before = 0;
    for _ in 0..100 {
        let now = events::of(app).len();
        if now > 0 && now == before {
            return now;
        }
        before = now;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("no end of the events of {app}");
}
