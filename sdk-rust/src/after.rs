//! Work that need not delay the reply.

use std::cell::RefCell;
use std::mem;

use log::Level;

use crate::{BodyError, Error, host};

/// Gets how the sending ended.
pub(crate) type Task = Box<dyn FnOnce(Result<(), BodyError>) -> Result<(), Error>>;

thread_local! {
    static TASKS: RefCell<Vec<Task>> = const { RefCell::new(Vec::new()) };
}

/// Registers a task of the request being handled.
pub(crate) fn add(task: Task) {
    #[cfg(target_arch = "wasm32")]
    crate::guest::run_after_reply();
    TASKS.with_borrow_mut(|tasks| tasks.push(task));
}

/// Puts the tasks of another request in the place of what was registered, which it returns.
pub(crate) fn replace(tasks: Vec<Task>) -> Vec<Task> {
    TASKS.with_borrow_mut(|place| mem::replace(place, tasks))
}

/// Runs tasks in the order of registration; the failure of one is a line of the log.
pub(crate) fn run(tasks: Vec<Task>, sent: &Result<(), BodyError>) {
    for task in tasks {
        if let Err(error) = task(sent.clone()) {
            let text = format!("after the reply: {}", error.chain());
            host::log(Level::Error, "edgewit", &text, &[]);
        }
    }
}
