/// What happens while a build runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The next step, in a few words, without a full stop.
    Step(&'a str),
    /// What is likely wrong with the application and does not keep it from being built. One line,
    /// without a full stop.
    Warning(&'a str),
    /// A line that a program printed that was started for this (cargo, rustup, apt-get), without its
    /// end of line.
    Output(&'a str),
}

/// Where events go: called on the thread that called the library, in order.
pub type Report<'a> = &'a dyn Fn(Event<'_>);
