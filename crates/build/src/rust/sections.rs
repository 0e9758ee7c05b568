//! What `cargo test` prints, without the sections of programs and documents that hold no test.

use std::cell::RefCell;

use crate::{Event, Report};

#[derive(Default)]
pub(super) struct Sections(RefCell<State>);

#[derive(Default)]
enum State {
    /// Lines go on as they come.
    #[default]
    Shown,
    /// A heading waits until it is known how many tests there are.
    Held(String),
    /// Nothing goes on before the next heading.
    Empty,
}

impl Sections {
    /// Passes an event on, at once or with the lines after it, or not at all.
    pub(super) fn report(&self, event: Event<'_>, report: Report<'_>) {
        let Event::Output(line) = event else {
            return report(event);
        };
        let mut state = self.0.borrow_mut();
        let held = matches!(*state, State::Held(_));
        if line.starts_with("     Running ") || line.starts_with("   Doc-tests ") {
            *state = State::Held(line.to_owned());
        } else if held && line == "running 0 tests" {
            *state = State::Empty;
        } else if held && line.is_empty() {
            // How many tests there are comes after it.
        } else if !matches!(*state, State::Empty) || line.starts_with("error: ") {
            if let State::Held(heading) = std::mem::take(&mut *state) {
                report(Event::Output(&heading));
            }
            report(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(printed: &str) -> String {
        let (sections, shown) = (Sections::default(), RefCell::new(String::new()));
        for line in printed.lines() {
            sections.report(Event::Output(line), &|event| {
                if let Event::Output(line) = event {
                    shown.borrow_mut().push_str(&format!("{line}\n"));
                }
            });
        }
        shown.into_inner()
    }

    #[test]
    fn what_holds_no_test_is_left_out_and_all_else_stays() {
        let none = "\nrunning 0 tests\n\ntest result: ok. 0 passed\n\n";
        let some = "\nrunning 1 test\ntest a ... FAILED\n\nrunning 0 tests\n";
        let failed = "error: test failed, to rerun pass `--lib`\n    Caused by:\n";
        let documents = format!("   Doc-tests app\n{none}");
        let programs =
            format!("     Running unittests src/lib.rs\n{none}     Running tests/a.rs\n{some}");
        let printed = format!("   Compiling app\n{programs}{documents}{failed}");
        let some = some.trim_start();
        let wanted = format!("   Compiling app\n     Running tests/a.rs\n{some}{failed}");
        assert_eq!(shown(&printed), wanted);
        // A program that ends before it has said how many.
        let printed = format!("     Running tests/a.rs\n{failed}");
        assert_eq!(shown(&printed), printed);
    }
}
