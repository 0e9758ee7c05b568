//! Results that calls of the host return in its place.

use std::sync::Mutex;

use edgewit_host::Value;

use crate::case::Inject;
use crate::wit::EDGE;

/// Those of the request under way.
#[derive(Default)]
pub struct Injections(Mutex<Vec<Injected>>);

/// What calls of one function return, and how many there have been.
struct Injected {
    function: String,
    at: Option<usize>,
    result: Value,
    calls: usize,
}

impl Injections {
    /// What calls return from now on, in place of what was said before. Errors: a result that does not fit.
    pub fn set(&self, injects: &[Inject]) -> Result<(), String> {
        let injected = injects.iter().map(|inject| {
            Ok(Injected {
                function: inject.call.to_string(),
                at: inject.at,
                result: EDGE.result(&inject.call, &inject.result)?,
                calls: 0,
            })
        });
        *self.0.lock().expect("no panic under the lock") =
            injected.collect::<Result<_, String>>()?;
        Ok(())
    }

    /// Which of these results no call has returned.
    pub fn left(&self) -> Vec<String> {
        let injected = self.0.lock().expect("no panic under the lock");
        let missed = injected.iter().filter(|it| it.calls < it.at.unwrap_or(1));
        let said = missed.map(|it| {
            format!(
                "{} calls of {}; a result was due for one more",
                it.calls, it.function
            )
        });
        said.collect()
    }

    /// What this call of a function returns, if it is one of them.
    pub fn result(&self, function: &str) -> Option<Value> {
        let mut injected = self.0.lock().expect("no panic under the lock");
        let mut result = None;
        for it in injected.iter_mut().filter(|it| it.function == function) {
            it.calls += 1;
            if it.at.is_none_or(|at| at == it.calls) {
                result = Some(it.result.clone());
            }
        }
        result
    }
}
