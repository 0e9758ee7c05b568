//! What the host logs: every event of the process, found again by the application's name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, Once};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// One event: its fields as text, `message` among them.
#[derive(Clone, Debug)]
pub struct Logged {
    pub level: Level,
    pub target: String,
    pub fields: BTreeMap<String, String>,
}

impl Logged {
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    pub fn message(&self) -> &str {
        self.field("message")
    }
}

impl Visit for Logged {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = format!("{value:?}");
        self.fields.insert(field.name().to_owned(), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields
            .insert(field.name().to_owned(), value.to_owned());
    }
}

static ALL: Mutex<Vec<Logged>> = Mutex::new(Vec::new());

struct Keep;

impl<S: Subscriber> Layer<S> for Keep {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if !event.metadata().target().starts_with("edgewit") {
            return;
        }
        let mut logged = Logged {
            level: *event.metadata().level(),
            target: event.metadata().target().to_owned(),
            fields: BTreeMap::new(),
        };
        event.record(&mut logged);
        ALL.lock().unwrap().push(logged);
    }
}

/// Keeps events from here on.
pub fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::registry().with(Keep);
        tracing::subscriber::set_global_default(subscriber).expect("the only subscriber");
    });
}

/// The events of an application so far, in order.
pub fn of(app: &str) -> Vec<Logged> {
    let all = ALL.lock().unwrap();
    all.iter()
        .filter(|event| event.field("app") == app)
        .cloned()
        .collect()
}

/// Waits for the first event of an application that `wanted` picks.
pub async fn wait(app: &str, wanted: impl Fn(&Logged) -> bool) -> Logged {
    for _ in 0..12_000 {
        if let Some(found) = of(app).into_iter().find(&wanted) {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("no such event of {app}; there are {:#?}", of(app));
}

/// Waits for a message that holds `part`.
pub async fn message(app: &str, part: &str) -> Logged {
    wait(app, |event| event.message().contains(part)).await
}

/// Waits for the `n`th (from 1) line of a request.
pub async fn line(app: &str, n: usize) -> Logged {
    let is_line = |event: &Logged| event.target == "edgewit::request";
    for _ in 0..12_000 {
        if let Some(found) = of(app).into_iter().filter(is_line).nth(n - 1) {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("no line {n} of {app}; there are {:#?}", of(app));
}

/// The messages of an application at ERROR.
pub fn errors(app: &str) -> Vec<String> {
    of(app)
        .iter()
        .filter(|event| event.level == Level::ERROR)
        .map(|event| event.message().to_owned())
        .collect()
}
