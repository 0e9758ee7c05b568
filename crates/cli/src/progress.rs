//! What long work shows: a moving line on a terminal, plain lines elsewhere, cargo's among them.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::IsTerminal;
use std::time::Duration;

use edgewit_build::Event;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::{say, tell};

/// Lines of a program's output that are shown once it has failed.
const KEPT_LINES: usize = 200;

/// Whether a line of cargo's says what it turns to, and nothing about the source.
fn is_step(line: &str) -> bool {
    let steps = ["   Compiling ", " Downloading ", "  Downloaded "];
    steps.iter().any(|step| line.starts_with(step))
}

pub struct Progress {
    bar: ProgressBar,
    terminal: bool,
    show_output: bool,
    kept: RefCell<VecDeque<String>>,
}

impl Progress {
    /// Shows steps; what else programs print only if the work fails.
    pub fn new() -> Self {
        Self::of(false)
    }

    /// Shows what programs print as it comes: for a test runner.
    pub fn showing_output() -> Self {
        Self::of(true)
    }

    fn of(show_output: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = if terminal {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::hidden()
        };
        if terminal {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            if let Ok(style) =
                ProgressStyle::with_template("{spinner} {msg} {elapsed:.dim}  {prefix:.dim}")
            {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Self {
            bar,
            terminal,
            show_output,
            kept: RefCell::default(),
        }
    }

    pub fn report(&self) -> impl Fn(Event<'_>) + '_ {
        |event| match event {
            Event::Step(step) => {
                self.kept.borrow_mut().clear();
                if self.terminal {
                    self.bar.set_prefix("");
                    self.bar.set_message(step.to_owned());
                } else {
                    tell(step);
                }
            }
            Event::Warning(text) => self.bar.suspend(|| tell(format_args!("warning: {text}"))),
            Event::Output(line) if self.show_output => {
                // The work goes on for whoever looks at how it ends.
                let _ = self.bar.suspend(|| say(line));
            }
            // A first build takes a minute.
            Event::Output(line) if !self.terminal && is_step(line) => tell(line),
            Event::Output(line) => {
                let mut kept = self.kept.borrow_mut();
                if kept.len() == KEPT_LINES {
                    kept.pop_front();
                }
                kept.push_back(line.to_owned());
                let width = 60;
                self.bar
                    .set_prefix(line.trim().chars().take(width).collect::<String>());
            }
            _ => {}
        }
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Ends with the work: of what failed, the output is shown.
    pub fn end<T, E>(&self, result: Result<T, E>) -> Result<T, E> {
        self.finish();
        if result.is_err() {
            for line in self.kept.borrow().iter() {
                tell(line);
            }
        }
        result
    }
}
